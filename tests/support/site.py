"""A small published show on a real local store and a real database, for tests of the web site."""

import io
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid5

from starlette.applications import Starlette

from podcast_pipeline.audience.database import open_database
from podcast_pipeline.audience.jobs.queue import JobQueue
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.mail import Mailer, SmtpMailer
from podcast_pipeline.audience.membership.events import MembershipEvents
from podcast_pipeline.audience.membership.sources.stripe_api import Stripe
from podcast_pipeline.audience.signin_mail import signin_mail_kind
from podcast_pipeline.audience.students.proofs import StudentProofs
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.sessions import BrowserSessions
from podcast_pipeline.audience.subscribers.signin import LONGEST_PAUSE_S, SignIn
from podcast_pipeline.config import Config
from podcast_pipeline.feed import rss
from podcast_pipeline.model import (
    Chapter,
    Correction,
    Enclosure,
    Episode,
    FileFormat,
    Person,
    Segment,
    Soundbite,
    Speaker,
    Transcript,
    TranscriptVersion,
    Word,
)
from podcast_pipeline.model.catalog import CATALOG_KEY, Catalog, to_json
from podcast_pipeline.pipeline.public_transcripts import public_files
from podcast_pipeline.pipeline.transcript_files import TranscriptFiles
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.storage.objects import (
    FEED_CACHE,
    FEED_KEY,
    FEED_TYPE,
    StagedObject,
    chapters_file,
    stage_bytes,
    transcript_document,
    transcript_files,
)
from podcast_pipeline.transcript.documents.title_page import TitlePage
from podcast_pipeline.web import server
from podcast_pipeline.web.app import create_app
from podcast_pipeline.web.routes.oidc import OidcSignIn
from tests.support.databases import SHOW_DATABASES, close_engine, create_sqlite
from tests.support.outbox import Outbox
from tests.support.paths import DATA

SHOW_ID = UUID("4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7a")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
INTERVIEW = DATA / "reader_interview.txt"
TEASER_WORDS = 60
SHOW_TOML = """
[show]
id = "{show.id}"
guid = "{show.guid}"
title = "{show.title}"
description = "{show.description}"
author = "{show.author}"
owner_email = "{show.owner_email}"
categories = ["News > Politics"]
[urls]
site = "{site}"
"""
"""The show.toml of a site, for commands: format it with the site's `config.show` as show and its address."""


class Clock:
    """A stopped clock; set `now` to move it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the current time of the clock."""
        return self.now


def transcript_of(text: str, *, duration_s: float, version: int = 1) -> Transcript:
    """Return `NAME: words` lines as a transcript, the words spread evenly; a sentence is a segment."""
    lines = [line.split(": ", 1) for line in text.splitlines() if line.strip()]
    total = sum(len(speech.split()) for _, speech in lines)
    step, spoken, segments = duration_s / (total + 1), 0, []
    names = list(dict.fromkeys(name for name, _ in lines))
    for name, speech in lines:
        for sentence in _sentences(speech):
            words = []
            for word in sentence:
                start_s = round(spoken * step, 3)
                words.append(Word(text=f" {word}", start_s=start_s, end_s=round(start_s + step * 0.9, 3)))
                spoken += 1
            segments.append(Segment(speaker=f"s{names.index(name)}", words=tuple(words)))
    return Transcript(
        version=version,
        language="en",
        duration_s=duration_s,
        speakers=tuple(Speaker(id=f"s{n}", name=name) for n, name in enumerate(names)),
        segments=tuple(segments),
    )


def _sentences(text: str) -> Iterator[list[str]]:
    sentence: list[str] = []
    for word in text.split():
        sentence.append(word)
        if word[-1] in ".?!":
            yield sentence
            sentence = []
    if sentence:
        yield sentence


