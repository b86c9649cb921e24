"""Take a scheduled episode out of the catalog; nobody has it yet, so it becomes a draft again."""

from podcast_pipeline.errors import EpisodeError
from podcast_pipeline.model import Episode
from podcast_pipeline.model.catalog import Catalog
from podcast_pipeline.pipeline.commit import CatalogUpdate, commit, load_catalog, make_feed_renderer
from podcast_pipeline.pipeline.context import Context


def unschedule(context: Context, slug: str) -> bool:
    """Take a scheduled episode out of the catalog.

    Its folder keeps id, guid and slug, and a later `publish` uses them again. Its objects become orphans.

    Returns:
        Whether the episode was scheduled; False for a draft, so that a killed run can be repeated.

    Raises:
        EpisodeError: the episode is public (`release` was faster) or unpublished, something of it was
            withdrawn, or nobody knows the slug.
    """
    taken_out: list[Episode] = []

    def take_out(current: Catalog | None) -> Catalog:
        catalog, episode = _scheduled(current, slug)
        taken_out[:] = [episode]
        return catalog.without_episode(episode.id)

    catalog = load_catalog(context)
    if (catalog is None or catalog.by_slug(slug) is None) and context.library.id_of(slug):
        return False
    commit(context, CatalogUpdate(take_out, make_feed_renderer((), allow=frozenset({"redownloads"}))))
    return bool(taken_out)


def _scheduled(current: Catalog | None, slug: str) -> tuple[Catalog, Episode]:
    episode = current.by_slug(slug) if current else None
    if current is None or episode is None:
        raise EpisodeError(slug, "is not in the catalog; `podcast list` shows all")
    if episode.state == "published":
        raise EpisodeError(
            slug,
            f"is public since {episode.publish_at:%Y-%m-%d %H:%M} UTC and was not changed; "
            f"`podcast unpublish {slug}` takes it out of feed and pages, for ever",
        )
    if episode.state == "unpublished":
        raise EpisodeError(slug, "was unpublished, which is for ever; nothing was changed")
    if episode.withdrawals:
        raise EpisodeError(
            slug,
            "has withdrawn words, and only its entry in the catalog keeps them from coming back; move it by"
            f" `podcast publish {slug} --at TIME`, or take it away by `podcast withdraw {slug} --all`",
        )
    return current, episode
