"""Leak detection: planted words are found in every encoding, clean bytes give no match."""

import base64
import gzip
import html
import io
import json
import quopri
import random
import time
import unicodedata
import zlib
from collections.abc import Callable
from typing import get_args
from urllib.parse import quote, quote_plus
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import COMM, ID3, TXXX, Encoding

from podcast_pipeline.model import CaptionFormat, Transcript
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.transcript.captions.formats import render_captions
from podcast_pipeline.transcript.documents.word import to_word
from podcast_pipeline.transcript.leaks import decoders
from podcast_pipeline.transcript.leaks.shingles import (
    SHINGLE_CHARACTERS,
    SHINGLE_WORDS,
    Leak,
    Shingles,
    find_leaks,
    teaser,
    teaser_word_count,
)
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from tests.support.title_pages import TITLE_PAGE
from tests.support.transcripts import spoken, transcripts

TEXTS = {
    "english": "It wasn't the best of times, it was 1,000 nights of snow over Ann's harbour & <stood> still.",
    "french": "Café crème à l'œil, où naïveté gênait l'élève déçu là-bas près du vieux chêne être aïeul.",
    "russian": "Зимой гавань замёрзла, и корабли стояли одиннадцать недель подряд без единого слова надежды.",
    "greek": "Το λιμάνι πάγωσε τον Ιανουάριο και τα πλοία έμειναν ακίνητα έντεκα ολόκληρες εβδομάδες εκεί.",
    "arabic": "تجمد الميناء في يناير وتوقفت السفن أحد عشر أسبوعا كاملا دون أي كلمة أمل من أحد.",
    "hindi": "जनवरी में बंदरगाह जम गया और जहाज ग्यारह सप्ताह तक बिना किसी शब्द के खड़े रहे।",
    "korean": "일월에 항구가 얼어붙었고 배들은 열한 주 동안 아무 말도 없이 그 자리에 서 있었다.",
    "japanese": "一月に港が凍りつき、船は十一週間ものあいだ何も言わずにその場に立ちつくしていました。",
    "emoji": "We 👩‍👩‍👧‍👦 danced 🎉 on the ice 😀 until morning came and nobody ever told a soul about it.",
}
FILLER = "Something else entirely stands here, harmless and long enough to be a page of its own."


def id3(encoding: int) -> Callable[[str], bytes]:
    """Return a function that writes a text into an ID3 tag of this encoding."""

    def tag(text: str) -> bytes:
        tags = ID3()
        tags.add(COMM(encoding=encoding, lang="eng", desc="note", text=[text]))
        tags.add(TXXX(encoding=encoding, desc="short", text=["x"]))
        body = io.BytesIO(b"\xff\xfb\x90\x64" * 300)
        tags.save(body)
        return body.getvalue()

    return tag


def quoted_printable(text: str) -> bytes:
    return quopri.encodestring(text.encode())


def vtt_word_by_word(text: str) -> bytes:
    cues = (
        f"{n}\n00:00:{n:02}.000 --> 00:00:{n:02}.900\n<v Bo>{word}\n" for n, word in enumerate(text.split())
    )
    return ("WEBVTT\n\n" + "\n".join(cues)).encode()


def karaoke(text: str) -> bytes:
    return "".join(f"<00:00:{n:02}.000><c> {word}</c>" for n, word in enumerate(text.split())).encode()


def json_word_by_word(text: str) -> bytes:
    return json.dumps([{"body": word, "startTime": 1.5, "speaker": "Bo"} for word in text.split()]).encode()


def spans(text: str) -> bytes:
    words = (f'<span data-start="1.{n}">{html.escape(word)}</span>' for n, word in enumerate(text.split()))
    return " ".join(words).encode()


def attributes(text: str) -> bytes:
    return "".join(f'<w n="{n}" t="{html.escape(word)}"/>' for n, word in enumerate(text.split())).encode()