@cache
def tone(duration_s: float) -> bytes:
    """Return a quiet WAV that a browser plays."""
    samples, beat = int(8000 * duration_s), bytes(128 + n // 20 for n in range(60))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes((beat * (samples // len(beat) + 1))[:samples])
    return buffer.getvalue()


@dataclass
class Site:
    """A show with its parts, and methods to publish episodes."""

    config: Config
    store: LocalStore
    subscribers: Subscribers
    sessions: BrowserSessions
    clock: Clock
    catalog: Catalog

    @classmethod
    def make(
        cls,
        folder: Path,
        *,
        site_url: str = "http://127.0.0.1:8080",
        database_url: str | None = None,
        **show: object,
    ) -> "Site":
        """Return a show without episodes, on `database_url` or its database of `SHOW_DATABASES`.

        Args:
            show: keys of the table [show] that have other values.
        """
        config = Config.model_validate(
            {
                "folder": folder,
                "show": {
                    "id": SHOW_ID,
                    "guid": uuid5(SHOW_ID, "guid"),
                    "title": "Late Proofs",
                    "description": "Twice a week a reporter of the Harrow Street Courier and somebody "
                    "who was there go back to a story after the headlines.",
                    "author": "The Harrow Street Courier",
                    "owner_email": "podcast@harrowstreet.example",
                    "categories": ["News > Politics"],
                    "hosts": ["Robin Ashdown"],
                    **show,
                },
                "urls": {"site": site_url},
                "schedule": {"timezone": "America/New_York"},
                "access": {"renew_url": "https://harrowstreet.example/subscribe"},
            }
        )
        store = LocalStore.from_config(config)
        create_sqlite(config.state_folder)
        engine = open_database(database_url or SHOW_DATABASES.url(folder), config.state_folder)
        return cls(
            config=config,
            store=store,
            subscribers=Subscribers(engine, show_id=SHOW_ID, secret_key=b"k" * 32),
            sessions=BrowserSessions(engine, show_id=SHOW_ID),
            clock=Clock(),
            catalog=Catalog(show=config.to_show(artwork_key=None)),
        )

    def close(self) -> None:
        """Close and drop the database."""
        close_engine(self.subscribers.engine)
        SHOW_DATABASES.drop(self.config.folder)

    def app(
        self,
        mailer: Mailer | None = None,
        *,
        oidc: OidcSignIn | None = None,
        students: StudentProofs | None = None,
        memberships: MembershipEvents | None = None,
        shop: Stripe | None = None,
    ) -> Starlette:
        """Return the web app over these parts; sign-in needs a mailer."""
        if isinstance(mailer, Outbox):
            mailer.work = self.worker(mailer).run_due
        return create_app(
            config=self.config,
            store=self.store,
            subscribers=self.subscribers,
            sessions=self.sessions,
            clock=self.clock,
            signin=self.signin if mailer else None,
            oidc=oidc,
            students=students,
            memberships=memberships,
            shop=shop,
        )

    @property
    def signin(self) -> SignIn:
        """The sign-in of the show."""
        return SignIn(self.subscribers.engine, show_id=SHOW_ID, secret_key=b"k" * 32)

    def worker(self, mailer: Mailer) -> Worker:
        """Return what sends the show's sign-in mails, by a clock that is past their pause."""

        def soon() -> datetime:
            return self.clock() + timedelta(seconds=LONGEST_PAUSE_S)

        kind = signin_mail_kind(self.signin, mailer, self.catalog.show, clock=self.clock)
        return Worker(JobQueue(self.subscribers.engine, show_id=SHOW_ID), (kind,), soon)

    def subscribe(self, email: str, *, paid_until: datetime | None = None) -> str:
        """Add a subscriber and return the token."""
        return self.subscribers.add(email, paid_until=paid_until, now=self.clock.now, origin="cli")[1]

    def put(self, staged_object: StagedObject) -> str:
        """Store an object and return its key."""
        self.store.put(
            staged_object.key,
            staged_object.body,
            content_type=staged_object.content_type,
            cache_control=staged_object.cache_control,
        )
        return staged_object.key

    def publish(
        self,
        slug: str,
        *transcripts: Transcript,
        days_ago: int = 1,
        chapters: tuple[Chapter, ...] = (),
        has_files: bool = True,
        **fields: object,
    ) -> Episode:
        """Publish and return an episode; without `has_files` the transcript is on pages only."""
        at = NOW - timedelta(days=days_ago)
        access = str(fields.get("access", "public"))
        folder = "public" if access == "public" else "private"
        audio = tone(transcripts[-1].duration_s if transcripts else 5)
        versions = [self._version(slug, transcript, at) for transcript in transcripts]
        teaser = " ".join(transcripts[-1].text.split()[:TEASER_WORDS]) if transcripts else ""
        episode = Episode.model_validate(
            {
                "id": uuid5(SHOW_ID, slug),
                "guid": str(uuid5(SHOW_ID, slug)),
                "slug": slug,
                "title": slug.replace("-", " ").capitalize(),
                "language": "en",
                "state": "published",
                "publish_at": at,
                "published_at": at,
                "content_changed_at": at,
                "enclosure": Enclosure(
                    key=self.put(stage_bytes(f"{folder}/audio", slug, "wav", audio, "audio/wav")),
                    size_bytes=len(audio),
                    type="audio/wav",
                    duration_s=len(audio) / 8000,
                    sha256=sha256(audio).hexdigest(),
                ),
                "chapters": chapters,
                "chapters_key": self.put(chapters_file(slug, chapters, access=access)) if chapters else None,
                "transcripts": versions,
                "teaser": teaser,
                **fields,
            }
        )
        episode = self._with_files(episode, transcripts if has_files else ())
        for file in public_files(episode, None, (), self.store):
            self.put(file)
        self.catalog = self.catalog.with_episode(episode)
        self.write_catalog()
        return episode

    def _version(self, slug: str, transcript: Transcript, at: datetime) -> TranscriptVersion:
        return TranscriptVersion(
            version=transcript.version,
            document_key=self.put(_staged_document(slug, transcript)),
            file_keys={},
            language=transcript.language,
            word_count=len(transcript.words),
            published_at=at,
            note=transcript.corrections[-1].note if transcript.corrections else "",
        )

    def _with_files(self, episode: Episode, transcripts: Iterable[Transcript]) -> Episode:
        """Store the files of each version."""
        for version, transcript in zip(episode.transcripts, transcripts, strict=False):
            page = TranscriptFiles(self.catalog.show, UTC).title_page(episode, version, transcript)
            files = _staged_files(episode.slug, transcript, page)
            keys = {form: self.put(file) for form, file in files.items()}
            versions = tuple(
                known.with_files(keys) if known == version else known for known in episode.transcripts
            )
            episode = episode.model_copy(update={"transcripts": versions})
        return episode

    def write_catalog(self) -> None:
        """Store the catalog and the public feed."""
        body = to_json(self.catalog)
        self.store.put(CATALOG_KEY, body, content_type="application/json", cache_control="private, no-cache")
        feed = rss.render_feed(self.catalog, rss.PublicAudience())
        self.store.put(FEED_KEY, feed, content_type=FEED_TYPE, cache_control=FEED_CACHE)


@lru_cache(32)
def _staged_document(slug: str, transcript: Transcript) -> StagedObject:
    """Return a transcript's document, cached because many tests publish the same transcript."""
    return transcript_document(slug, transcript)


@lru_cache(32)
def _staged_files(slug: str, transcript: Transcript, title_page: TitlePage) -> dict[FileFormat, StagedObject]:
    """Return a transcript's files, cached as above."""
    return transcript_files(slug, transcript, title_page)


def flagship(site: Site) -> Episode:
    """Publish the episode of most tests: two speakers, chapters, a corrected transcript."""
    text = INTERVIEW.read_text(encoding="utf-8")
    first = transcript_of(text.replace("Marchetti", "Marketti"), duration_s=240)
    second = transcript_of(text, duration_s=240, version=2)
    note = Correction(corrected_at=NOW - timedelta(hours=3), note="We misspelled Ines Marchetti’s name.")
    return site.publish(
        "the-water-was-always-coming",
        first,
        second.model_copy(update={"corrections": (note,)}),
        title="The water was always coming",
        notes=(
            "Four years ago the river took Alder Street. **Ines Marchetti** ran the city’s flood desk and "
            "had written, twice, that it would.\n\nIn this episode:\n\n"
            "- what the two memos said, and who read them\n- how a gauge was moved eleven metres uphill\n"
            "- what Alder Street looks like now\n\nThe memos are in [our archive](https://harrowstreet.example/memos)."
        ),
        persons=(Person(name="Ines Marchetti", role="guest"),),
        season=3,
        number=14,
        chapters=(
            Chapter(start_s=0, title="Two memos"),
            Chapter(start_s=84, title="The gauge that moved"),
            Chapter(start_s=168, title="Alder Street, four years on"),
        ),
        soundbites=(Soundbite(start_s=20, duration_s=30, title="Eleven metres uphill"),),
    )


@contextmanager
def flagship_on_a_port(folder: Path, mailer: Mailer | None = None) -> Iterator[Site]:
    """Serve a show with one episode on a free port of this machine."""
    with on_a_port(lambda address: Site.make(folder, site_url=address), mailer) as site:
        flagship(site)
        yield site


@contextmanager
def on_a_port(make: Callable[[str], Site], mailer: Mailer | None = None) -> Iterator[Site]:
    """Serve a show on a free port of this machine.

    Args:
        make: returns the show, given its address.
    """
    listener = server.listen("127.0.0.1", 0)
    site = make(f"http://127.0.0.1:{listener.getsockname()[1]}")
    running = server.build_server(site.app(mailer))
    thread = Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    with site.worker(mailer).running() if isinstance(mailer, SmtpMailer) else nullcontext():
        yield site
    running.should_exit = True
    thread.join()
    site.close()
