"""base.json: the published state that an episode's folder was last equal to.

Of several producers with a folder each, everyone may publish. What differs between base.json and the catalog
was changed by others, what differs between base.json and the folder was changed here.
"""

import json
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationError

from podcast_pipeline.episodes.folder import EpisodeFolder
from podcast_pipeline.episodes.public_fields import digests, published_fields
from podcast_pipeline.errors import EpisodeError, MergeError
from podcast_pipeline.files import short_sha256, write_atomically
from podcast_pipeline.model import Episode, NonEmptyStr, StoredModel, Timeline, Transcript
from podcast_pipeline.model.catalog import to_json
from podcast_pipeline.model.fields import sorted_by_key

BASE_FILE = "base.json"
SCHEMA_VERSION = 1
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class EpisodeBase(StoredModel):
    """base.json; written by the program alone, kept in git with the folder.

    Attributes:
        episode_id: of the episode; a file of another folder is of no use.
        document_key: of the published transcript; None without one.
        words: digest of the folder's words when they were the published ones; None: they had edits on top.
        timeline: from the recording to the audio of that transcript.
        fields: public field -> digest of its published value.
        publishing: the state that a run was about to publish; None once it has written that it did.
    """

    schema_version: Literal[1] = 1
    episode_id: UUID
    document_key: NonEmptyStr | None = None
    words: Digest | None = None
    timeline: Timeline = Timeline()
    fields: Annotated[dict[str, Digest], AfterValidator(sorted_by_key)]
    publishing: "EpisodeBase | None" = None

    def settled(self, episode: Episode) -> Self:
        """Return the base after a run that was killed: with what it had certainly published by then.

        Its words are in the catalog, or nobody has written the field since. Of a field that another producer
        has changed since nobody can tell: it keeps the digest from before, and may be a conflict.
        """
        new = self.publishing
        if new is None:
            return self
        keys = {version.document_key for version in episode.transcripts} - {self.document_key}
        same_words = new.document_key == self.document_key
        published = digests(published_fields(episode))
        arrived = {name: digest for name, digest in new.fields.items() if published.get(name) == digest}
        if new.document_key in keys or (same_words and arrived == new.fields):
            return self.model_copy(update={**dict(new), "publishing": None})
        return self.model_copy(update={"fields": {**self.fields, **arrived}, "publishing": None})

    @classmethod
    def of(cls, episode: Episode, *, words: Transcript | None = None) -> Self:
        """Return the base of a folder that has the published state.

        Args:
            words: the folder's, in recording times, where they are the published ones.
        """
        return cls(
            episode_id=episode.id,
            document_key=episode.transcript.document_key if episode.transcript else None,
            words=words_digest(words) if words else None,
            timeline=episode.timeline,
            fields=digests(published_fields(episode)),
        )


def words_digest(transcript: Transcript) -> str:
    """Return a digest of the words with their times, and of who says them."""
    speakers = [(speaker.id, speaker.name) for speaker in transcript.speakers]
    words = [(s.speaker, [(w.text, w.start_s, w.end_s) for w in s.words]) for s in transcript.segments]
    return short_sha256(json.dumps([speakers, words], ensure_ascii=False).encode())


def read_base(folder: EpisodeFolder) -> EpisodeBase | None:
    """Return base.json, None where there is none.

    Raises:
        MergeError: it is damaged, a git merge left it unresolved, or it is another episode's.
        EpisodeError: a later release wrote it.
    """
    try:
        data = (folder.path / BASE_FILE).read_bytes()
    except FileNotFoundError:
        return None
    base = _parse(data, folder.slug)
    if base.episode_id != folder.table.id:
        raise MergeError(folder.slug, f"{BASE_FILE} belongs to another episode; {_pull(folder.slug)}")
    return base


def write_base(folder: EpisodeFolder, base: EpisodeBase) -> None:
    """Write base.json where it differs."""
    path, data = folder.path / BASE_FILE, to_json(base)
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)


def _parse(data: bytes, slug: str) -> EpisodeBase:
    try:
        version = json.loads(data)["schema_version"]
        if isinstance(version, int) and version > SCHEMA_VERSION:
            message = f"{BASE_FILE} has schema version {version}; install a newer podcast-pipeline"
            raise EpisodeError(slug, message)
        return EpisodeBase.model_validate_json(data)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        state = "has an unresolved git merge" if b"<<<<<<<" in data else "cannot be read"
        raise MergeError(slug, f"{BASE_FILE} {state}; {_pull(slug)}") from error


def _pull(slug: str) -> str:
    return f"run `podcast pull {slug}`, which writes a new one"