def entities(text: str) -> bytes:
    return "".join(f"&#{ord(c)};" if n % 3 else f"&#x{ord(c):x};" for n, c in enumerate(text)).encode()


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "upper case": lambda text: text.upper().encode(),
    "utf-16 with mark": lambda text: text.encode("utf-16"),
    "utf-16-le": lambda text: f" {text} ".encode("utf-16-le"),
    "utf-16-be": lambda text: f" {text} ".encode("utf-16-be"),
    "utf-16 off by one": lambda text: b"\x01" + f" {text} ".encode("utf-16-le"),
    "id3 utf-8": id3(Encoding.UTF8),
    "id3 utf-16": id3(Encoding.UTF16),
    "id3 utf-16be": id3(Encoding.UTF16BE),
    "html": lambda text: html.escape(text).encode(),
    "entities": entities,
    "html twice": lambda text: html.escape(f"<p>{html.escape(text)}</p>").encode(),
    "attribute": lambda text: f'<meta property="og:description" content="{html.escape(text)}">'.encode(),
    "cdata": lambda text: f"<description><![CDATA[{text} <b>more</b>]]></description>".encode(),
    "comment": lambda text: f"<!-- {text} --><p>".encode(),
    "tags between words": spans,
    "attribute per word": attributes,
    "json": lambda text: json.dumps({"text": text}).encode(),
    "json, ascii, twice": lambda text: json.dumps(json.dumps(text)).encode(),
    "json-ld in html": lambda text: f"<script>{json.dumps({'text': html.escape(text)})}</script>".encode(),
    "json per word": json_word_by_word,
    "percent": lambda text: quote(text).encode(),
    "form": lambda text: b"https://example.com/?q=" + quote_plus(text).encode(),
    "mailto in html": lambda text: f'<a href="mailto:?a=b&amp;body={quote(text)}">'.encode(),
    "gzip": lambda text: gzip.compress(text.encode(), mtime=0),
    "gzip inside": lambda text: b"\x00\x01garbage" + gzip.compress(text.encode(), mtime=0) + b"tail",
    "zlib": lambda text: b"\x89PNG\r\nzTXtComment\x00\x00" + zlib.compress(text.encode()),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 in mail": lambda text: base64.encodebytes(text.encode()),
    "base64 in a path": lambda text: b"/feeds/a/" + base64.urlsafe_b64encode(text.encode()),
    "base64 of gzip": lambda text: b'{"state": "' + base64.b64encode(gzip.compress(text.encode(), mtime=0)),
    "quoted-printable": quoted_printable,
    "captions word by word": vtt_word_by_word,
    "captions with times inside": karaoke,
    "decomposed": lambda text: unicodedata.normalize("NFD", text).encode(),
}


def transcript_in(language: str) -> Transcript:
    return spoken(("a", TEXTS[language]), spaces=language != "japanese")


SECRETS = {name: Shingles.of(transcript_in(name), public_text=()) for name in TEXTS}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_planted_text_is_found(language: str, encoding: str) -> None:
    """The whole secret is found, in any script and any encoding."""
    if language == "japanese" and encoding in ("tags between words", "attribute per word"):
        text = " ".join(TEXTS[language])
    else:
        text = TEXTS[language]
    data = FILLER.encode() + b"\n\n" + ENCODINGS[encoding](text)
    assert SECRETS[language].find_in(data)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_planted_text_is_found_in_western_charsets(encoding: str) -> None:
    """Accents in an old one-byte charset do not hide the words."""
    text = TEXTS["french"].replace("œ", "oe")
    assert Shingles.of([text], public_text=()).find_in(text.encode(encoding))


def test_a_planted_text_is_found_in_a_latin_1_tag() -> None:
    """ID3's oldest encoding is decoded, too."""
    text = TEXTS["french"].replace("œ", "oe")
    assert Shingles.of([text], public_text=()).find_in(id3(Encoding.LATIN1)(text))


LONG = tuple(random.Random(7).sample([f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(600)], 500))
SHINGLES = Shingles.of(LONG, public_text=())


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(start=st.integers(0, len(LONG) - SHINGLE_WORDS), before=st.binary(max_size=40))
def test_any_eight_words_are_found(encoding: str, start: int, before: bytes) -> None:
    """One shingle is enough, from anywhere in the transcript, after any bytes."""
    planted = LONG[start : start + SHINGLE_WORDS]
    data = before + b"\n " + ENCODINGS[encoding](" ".join(planted))
    assert " ".join(planted) in SHINGLES.find_in(data)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(start=st.integers(0, len(LONG) - SHINGLE_WORDS))
