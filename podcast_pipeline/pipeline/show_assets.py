"""The show as the catalog will have it, and the objects that it references: artwork and notice audio."""

from dataclasses import dataclass

from podcast_pipeline.audio import artwork, notice
from podcast_pipeline.config import SHOW_FILE_NAME
from podcast_pipeline.config.placeholders import (
    INIT_COVER,
    Placeholder,
    find_placeholders,
    is_trial,
    tell_placeholders,
)
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Show
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.model.gates import GateName, check_gate
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.storage.objects import StagedObject, stage_bytes
from podcast_pipeline.storage.published import read_feed


@dataclass(frozen=True)
class ShowAssets:
    """The show with its artwork and the audio of the notice item.

    Attributes:
        objects: those that the catalog does not reference yet.
    """

    show: Show
    notice_audio: StagedObject
    notice_audio_duration_s: float
    objects: tuple[StagedObject, ...]

    def apply_to(self, catalog: Catalog | None) -> Catalog:
        """Return the catalog with this show, artwork and notice audio; a new one for None."""
        return (catalog or Catalog(show=self.show)).with_show(
            self.show,
            notice_audio_key=self.notice_audio.key,
            notice_audio_size_bytes=self.notice_audio.size_bytes,
            notice_audio_duration_s=self.notice_audio_duration_s,
        )


def build_show_assets(context: Context, catalog: Catalog | None) -> ShowAssets:
    """Read show.toml's artwork and the packaged notice audio; AudioError for artwork that cannot be used."""
    config = context.config
    with step(context.report, "artwork"):
        art = artwork.load_artwork(config.folder / config.show.artwork)
    cover = stage_bytes("public/art", "", art.suffix, art.data, art.content_type)
    audio = stage_bytes("public/audio", "notice", "mp3", notice.load_notice(), "audio/mpeg")
    referenced = {catalog.show.artwork_key, catalog.notice_audio_key} if catalog else set()
    return ShowAssets(
        show=config.to_show(artwork_key=cover.key),
        notice_audio=audio,
        notice_audio_duration_s=notice.DURATION_S,
        objects=tuple(staged for staged in (cover, audio) if staged.key not in referenced),
    )


def show_placeholders(context: Context) -> tuple[Placeholder, ...]:
    """Return what show.toml still has of the sample; a cover that is not there is none, as on a server."""
    path = context.config.folder / context.config.show.artwork
    return find_placeholders(context.config, cover_sha256=sha256_of(path) if path.is_file() else "")


def check_placeholders(context: Context, catalog: Catalog | None, *, allow: frozenset[GateName]) -> None:
    """Close the gate `placeholders` where listeners would see a value of the sample for the first time.

    A show on this machine only is left alone, but for the cover of `podcast init` over a show that was
    imported: its listeners know another one.

    Args:
        catalog: as it is; None before the first publication.

    Raises:
        GateClosed: nobody has allowed it.
    """
    moved = catalog is not None and any(episode.original for episode in catalog.episodes)
    has_feed = read_feed(context.store)[0] is not None
    seen = catalog.show if catalog and has_feed else None
    found = new_placeholders(show_placeholders(context), context.show, seen, moved=moved)
    finding = f"still has placeholders: {tell_placeholders(found)}; put your own there" if found else None
    check_gate("placeholders", SHOW_FILE_NAME, finding, allow=allow)


def new_placeholders(
    found: tuple[Placeholder, ...], show: Show, seen: Show | None, *, moved: bool
) -> tuple[Placeholder, ...]:
    """Return the placeholders that a publication would show to listeners for the first time. Pure.

    Args:
        show: as show.toml describes it.
        seen: the show as the public feed has it; None before the first feed.
        moved: whether listeners know the show from another host.
    """
    trial = is_trial(show)
    if trial:
        found = tuple(one for one in found if moved and one.value == INIT_COVER[:16])
    if seen is None or (is_trial(seen) and not trial):
        return found
    return tuple(one for one in found if not one.is_in(seen))
