"""Two producers of one show: a folder each, one store."""

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from podcast_pipeline import Context, Episode
from podcast_pipeline.model.catalog import to_json, transcript_from_json
from podcast_pipeline.pipeline.merge.pull import PullResult, pull
from podcast_pipeline.pipeline.publish import PublishResult, publish
from podcast_pipeline.transcript.markdown import HINT
from tests.support.pipeline import context_of
from tests.support.show import SLUG, ShowFolder
from tests.support.transcripts import spoken

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LINES = (
    ("S0", "Welcome w0 w1 w2 w3. Then w4 w5 w6 w7."),
    ("S1", "Indeed w8 w9 w10 w11."),
    ("S0", "Thank w12 w13 w14 w15."),
)
CONFLICT = re.compile(r"^<{7} here\n(.*?)^={7}\n(.*?)^>{7} published\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Producer:
    """A producer's folder of the show."""

    show: ShowFolder

    @property
    def context(self) -> Context:
        """The show, opened anew."""
        return context_of(self.show, NOW)

    @property
    def folder(self) -> Path:
        """The episode's folder."""
        return self.show.episode

    def publish(self) -> PublishResult:
        """Publish the folder."""
        return publish(self.context, SLUG)

    def pull(self) -> PullResult:
        """Pull the published state."""
        return pull(self.context, SLUG)

    def replace(self, name: str, pattern: str, new: str) -> None:
        """Replace the only match of a pattern in a file of the folder."""
        path = self.folder / name
        text, count = re.subn(pattern, lambda _: new, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count == 1, (pattern, count)
        path.write_text(text, encoding="utf-8")

    def correct(self, old: str, new: str) -> None:
        """Replace words in the body of transcript.md."""
        path = self.folder / "transcript.md"
        head, hint, body = path.read_text(encoding="utf-8").partition(HINT)
        body, count = re.subn(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, body)
        assert count == 1, (old, count)
        path.write_text(head + hint + body, encoding="utf-8")

    def name_speaker(self, speaker: str, name: str) -> None:
        """Name a speaker in the front matter."""
        self.replace("transcript.md", rf"^  {speaker}: .*$", f"  {speaker}: {name}")

    def set_title(self, title: str) -> None:
        """Change the title."""
        path = self.folder / "episode.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"^title = .*", f'title = "{title}"', text, count=1, flags=re.MULTILINE))

    def text(self, name: str = "transcript.md") -> str:
        """Return a file of the folder."""
        return (self.folder / name).read_text(encoding="utf-8")

    def resolve(self, *, ours: bool) -> None:
        """Keep one side of every conflict."""
        for name in ("episode.toml", "notes.md", "transcript.md"):
            resolved = CONFLICT.sub(lambda found: found[1 if ours else 2], self.text(name))
            (self.folder / name).write_text(resolved, encoding="utf-8")

    @property
    def episode(self) -> Episode:
        """The episode in the catalog."""
        catalog = self.context.catalog()
        found = catalog.by_slug(SLUG) if catalog else None
        assert found is not None
        return found

    @property
    def published_turns(self) -> list[tuple[str | None, str]]:
        """(speaker, words) of the newest published transcript."""
        version = self.episode.transcript
        assert version is not None
        document = transcript_from_json(self.context.store.get(version.document_key)[1], "document")
        return [(document.speaker_name(s.speaker), s.text) for s in document.segments]

    @property
    def published_text(self) -> str:
        """The words of the newest published transcript."""
        return " ".join(text for _, text in self.published_turns)


def prepare_origin(published: ShowFolder, folder: Path) -> ShowFolder:
    """Return a show of one published episode with numbered words and two voices without a name."""
    shutil.copytree(published.folder, folder, symlinks=True)
    show = ShowFolder(folder)
    set_numbered_words(show)
    publish(context_of(show, NOW), SLUG)
    return show


def set_numbered_words(show: ShowFolder) -> None:
    """Replace the words of a published episode in its folder."""
    words = spoken(*LINES, names={"S0": None, "S1": None})
    (show.episode / "transcript.md").unlink()
    (show.episode / "edits.json").unlink()
    (show.episode / "transcript.json").write_bytes(to_json(words))


def two_producers(origin: ShowFolder, folder: Path) -> tuple[Producer, Producer]:
    """Return two producers with a copy of a show each, and one store."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(origin.bucket, folder / "store", symlinks=True)
    producers = []
    for name in ("a", "b"):
        ignored = shutil.ignore_patterns("store", "cache", "build")
        shutil.copytree(origin.folder, folder / name, symlinks=True, ignore=ignored)
        (folder / name / ".podcast" / "store").symlink_to(folder / "store")
        producers.append(Producer(ShowFolder(folder / name)))
    return producers[0], producers[1]