def test_seven_words_are_not_a_leak(encoding: str, start: int) -> None:
    """A quotation shorter than a shingle is no leak."""
    few = " ".join([*LONG[start : start + SHINGLE_WORDS - 1], "elsewhere"])
    assert SHINGLES.find_in(ENCODINGS[encoding](few)) == []


@given(st.binary(max_size=3000) | st.text().map(str.encode))
def test_clean_bytes_are_clean(data: bytes) -> None:
    """Bytes without the secret give no match, and no bytes raise an error."""
    assert SHINGLES.find_in(data) == []


@given(transcripts(), st.integers(0, 30))
def test_the_teaser_is_never_a_leak(transcript: Transcript, word_count: int) -> None:
    """A page that shows exactly the teaser, escaped or not, between other words, is clean.

    The name of a tag that follows it counts as a word, so it is one that no transcript here has.
    """
    shown = teaser(transcript, word_count)
    secret = Shingles.of(transcript, public_text=[shown])
    for page in (shown, f"<blockquote>{html.escape(shown)}</blockquote>", json.dumps(shown)):
        assert secret.find_in(f"Ωne {page} Ωther".encode()) == []


@pytest.mark.parametrize("name", get_args(CaptionFormat))
@pytest.mark.parametrize("language", ["english", "russian", "japanese"])
def test_every_caption_file_is_found(name: CaptionFormat, language: str) -> None:
    """Our own caption files are found if they are public by mistake."""
    assert SECRETS[language].find_in(render_captions(transcript_in(language), name))


@pytest.mark.parametrize("language", ["english", "russian", "japanese"])
@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])
def test_a_word_file_is_found(language: str, compression: int) -> None:
    """Our Word file is found, and the same one saved by a program that compresses it."""
    saved = io.BytesIO()
    with (
        ZipFile(io.BytesIO(to_word(transcript_in(language), TITLE_PAGE))) as parts,
        ZipFile(saved, "w", compression) as archive,
    ):
        for name in parts.namelist():
            archive.writestr(name, parts.read(name))
    assert SECRETS[language].find_in(b"more before it" + saved.getvalue())


@pytest.mark.parametrize("language", TEXTS)
def test_transcript_json_is_found(language: str) -> None:
    """transcript.json, with a record per word, is found, too."""
    assert SECRETS[language].find_in(to_json(transcript_in(language)))


def test_one_word_more_than_the_teaser_is_a_leak() -> None:
    """The run that ends one word after the teaser is secret."""
    transcript = spoken(("a", " ".join(LONG[:100])))
    secret = Shingles.of(transcript, public_text=[teaser(transcript, 60)])
    assert secret.find_in(teaser(transcript, 60).encode()) == []
    assert secret.find_in(teaser(transcript, 61).encode()) == [" ".join(LONG[53:61])]


TEASED = Shingles.of(LONG, public_text=[" ".join(LONG[:60])])
TEASER = f"<section><p>{' '.join(LONG[:60])} …</p></section>"


@pytest.mark.parametrize("page", [TEASER + "\n{}", TEASER.replace("section", "div").upper() + "{}"])
@pytest.mark.parametrize(
    "block", ["<p><strong>{}</strong></p>", "<DIV class='a'>{}</DIV>", "<h2>{}</h2>", "<li>{}"]
)
def test_the_next_block_may_begin_with_the_next_words(page: str, block: str) -> None:
    """Up to seven secret words in the block after the teaser's are no leak; eight are."""
    for count in range(1, SHINGLE_WORDS):
        shown = f"{' '.join(LONG[60 : 60 + count]).title()} subscription"
        assert TEASED.find_in(page.format(block.format(shown)).encode()) == []
    leaked = " ".join(LONG[60:68])
    assert TEASED.find_in(page.format(block.format(leaked)).encode()) == [leaked]


def test_the_block_before_a_quotation_may_end_with_the_words_before() -> None:
    """The same holds for a block before public text later in the transcript."""
    secret = Shingles.of(LONG, public_text=[" ".join(LONG[80:96])])
    for count in range(1, SHINGLE_WORDS):
        page = f"<h2>{' '.join(LONG[80 - count : 80])}</h2><p>{' '.join(LONG[80:96])}</p>"
        assert secret.find_in(page.encode()) == []
    page = f"<h2>{' '.join(LONG[72:80])}</h2><p>{' '.join(LONG[80:96])}</p>"
    assert secret.find_in(page.encode()) == [" ".join(LONG[72:80])]


