"""The values that `podcast init` and the sample show put in place of the newsroom's own. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from podcast_pipeline.config.schema import Config
from podcast_pipeline.model import Show

INIT_COVER = "417ffaf86885a839edeaa978e54f0bb64e63d27dddcb319936efa693f9299064"
"""SHA-256 of the cover that `podcast init` writes."""

SHIPPED_COVERS = frozenset(
    {
        INIT_COVER,
        "a7c163affff3d5e452b591de5bf167fe6d0936544b507f724706ee29b9e962d6",  # the sample show, at first
        "e9f625d3a2ab5e92eb0d63d1bad000769bf030d8aabe32ad5ae6c3a511170e1c",  # the sample show
    }
)
"""SHA-256 of every cover that was ever in the package or in the repository."""

SHIPPED_TEXTS = {
    "title": "My show",
    "description": "What the show is about, in a few sentences.",
    "author": "My newsroom",
}
"""Key of [show] -> what `podcast init` writes there."""

EXAMPLE_HOSTS = ("example.org", "example.com", "example.net")
"""Hosts that belong to nobody. Source: RFC 2606, section 3."""

LONGEST_SAID = 24  # characters


@dataclass(frozen=True)
class Placeholder:
    """A value of the show that is still the one that came with the program.

    Attributes:
        key: in show.toml, as `show.title`.
        value: as it would be published; of the cover the first 16 hex digits of its SHA-256.
        said: the value as a person reads it.
    """

    key: str
    value: str
    said: str

    def is_in(self, show: Show) -> bool:
        """Whether a published show has this value already, so that listeners have seen it."""
        published = {
            "show.title": show.title,
            "show.description": show.description,
            "show.author": show.author,
            "show.owner_email": show.owner_email,
            "show.artwork": show.artwork_key or "",
            "urls.site": show.site_url,
            "urls.media": show.media_url,
            "urls.feed": show.feed_url,
            "access.renew_url": show.renew_url,
        }[self.key]
        return self.value in published if self.key == "show.artwork" else self.value == published


def find_placeholders(config: Config, *, cover_sha256: str) -> tuple[Placeholder, ...]:
    """Return the placeholders that feeds and pages of a show would have, in the order of show.toml.

    Args:
        cover_sha256: of the file that show.artwork names.
    """
    return tuple(_placeholders(config, cover_sha256))


def is_trial(show: Show) -> bool:
    """Whether every address of a show leads to the machine that asks: nobody else can reach it."""
    return all(_is_loopback(url) for url in (show.site_url, show.media_url, show.feed_url))


def tell_placeholders(found: tuple[Placeholder, ...]) -> str:
    """Return the placeholders as one list."""
    return ", ".join(f"{placeholder.key} ({placeholder.said})" for placeholder in found)


def _placeholders(config: Config, cover_sha256: str) -> Iterator[Placeholder]:
    for name, shipped in SHIPPED_TEXTS.items():
        value = getattr(config.show, name)
        if _folded(value) == _folded(shipped):
            short = value if len(value) <= LONGEST_SAID else f"{value[: LONGEST_SAID - 1]}…"
            yield Placeholder(f"show.{name}", value, f"“{short}”")
    email = config.show.owner_email
    if _is_example_host(email.rpartition("@")[2]):
        yield Placeholder("show.owner_email", email, email)
    if cover_sha256 in SHIPPED_COVERS:
        yield Placeholder("show.artwork", cover_sha256[:16], f"{config.show.artwork}, the sample cover")
    for key, url in (
        ("urls.site", config.urls.site),
        ("urls.media", config.urls.media),
        ("urls.feed", config.urls.feed),
        ("access.renew_url", config.access.renew_url),
    ):
        if url is not None and _is_example_host(urlsplit(url).hostname or ""):
            yield Placeholder(key, url, url)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".!")


def _is_example_host(host: str) -> bool:
    name = host.casefold().rstrip(".")
    return any(name == example or name.endswith(f".{example}") for example in EXAMPLE_HOSTS)


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
