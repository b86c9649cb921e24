"""Decode arbitrary bytes into every text they may hold: compressed, encoded, escaped, between markup."""

import base64
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from itertools import product

DEPTH = 3
"""Maximum nesting of compression and base64 (gzip in base64 in gzip)."""

CHUNK_BYTES = 1 << 20
OVERLAP_BYTES = 1 << 14
"""Long data is read in overlapping chunks to bound memory; a shingle is far shorter than the overlap."""

INFLATED_BYTES = 1 << 24
"""Maximum output of one compressed stream, against compression bombs."""

HEADER_BYTES = 4096
"""A stream without output after this many bytes is not a compressed stream."""

WITH_HEADER, WITHOUT_HEADER = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
"""Windows of zlib: 32 reads gzip or zlib by the header, negative ones read a stream that has none."""

PREFIXED_BYTES = 4096
"""Shorter base64 may follow other text of the same alphabet (a URL's path) and is read at four alignments."""

BLOCK_SEPARATOR = "\x1e"
"""Marks the begin and end of an HTML block in a decoded text: ASCII's record separator."""

_BLOCKS = (
    "address|article|aside|blockquote|body|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|"
    "figure|footer|form|h[1-6]|head|header|hgroup|hr|html|legend|li|main|menu|nav|ol|optgroup|option|p|pre|"
    "search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
"""The elements that begin on a line of their own. Source: HTML Living Standard, 15.3."""

_DEFLATED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_ZIPPED = re.compile(rb"PK\x03\x04.{4}\x08\x00.{16}(..)(..)", re.DOTALL)
"""The head of a deflated file in a ZIP archive, with the lengths of what stands before its bytes.

Source: APPNOTE.TXT, 4.3.7."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/_\r\n-]{40,}")
_UTF16 = re.compile(rb"(?:[\x00-\x30\x4e-\x9f\xac-\xdf\xf9-\xff].){14,}", re.DOTALL)
"""Bytes of which every other is the high byte of a letter: in UTF-16 all text, in noise one in a hundred."""

_TEXT_CHARACTER = (
    rb"[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_TEXT_RUN = re.compile(rb"(?:%s){12,}|[A-Za-z]{6,}" % _TEXT_CHARACTER)
"""What sound and pictures have once in ten thousand bytes, and text of whatever escapes everywhere."""

CONTEXT_BYTES = 256
"""Kept on both sides of a run, more than the eight words of a shingle take."""

_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf/\"'\\]))")
_MARKUP_BRACKET = re.compile(r"<!\[CDATA\[|\]\]>|<!--|-->")
_TAG = re.compile(r"<[^<>\s][^<>]*>")
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCKS})(?:[\s/][^<>]*)?>", re.IGNORECASE)
_SOFT_BREAK = re.compile(r"=\r?\n")
_QUOTED_BYTES = re.compile(r"(?:=[0-9A-Fa-f]{2})+")
_PERCENT_BYTES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_FIELD = re.compile(
    r"""(?<![\w-])([\w-]{1,40})["']?\s{0,9}[:=]\s{0,9}(?:"((?:[^"\\]|\\.){0,400})"|'((?:[^'\\]|\\.){0,400})')"""
)  # bounded: linear on any input; longer values are still found in the text itself


def decoded_texts(data: bytes) -> Iterator[str]:
    """Yield every text that the bytes may encode, each once per chunk.

    Containers: gzip and zlib streams anywhere, files of ZIP archives (Word, EPUB), base64 of either alphabet.
    Charsets: UTF-8, Windows-1252, UTF-16 of either byte order at either alignment. Escapes: see
    `unescaped_variants`.
    """
    for plain in _unpacked(data, DEPTH):
        for chunk in _chunks(plain):
            yield from dict.fromkeys(text for raw in _decoded(chunk) for text in unescaped_variants(raw))


def unescaped_variants(text: str) -> Iterator[str]:
    """Yield a text unchanged and with the escapes of HTML, XML, JSON, URLs and mail resolved.

    Resolved are entities, JSON and percent escapes and quoted-printable. Tags are removed, once as a space
    and once without, with BLOCK_SEPARATOR at the end of a block. The values of each field (attribute, JSON
    key) are joined, for files with a record per word.
    """
    for spelled in dict.fromkeys((text, _from_quoted_printable(text))):
        plain = _unescaped(spelled)
        yield from (spelled, plain)
        if "<" in spelled or "<" in plain:
            yield from (_without_tags(spelled, " "), _unescaped(_without_tags(spelled, " ")))
            yield from (_without_tags(plain, " "), _without_tags(plain, ""))
        yield from _by_field(spelled)
        yield from _by_field(plain)


def _unpacked(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    if depth:
        for container in (*_inflated(data), *_from_base64(data)):
            yield from _unpacked(container, depth - 1)


def _inflated(data: bytes) -> Iterator[bytes]:
    streams = [(match.start(), WITH_HEADER) for match in _DEFLATED.finditer(data)]
    for match in _ZIPPED.finditer(data):
        lengths = (int.from_bytes(length, "little") for length in match.groups())
        streams.append((match.end() + sum(lengths), WITHOUT_HEADER))
    for start, wbits in streams:
        yield from _decompressed(memoryview(data)[start:], wbits)


def _decompressed(data: memoryview, wbits: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits)
    try:
        plain = stream.decompress(data[:HEADER_BYTES], INFLATED_BYTES)
        if plain:
            yield plain + stream.decompress(stream.unconsumed_tail + data[HEADER_BYTES:], INFLATED_BYTES)
    except zlib.error:
        return


def _from_base64(data: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(data):
        run = match[0].translate(bytes.maketrans(b"-_", b"+/"), delete=b"\r\n")
        for start in range(4 if len(run) < PREFIXED_BYTES else 1):
            part = run[start : len(run) - ((len(run) - start) % 4 == 1)]  # one character left encodes no byte
            yield base64.b64decode(part + b"=" * (-len(part) % 4))


def _chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, max(len(data), 1), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES + OVERLAP_BYTES]


def _decoded(data: bytes) -> Iterator[str]:
    text = data.decode("utf-8", "replace").replace(BLOCK_SEPARATOR, " ")
    if "\ufffd" in text:
        readable = _without_noise(data)
        text = readable.decode("utf-8", "replace").replace(BLOCK_SEPARATOR, " ")
        yield readable.decode("cp1252", "replace").replace(BLOCK_SEPARATOR, " ")
    yield text
    runs = [data[max(m.start() - 1, 0) : m.end() + 1] for m in _UTF16.finditer(data)]
    for order, start in product(("le", "be"), (0, 1)) if runs else ():  # byte order and alignment are unknown
        yield "\n".join(run[start:].decode(f"utf-16-{order}", "replace") for run in runs)


def _without_noise(data: bytes) -> bytes:
    """Return the stretches of bytes that hold text, of what is not UTF-8: sound and pixels hold none.

    A stretch begins and ends in noise that is kept, so that nothing is cut in a word or an escape.
    """
    pieces, start, end = [], 0, 0
    for run in _TEXT_RUN.finditer(data):
        if run.start() - CONTEXT_BYTES > end:
            pieces.append(data[start:end])
            start = run.start() - CONTEXT_BYTES
        end = run.end() + CONTEXT_BYTES
    pieces.append(data[start:end])
    return b"\n".join(pieces)


def _unescaped(text: str) -> str:
    """Resolve escapes up to three levels deep: templates and feeds escape twice."""
    for _ in range(3):
        plain = _PERCENT_BYTES.sub(_hex_bytes, _JSON_ESCAPE.sub(_json_character, unescape(text)))
        if plain == text:
            break
        text = plain
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins \ud83d\ude00


def _json_character(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else {"n": "\n", "r": "\r", "t": "\t"}.get(match[3], match[3])


def _hex_bytes(match: re.Match[str]) -> str:
    # urllib.parse.unquote does the same, fifty times slower on non-ASCII text.
    return bytes.fromhex(re.sub("[%=]", "", match[0])).decode("utf-8", "replace")


def _from_quoted_printable(text: str) -> str:
    return _QUOTED_BYTES.sub(_hex_bytes, _SOFT_BREAK.sub("", text))


def _without_tags(text: str, replacement: str) -> str:
    return _TAG.sub(replacement, _BLOCK_TAG.sub(BLOCK_SEPARATOR, _MARKUP_BRACKET.sub(" ", text)))


def _by_field(text: str) -> Iterator[str]:
    values: defaultdict[str, list[str]] = defaultdict(list)
    for name, double, single in _FIELD.findall(text):
        values[name].append(double or single)
    for texts in values.values():
        if len(texts) > 1:
            yield from (" ".join(texts), "".join(texts))
