"""The pictures that an episode's notes show, from its folder to the public objects."""

import os
from pathlib import Path
from urllib.parse import unquote

from podcast_pipeline.audio.notes_pictures import LoadedPicture, load_picture
from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.errors import AudioError
from podcast_pipeline.feed.show_notes import local_pictures
from podcast_pipeline.model import Episode, EpisodeDraft, NotesPicture
from podcast_pipeline.pipeline.assemble import NotesPictures
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.storage.objects import stage_bytes


def build_pictures(
    folder: EpisodeFolder, draft: EpisodeDraft, known: Episode | None, context: Context
) -> NotesPictures:
    """Read the pictures that the notes name, and warn of those that cannot be shown.

    A published picture that is not in this copy of the folder stays as it is.
    """
    published = {picture.source: picture for picture in known.pictures} if known else {}
    pictures, objects = [], []
    for source in local_pictures(draft.notes):
        path = folder.path / unquote(source)
        if source in published and not path.exists():
            pictures.append(published[source])
            continue
        try:
            loaded = _load(path, folder)
        except (AudioError, ValueError) as error:
            context.warn(f"{folder.slug}: notes.md shows a picture that the page will not have: {error}")
            continue
        staged = stage_bytes("public/art", draft.slug, loaded.suffix, loaded.data, loaded.content_type)
        size_px = {"width_px": loaded.width_px, "height_px": loaded.height_px}
        pictures.append(NotesPicture(source=source, key=staged.key, **size_px))
        objects.append(staged)
    return NotesPictures(tuple(pictures), tuple(objects))


def _load(path: Path, folder: EpisodeFolder) -> LoadedPicture:
    """Read a picture; ValueError for a path that is none."""
    resolved = Path(os.path.realpath(path))  # Path.resolve breaks off at links that lead in a circle
    if not resolved.is_relative_to(folder.path.resolve()):
        raise AudioError(path, "lies outside of the episode's folder; put it beside notes.md")
    return load_picture(path)
