"""The files of an episode's transcript, each with a title page that says what it is. Pure."""

from dataclasses import dataclass
from datetime import tzinfo

from podcast_pipeline.feed.tags import credited_persons
from podcast_pipeline.model import Episode, Show, Transcript, TranscriptVersion
from podcast_pipeline.storage.objects import StagedObject, transcript_files
from podcast_pipeline.transcript.documents.title_page import TitlePage


@dataclass(frozen=True)
class TranscriptFiles:
    """Renders the files of a show's transcripts.

    Attributes:
        zone: the show's, in which its days begin.
    """

    show: Show
    zone: tzinfo

    def title_page(self, episode: Episode, version: TranscriptVersion, transcript: Transcript) -> TitlePage:
        """Return the title page of a version."""
        people = credited_persons(self.show, episode) or self.show.hosts
        return TitlePage.of(self.show, episode, version, transcript, people=people, zone=self.zone)

    def add_to(
        self, episode: Episode, version: TranscriptVersion, transcript: Transcript
    ) -> tuple[Episode, tuple[StagedObject, ...]]:
        """Return the episode with the files of one of its versions, and these files.

        Args:
            transcript: the version's words.
        """
        page = self.title_page(episode, version, transcript)
        files = transcript_files(episode.slug, transcript, page)
        with_files = version.with_files({form: file.key for form, file in files.items()})
        versions = tuple(with_files if known == version else known for known in episode.transcripts)
        return episode.model_copy(update={"transcripts": versions}), tuple(files.values())

    def add_to_newest(
        self, episode: Episode, known: Episode | None, transcript: Transcript | None
    ) -> tuple[Episode, tuple[StagedObject, ...]]:
        """Return the episode with the files of its newest version, where version or title page are new.

        A file of an earlier release stays as it is until then: an upgrade publishes nothing.

        Args:
            known: the episode as the catalog has it; None for a new one.
            transcript: the newest words; None where there are none.
        """
        version, before = episode.transcript, known.transcript if known else None
        if version is None or transcript is None:
            return episode, ()
        if known and before == version and self._is_known(episode, known, version, transcript):
            return episode, ()
        return self.add_to(episode, version, transcript)

    def _is_known(
        self, episode: Episode, known: Episode, version: TranscriptVersion, transcript: Transcript
    ) -> bool:
        return self.title_page(known, version, transcript) == self.title_page(episode, version, transcript)
