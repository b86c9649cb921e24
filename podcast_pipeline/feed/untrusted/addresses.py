"""Addresses of another host's feed: as RFC 3986 writes them, or none."""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

import idna

WEB_SCHEMES = ("http", "https")
UNRESERVED = "-._~"
PATH_SAFE = f"%/:@!$&'()*+,;={UNRESERVED}"
QUERY_SAFE = f"{PATH_SAFE}?"

_IGNORED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff]")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def web_address(text: str, base: str | None = None) -> str | None:
    """Return an http(s) address in ASCII: percent-encoded, its host in IDNA; a right one stays as it is.

    Args:
        base: the address of the document, against which a relative address is resolved; None: there is none.

    Returns:
        None for any other scheme (`javascript:`, `data:`, `file:`) and for what is no address.

    Source: RFC 3986, sections 2.1 and 5; RFC 5891.
    """
    try:
        parts = urlsplit(urljoin(base or "", _IGNORED.sub("", text).strip()))
        if parts.scheme not in WEB_SCHEMES:
            return None
        return urlunsplit(
            (
                parts.scheme,
                _authority(parts),
                _encoded(parts.path, PATH_SAFE),
                _encoded(parts.query, QUERY_SAFE),
                _encoded(parts.fragment, QUERY_SAFE),
            )
        )
    except ValueError:  # no host, a port that is no number, half a surrogate
        return None


def _encoded(part: str, safe: str) -> str:
    return quote(_BARE_PERCENT.sub("%25", part), safe=safe)


def _authority(parts: SplitResult) -> str:
    user, at, rest = parts.netloc.rpartition("@")
    port = "" if parts.port is None else f":{parts.port}"
    host = rest.rpartition(":")[0] if rest.rpartition(":")[2].isdecimal() and ":" in rest else rest
    return f"{_encoded(user, PATH_SAFE)}{at}{ascii_host(host.removesuffix(':'))}{port}"


def ascii_host(host: str) -> str:
    """Return a host in ASCII, as IDNA 2008 has it; raises ValueError for what is no host name."""
    name = unquote(host)
    if not name.isascii():
        name = _idna(name)
    if not _HOST.fullmatch(name):
        raise ValueError(name)
    return name


def _idna(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return name.encode("idna").decode()  # IDNA 2003, which has emoji