@pytest.mark.parametrize("tag", ["span", "b", "a", "c", "w", "p", "div", "li", "td"])
@pytest.mark.parametrize("words", [1, 2, 3, 5, 7])
def test_a_leak_in_many_elements_is_found(tag: str, words: int) -> None:
    """A secret in many elements is found, after the teaser or later, wherever the elements end."""
    for start in range(60, 60 + SHINGLE_WORDS):
        leaked = LONG[start : start + SHINGLE_WORDS]
        cut = (leaked[n : n + words] for n in range(0, len(leaked), words))
        pieces = "\n".join(f"<{tag}>{' '.join(piece)}</{tag}>" for piece in cut)
        assert " ".join(leaked) in TEASED.find_in(f"{TEASER}{pieces}".encode())


@pytest.mark.parametrize("tag", ["span", "b", "em", "a", "c"])
def test_a_teaser_too_long_is_found_in_inline_elements(tag: str) -> None:
    """One word more than the teaser is a leak if no block ends, even with an element per word."""
    page = "<p>" + " ".join(f"<{tag}>{word}</{tag}>" for word in LONG[:61]) + "</p>"
    assert TEASED.find_in(page.encode()) == [" ".join(LONG[53:61])]


@pytest.mark.parametrize("border", [2, 20, 52, 55, 58, 59])
def test_a_teaser_too_long_is_found_in_two_blocks(border: int) -> None:
    """One word more is a leak, too, if the teaser is in two blocks that end elsewhere."""
    page = f"<p>{' '.join(LONG[:border])}</p><p>{' '.join(LONG[border:61])}</p>"
    assert TEASED.find_in(page.encode()) == [" ".join(LONG[53:61])]


def test_numbers_do_not_move_block_starts() -> None:
    """Blocks end at the same words with and without numbers."""
    said = "one 2 three 4 five six seven eight nine ten eleven 12 yours sincerely for ever and a day or so"
    secret = Shingles.of(said.split(), public_text=["one 2 three 4 five six seven eight nine ten eleven 12"])
    teaser = "<p>one two 2 three 4 five six seven eight nine ten eleven 12</p>"
    assert secret.find_in(f"{teaser}<p>1 Yours 2</p>".encode()) == []
    assert secret.find_in(f"{teaser}<p>yours sincerely for 7 ever and a day or</p>".encode())
    assert secret.find_in(f"{teaser.removesuffix('</p>')} 7 yours</p>".encode())


def test_a_quotation_in_the_notes_is_public() -> None:
    """A quotation in the notes is no leak, also with a link in Markdown or as HTML."""
    one, two, three = (" ".join(LONG[n : n + 5]) for n in (80, 85, 90))
    quoted = f"> {one} [{two}](https://example.com/x) **{three}**"
    shown = f"<p>{one} <a href='x'>{two}</a> <b>{three}</b></p>"
    secret = Shingles.of(LONG, public_text=[quoted])
    assert secret.find_in(shown.encode()) == []
    assert secret.find_in(" ".join(LONG[80:96]).encode()) == [" ".join(LONG[88:96])]


def test_a_leak_has_its_location() -> None:
    """A leak has the location and the normalised words."""
    words = ("The harbour froze", "and Ann's ship stood still for eleven long weeks")
    page = b"<p>and ANN&#39;S ship stood still for eleven</p> <i>long</i>"
    assert find_leaks(words, ["The harbour"], page, location="a.html") == (
        Leak("a.html", "and anns ship stood still for eleven long"),
    )
    assert find_leaks(words, [" ".join(words)], page, location="a.html") == ()


def test_many_transcripts_are_searched_at_once() -> None:
    """A union finds the leaks of all its parts."""
    both = Shingles.union([SECRETS["english"], SECRETS["japanese"]])
    assert both.find_in(TEXTS["english"].encode()) == SECRETS["english"].find_in(TEXTS["english"].encode())
    assert both.find_in(TEXTS["japanese"].encode())
    assert both.find_in(TEXTS["russian"].encode()) == []


