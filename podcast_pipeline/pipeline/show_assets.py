"""The show as the catalog will have it, and the objects that it references: artwork and notice audio."""

from dataclasses import dataclass

from podcast_pipeline.audio import artwork, notice
from podcast_pipeline.model import Show
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.context import Context, step
from podcast_pipeline.storage.objects import StagedObject, stage_bytes


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
