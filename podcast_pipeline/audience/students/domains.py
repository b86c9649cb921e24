"""Which mail addresses are a school's: whole labels of the domain's ASCII form, by a list in the package."""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.audience.subscribers.mailbox import ascii_domain, ascii_name

SUFFIXES = frozenset(
    ("edu", "ac.uk", "edu.au", "ac.nz", "ac.jp", "ac.kr", "edu.sg", "edu.br")  # closed registries
)
"""Suffixes that only schools get, beside those of the list."""

LIST = "swot_domains.txt"
IDN_LABEL = "xn--"


def academic_domain(address: EmailAddress, *, also: Iterable[str] = ()) -> str | None:
    """Return the domain of an address in its ASCII form if it is a school's, else None.

    A domain of the newsroom's counts first, then what the list refuses, then its schools, then the suffixes.
    A suffix lets in no internationalised name: `hаrvard.edu` with a Cyrillic letter is another host.

    Args:
        also: the domains of the newsroom, of which any subdomain counts too.

    Source: https://github.com/JetBrains/swot (MIT); RFC 5890 for the ASCII form.
    """
    domain = ascii_domain(address.email)
    ends = set(_ends(domain))
    if ends & {ascii_name(name) for name in also}:
        return domain
    schools, suffixes, refused = _listed()
    if ends & refused:
        return None
    if ends & schools:
        return domain
    is_under_suffix = bool((ends - {domain}) & suffixes)
    return domain if is_under_suffix and IDN_LABEL not in domain else None


def _ends(domain: str) -> Iterator[str]:
    """Yield a domain and everything that it is under: a.b.edu, b.edu, edu."""
    labels = domain.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


@cache
def _listed() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the schools, the suffixes and the refused names of the list."""
    text = files(__package__).joinpath(LIST).read_text(encoding="ascii")
    names = [line for line in text.split("\n") if line and not line.startswith("#")]
    schools = frozenset(name for name in names if name[0] not in ".!")
    suffixes = frozenset(name[1:] for name in names if name.startswith("."))
    return schools, suffixes | SUFFIXES, frozenset(name[1:] for name in names if name.startswith("!"))
