"""The itunes: and podcast: tags of a feed, as lists in order."""

from uuid import UUID, uuid5

from podcast_pipeline.feed import private
from podcast_pipeline.feed.feedgen_extension import Tag
from podcast_pipeline.feed.text import single_line, xml_safe
from podcast_pipeline.feed.untrusted.addresses import web_address
from podcast_pipeline.feed.untrusted.harmless import harmless_elements
from podcast_pipeline.model import (
    CHAPTERS_TYPE,
    CaptionFormat,
    Episode,
    FeedElement,
    ImportedItem,
    Person,
    Show,
    TranscriptVersion,
)

PODCAST_NAMESPACE = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")

CAPTION_TYPES: dict[CaptionFormat, str] = {
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
}
"""The transcript files in a feed, best first. Source: transcript.md of the podcast namespace; rule T6."""


def podcast_guid(feed_url: str) -> UUID:
    """Return the guid of a new show from its feed's address; assigned once, never computed again.

    Source: guid.md of the podcast namespace; rule F5.
    """
    return uuid5(PODCAST_NAMESPACE, feed_url.partition("://")[2].rstrip("/"))


def private_podcast_guid(show: Show) -> UUID:
    """Return the podcast:guid of all private feeds of a show."""
    return uuid5(show.guid, "private")


def show_tags(show: Show) -> list[Tag]:
    """Return the channel tags of every feed of the show."""
    tags = [
        Tag("itunes:author", single_line(show.author)),
        Tag("itunes:explicit", _flag(show.explicit)),
        Tag("itunes:type", "episodic"),
        *(_category(category) for category in show.categories),
    ]
    if show.artwork_key:
        tags.append(_image(show, show.artwork_key))
    if show.update_rrule:
        tags.append(Tag("podcast:updateFrequency", attributes={"rrule": single_line(show.update_rrule)}))
    return tags + [_person(host) for host in show.hosts]


def public_tags(show: Show) -> list[Tag]:
    """Return the tags of the public channel: owner, guid, lock, new address and hubs."""
    owner = Tag("itunes:name", single_line(show.author)), Tag("itunes:email", single_line(show.owner_email))
    return [
        Tag("itunes:owner", children=owner),
        Tag("podcast:guid", str(show.guid)),
        _locked(show, "yes" if show.locked else "no"),
        *([Tag("itunes:new-feed-url", single_line(show.new_feed_url))] if show.new_feed_url else []),
        *(Tag("atom:link", attributes={"rel": "hub", "href": single_line(hub)}) for hub in show.hub_urls),
    ]


def private_tags(show: Show) -> list[Tag]:
    """Return the tags that keep a private feed out of directories. Source: rule P2."""
    return [
        Tag("itunes:block", "Yes"),
        Tag("podcast:guid", str(private_podcast_guid(show))),
        _locked(show, "yes"),
        Tag("podcast:block", "yes"),
    ]


def _locked(show: Show, value: str) -> Tag:
    """Return podcast:locked, with an owner: Podcast Index's parser ignores the tag without one."""
    return Tag("podcast:locked", value, {"owner": single_line(show.owner_email)})


def episode_tags(show: Show, episode: Episode) -> list[Tag]:
    """Return the tags of an episode in every feed; an imported tag replaces our own of the same name."""
    imported = _imported_tags(episode.original) if episode.original else []
    names = {tag.name for tag in imported}
    own = (tag for tag in _own_tags(show, episode) if tag.name not in names)
    return [*_basic_tags(show, episode), *imported, *own]


def _basic_tags(show: Show, episode: Episode) -> list[Tag]:
    duration_s = episode.enclosure.duration_s  # 0 if an imported feed stated none
    tags = [
        *([Tag("itunes:duration", whole_seconds(duration_s))] if duration_s else []),
        Tag("itunes:explicit", _flag(episode.explicit)),
        Tag("itunes:episodeType", episode.type),
    ]
    if episode.artwork_key:
        tags.append(_image(show, episode.artwork_key))
    imported = {tag.name for tag in episode.original.tags} if episode.original else set()
    for name, number in (("season", episode.season), ("episode", episode.number)):
        if number is not None:
            both = (Tag(f"itunes:{name}", str(number)), Tag(f"podcast:{name}", str(number)))
            tags += [tag for tag in both if tag.name not in imported]
    if episode.chapters_key:
        tags.append(_chapters(show, episode, episode.chapters_key))
    return tags