def test_a_long_name_in_japanese_is_not_a_leak() -> None:
    """In Japanese a shingle is 16 characters: a spoken title is no leak."""
    name = "人工知能開発機構"
    secret = Shingles.of(
        spoken(("a", f"今日は{name}の話をします。それでは始めましょう。"), spaces=False), public_text=()
    )
    assert len(name) == SHINGLE_CHARACTERS // 2
    assert secret.find_in(f"<h1>{name}とは何か</h1>".encode()) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don't", "don’t"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("cafe\u0301", "café"),
        ("co\u00adoperate", "cooperate"),
        ("well-known", "well known"),
        ("Ｔｏｋｙｏ", "tokyo"),
        ("…so, “now”!", "so now"),
    ],
)
def test_equal_words_are_normalised_alike(one: str, other: str) -> None:
    """Case, the encoding of accents, typography and punctuation do not distinguish words."""
    assert normalized_words(one) == normalized_words(other)


def test_a_compression_bomb_is_not_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compression bomb is decompressed up to the limit only."""
    monkeypatch.setattr(decoders, "INFLATED_BYTES", 1 << 18)
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert max(len(text) for text in decoders.decoded_texts(bomb)) < 1 << 20


@pytest.mark.parametrize(
    "unit", [b"<", b'a="', b"%41", b"&amp;", b"\\u0041", b"=41", b"a:", b"QUJD", b"\x1f\x8b\x08"]
)
def test_hostile_bytes_take_linear_time(unit: bytes) -> None:
    """A page of one repeated escape is decoded in seconds: no pattern backtracks."""
    began = time.process_time()
    SHINGLES.find_in(unit * (200_000 // len(unit)))
    assert time.process_time() - began < 20


def test_long_data_is_read_across_chunks() -> None:
    """A shingle across the boundary of two chunks is found."""
    planted = " ".join(LONG[:8]).encode()
    for at in ((1 << 20) - 30, (1 << 20) + (1 << 14) - 10):
        assert SHINGLES.find_in(b"." * at + b" " + planted)


def test_a_teaser_is_exactly_its_words() -> None:
    """The teaser is the first written words, across segments, at most all of them."""
    transcript = spoken(("a", "Good morning, Ann."), ("b", "Hello & welcome."))
    assert teaser(transcript, 0) == ""
    assert teaser(transcript, 4) == "Good morning, Ann. Hello"
    assert teaser(transcript, 99) == transcript.text


def test_a_teaser_in_japanese_counts_the_engine_s_words() -> None:
    """In Japanese the words are the engine's, and punctuation is no word."""
    transcript = spoken(("a", "今日は、いい天気。"), spaces=False)
    assert teaser(transcript, 4) == "今日は、い"


@pytest.mark.parametrize(
    ("words", "at_most", "shown"), [(79, 60, 26), (180, 60, 60), (100, 10, 10), (2, 60, 0)]
)
def test_a_teaser_is_at_most_a_third(words: int, at_most: int, shown: int) -> None:
    """A teaser has at most the show's limit and a third of the words."""
    transcript = spoken(("a", " ".join(LONG[:words])))
    assert teaser_word_count(transcript, at_most) == shown


IN_NOISE = "because by then I was angry and said that the façade had been measured"
SPELLINGS = {
    "UTF-8": IN_NOISE.encode(),
    "Windows-1252": IN_NOISE.encode("cp1252"),
    "UTF-16": IN_NOISE.encode("utf-16-le"),
    "percent": quote(IN_NOISE).encode(),
    "JSON": "".join(f"\\u{ord(character):04x}" for character in IN_NOISE).encode(),
    "entities": "".join(f"&#{ord(character)};" for character in IN_NOISE).encode(),
    "records": b"".join(len(word).to_bytes(4, "little") + word.encode() for word in IN_NOISE.split()),
    "zlib": zlib.compress(IN_NOISE.encode()),
    "base64": base64.b64encode(IN_NOISE.encode()),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_words_in_noise_are_found(name: str) -> None:
    """Words between the bytes of sound or pixels, in any spelling: only what holds no text is passed over."""
    noise = random.Random(name).randbytes(100_000)
    shingles = Shingles.of(IN_NOISE.split(), public_text=())
    assert shingles.find_in(noise + SPELLINGS[name] + noise)
    assert not shingles.find_in(noise)


def test_noise_is_passed_over() -> None:
    """Of sound, next to nothing is read as text; it was nearly all of what an audit cost (M17)."""
    noise = random.Random(1).randbytes(300_000)
    assert sum(map(len, decoders.decoded_texts(noise))) < len(noise)
