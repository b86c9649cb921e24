"""`podcast pull`: write the published state of an episode into its folder; and whether a folder is behind."""

from dataclasses import dataclass

from podcast_pipeline.episodes.base import BASE_FILE, EpisodeBase
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.public_fields import changed_fields, published_fields
from podcast_pipeline.errors import EpisodeError, MergeError
from podcast_pipeline.model import Episode
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.merge.published import known_base, merge_folder, write_merge
from podcast_pipeline.pipeline.withdraw.checks import check_folder


@dataclass(frozen=True)
class PullResult:
    """What a pull did.

    Attributes:
        taken: a line for each change that came from the published episode.
        conflicts: a line for each place that a person has to decide.
        files: those that have both values between markers now.
    """

    slug: str
    taken: tuple[str, ...]
    conflicts: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def advice(self) -> str:
        """What to do about the conflicts."""
        if not self.files:
            return f"edits without a place are kept; run `podcast review {self.slug}`, then publish"
        names = " and ".join(self.files)
        return f"open {names}, keep one side of each conflict, delete the lines with markers, then publish"


def pull(context: Context, slug: str) -> PullResult:
    """Merge the published state of an episode into its folder; publishes nothing.

    Idempotent. What both changed is written with both values between markers, for a person to decide.

    Raises:
        EpisodeError: the episode is not in the catalog, or a file has markers that are not resolved.
        LeakError: the folder has words that were withdrawn; `podcast withdraw SLUG` takes them out.
    """
    with context.library.open(slug) as folder:
        draft = folder.load_draft()
        catalog = context.catalog()
        known = catalog.by_id(draft.id) if catalog else None
        if known is None:
            raise EpisodeError(slug, "is a draft: nothing of it is published, so there is nothing to pull")
        if known.state == "unpublished":
            raise EpisodeError(slug, "was unpublished; there is nothing to pull")
        check_folder(folder, known, catalog)
        merged = merge_folder(folder, draft, known, context, base=_base(folder, known), save=True)
        write_merge(merged, known)
    return PullResult(slug, merged.taken, merged.conflicts, merged.files_with_markers)


def behind(folder: EpisodeFolder, known: Episode) -> str:
    """Return a line on what others have published and the folder does not have; "" for nothing."""
    advice = f"run `podcast pull {folder.slug}`"
    try:
        base = known_base(folder, known)
    except (EpisodeError, MergeError) as error:
        return error.message
    if base is None:
        return f"has no {BASE_FILE}, so nobody can tell whether it has the published state; {advice}"
    names = sorted(changed_fields(base.fields, published_fields(known))) if base.fields else []
    if known.transcript and base.document_key != known.transcript.document_key:
        names.append(f"the transcript (version {known.transcript.version})")
    return f"another producer has published {' and '.join(names)} since; {advice}" if names else ""


def _base(folder: EpisodeFolder, known: Episode) -> EpisodeBase | None:
    """Return what a folder was last equal to; None where base.json is of no use."""
    try:
        return known_base(folder, known)
    except MergeError:
        return None