def _imported_tags(original: ImportedItem) -> list[Tag]:
    """Return the tags of an imported episode's old feed, unchanged, but for addresses that are none."""
    tags = [_markup(tag) for tag in harmless_elements(original.tags)]
    if original.image_url and (image := web_address(original.image_url)):
        tags.append(Tag("itunes:image", attributes={"href": single_line(image)}))
    if original.chapters_url and (chapters := web_address(original.chapters_url)):
        tags.append(Tag("podcast:chapters", attributes={"url": single_line(chapters), "type": CHAPTERS_TYPE}))
    return tags


def _markup(markup: FeedElement) -> Tag:
    attributes: dict[str, str | None] = {
        name: single_line(value) for name, value in markup.attributes.items()
    }
    text = markup.text and xml_safe(markup.text)
    return Tag(markup.name, text, attributes, tuple(_markup(child) for child in markup.children))


def _own_tags(show: Show, episode: Episode) -> list[Tag]:
    tags = [_person(person) for person in credited_persons(show, episode)]
    tags += [
        Tag(
            "podcast:soundbite",
            single_line(bite.title or ""),
            {"startTime": _seconds(bite.start_s), "duration": _seconds(bite.duration_s)},
        )
        for bite in episode.soundbites
    ]
    return tags


def credited_persons(show: Show, episode: Episode) -> tuple[Person, ...]:
    """Return the persons of an item, hosts before guests; none if the channel's persons apply.

    An item's persons replace the channel's, so the hosts are repeated beside guests. If the episode has hosts
    of its own, they replace the show's. Source: person.md of the podcast namespace; rule F14.
    """
    own_hosts = tuple(p for p in episode.persons if p.role == "host")
    guests = tuple(p for p in episode.persons if p.role == "guest")
    return (own_hosts or show.hosts) + guests if episode.persons else ()


def transcript_tags(show: Show, episode: Episode) -> list[Tag]:
    """Return the tags of the newest transcript's files; none without a transcript.

    Their addresses are those for everybody where the transcript is public, else of the private feed.
    """
    version = episode.transcript
    if version is None:
        return []
    language = None if _same_language(version.language, show.language) else single_line(version.language)
    return [
        Tag(
            "podcast:transcript",
            attributes={
                "url": _transcript_url(show, episode, form, version),
                "type": mime,
                "language": language,
                "rel": "captions",
            },
        )
        for form, mime in CAPTION_TYPES.items()
        if form in version.file_keys
    ]


def _transcript_url(show: Show, episode: Episode, form: CaptionFormat, version: TranscriptVersion) -> str:
    if episode.transcript_is_public:
        return single_line(show.object_url(version.public_keys[form]))
    return private.private_transcript_url(show, episode, form, version.file_keys[form])


def _same_language(one: str, other: str) -> bool:
    """Return whether two BCP 47 tags match; `en` and `en-US` do, `pt-PT` and `pt-BR` do not."""
    first, second = one.lower().split("-"), other.lower().split("-")
    return all(a == b for a, b in zip(first, second, strict=False))


def enclosure_url(show: Show, episode: Episode) -> str:
    """Return the address of the audio: behind the token only if the episode is for subscribers."""
    enclosure = episode.enclosure
    if enclosure.key is None:
        return xml_safe(web_address(enclosure.external_url or "") or "")
    if episode.access == "subscribers":
        return private.private_audio_url(show, episode, enclosure.key)
    return single_line(show.object_url(enclosure.key))


def _chapters(show: Show, episode: Episode, key: str) -> Tag:
    behind_token = episode.access == "subscribers"
    url = private.private_chapters_url(show, episode) if behind_token else single_line(show.object_url(key))
    return Tag("podcast:chapters", attributes={"url": url, "type": CHAPTERS_TYPE})


def _person(person: Person) -> Tag:
    url, image = person.url and web_address(person.url), person.image_url and web_address(person.image_url)
    attributes = {"role": person.role, "href": url and single_line(url), "img": image and single_line(image)}
    return Tag("podcast:person", single_line(person.name), attributes)


def _category(category: str) -> Tag:
    """Return an itunes:category; for `News > Politics` the subcategory is nested in its category."""
    top, _, sub = (single_line(part) for part in category.partition(">"))
    children = (Tag("itunes:category", attributes={"text": sub}),) if sub else ()
    return Tag("itunes:category", attributes={"text": top}, children=children)


def _image(show: Show, key: str) -> Tag:
    return Tag("itunes:image", attributes={"href": single_line(show.object_url(key))})


def _flag(value: bool) -> str:
    return "true" if value else "false"


def whole_seconds(duration_s: float) -> str:
    """Return a duration for itunes:duration: whole seconds, at least 1."""
    return str(max(1, round(duration_s)))


def _seconds(time_s: float) -> str:
    return f"{time_s:.3f}".rstrip("0").rstrip(".")
