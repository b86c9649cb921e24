"""The tables and keys of show.toml, with their defaults and limits."""

from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr

from podcast_pipeline.config.fields import (
    BaseUrl,
    HeaderSecret,
    HttpUrl,
    Language,
    Mailbox,
    NamedTable,
    ScheduleSlot,
    TimeZone,
    Url,
)
from podcast_pipeline.config.membership import MembershipTable, Plans, PlanTable, all_plans
from podcast_pipeline.config.production import (
    AudioTable,
    GlossaryTable,
    ReviewTable,
    SpeakersTable,
    TranscriptionTable,
)
from podcast_pipeline.config.signin import SigninTable, StudentsTable
from podcast_pipeline.model import FrozenModel, NonEmptyStr, Person, PersonName, Show

STATE_FOLDER = ".podcast"
SECRET_VARIABLES = {
    "database_url": "PODCAST_DATABASE_URL",
    "secret_key": "PODCAST_SECRET_KEY",
    "mail_password": "PODCAST_MAIL_PASSWORD",
    "podping_token": "PODCAST_PODPING_TOKEN",
    "oidc_client_secret": "PODCAST_OIDC_CLIENT_SECRET",
    "stripe_key": "PODCAST_STRIPE_KEY",
    "stripe_webhook_secret": "PODCAST_STRIPE_WEBHOOK_SECRET",
    "hook_secret": "PODCAST_HOOK_SECRET",
    "memberful_secret": "PODCAST_MEMBERFUL_SECRET",
}
"""Field of `Config` -> its environment variable. A secret in show.toml would end up in git."""


class PersonTable(NamedTable):
    """A host or a guest: a name, or `{ name = "…", url = "…", image_url = "…" }`."""

    name: PersonName
    """Name of the person."""
    url: HttpUrl | None = None
    """Page of the person."""
    image_url: HttpUrl | None = None
    """Picture of the person."""

    @property
    def plain(self) -> str | dict[str, str]:
        """The person as show.toml has it: the name, or a table where there are addresses."""
        links = self.model_dump(mode="json", exclude_none=True)
        return links if len(links) > 1 else self.name

    def to_person(self, role: Literal["host", "guest"]) -> Person:
        """Return the person as feeds and pages describe it."""
        return Person(name=self.name, role=role, url=self.url, image_url=self.image_url)


class ShowTable(FrozenModel):
    """[show]: the show as the feed describes it."""

    id: UUID
    """The show's id, on every database row; made by `podcast init`, never changed."""
    guid: UUID
    """The feed's `podcast:guid`; made by `podcast init`, never changed. An import takes over the
    old show's."""
    title: NonEmptyStr
    """The title that apps show. After a change run `podcast rebuild`."""
    description: NonEmptyStr
    """A few sentences about the show, plain text."""
    language: Language = "en"
    """Language of the show, and of an episode that has none of its own: `en`, `pt-BR`."""
    author: NonEmptyStr
    """Who makes the show: the newsroom or a person."""
    owner_email: Mailbox
    """Address in the public feed. Directories write to it to check that the show is yours."""
    categories: Annotated[tuple[NonEmptyStr, ...], Field(min_length=1)]
    """Apple's category names, a subcategory after `>`: `["News > Politics"]`."""
    explicit: bool = False
    """Whether apps mark the show as explicit."""
    artwork: str = "artwork.jpg"
    """Picture beside show.toml: square, 1400 to 3000 px, JPEG or PNG, RGB. After a change run `podcast
    rebuild`."""
    hosts: tuple[PersonTable, ...] = ()
    """The hosts: in the feed, on pages, and known to the transcription. Names, or `{ name = "Ann", url =
    "https://…", image_url = "https://…" }`."""

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return tuple(host.name for host in self.hosts)


class UrlsTable(FrozenModel):
    """[urls]: public addresses."""

    site: BaseUrl = "http://127.0.0.1:8080"
    """Address of `podcast serve`; private feeds and pages begin with it."""
    media: BaseUrl | None = None
    """Address of `public/`: the bucket's or a CDN's. Without it `<site>/public`."""
    feed: Url | None = None
    """Address of the public feed. Without it `<media>/feed.xml`."""


class StorageTable(FrozenModel):
    """[storage]: a local folder, or S3 with credentials from boto3's usual chain."""

    kind: Literal["local", "s3"] = "local"
    """`local`: a folder in `.podcast`. `s3`: a bucket (docs/how-to/storage.md)."""
    preset: Literal["aws", "r2", "b2", "minio", "ceph", "seaweedfs"] | None = None
    """The provider; it has the defaults of the keys from `endpoint_url` to `conditional_writes`."""
    public_bucket: str = ""
    """Name of the bucket of `public/`."""
    private_bucket: str = ""
    """Name of the bucket of `private/`. Empty: the same bucket, where the provider allows it."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~/-]*$"), AfterValidator(lambda p: p.strip("/"))] = ""
    """What stands before `public/` and `private/` in every key."""
    endpoint_url: Url | None = None
    """Address of the S3 server; not for AWS."""
    region: str | None = None
    """Region of the bucket."""
    path_style: bool | None = None
    """Whether the bucket's name is in the path instead of the host."""
    checksums: Literal["when_required", "when_supported"] | None = None
    """When botocore adds checksums of its own."""
    conditional_writes: bool | None = None
    """Whether the store supports `If-Match` (compare-and-swap)."""
    single_publisher: bool = False
    """Promise that only one machine publishes; for a store without conditional writes and a
    SQLite database."""
    gc_grace_days: Annotated[int, Field(ge=2, le=3650)] = 7
    """Age in days below which `podcast gc` leaves an orphaned object."""
    web_server_reads: bool = False
    """Whether a web server with a user of its own may read `.podcast/store/public`. Without it only the owner
    of the files reads anything in `.podcast`."""


class ScheduleTable(FrozenModel):
    """[schedule]: the show's time zone and its weekly slots."""

    timezone: TimeZone = "UTC"
    """Time zone of the slots, and of every time without a zone: `America/New_York`."""
    slots: tuple[ScheduleSlot, ...] = ()
    """Weekly times for `podcast publish --at next`: `["TU 06:00", "FR 06:00"]`."""

    @property
    def rrule(self) -> str | None:
        """The days of the slots as an rrule for podcast:updateFrequency, None without slots."""
        days = dict.fromkeys(slot.split()[0] for slot in self.slots)
        return f"FREQ=WEEKLY;BYDAY={','.join(days)}" if days else None

    def slot_times(self) -> tuple[tuple[str, time], ...]:
        """Return (day, time of day) of each slot."""
        return tuple((s.split()[0], time.fromisoformat(s.split()[1])) for s in self.slots)


class AccessTable(FrozenModel):
    """[access]: the public teaser, the page to subscribe at, and the delivery of private audio."""

    teaser_words: Annotated[int, Field(ge=0, le=500)] = 60
    """Words of a transcript that everybody may read, never more than a third of it."""
    public_after_days: Annotated[int, Field(ge=0, le=36500)] | None = None
    """After how many days from its publication `podcast release` opens a transcript to everybody, unless its
    episode.toml has `transcript = "subscribers"`; without a number never."""
    renew_url: Url | None = None
    """Page where a subscription is bought or renewed. Without it no page has a Subscribe button."""
    private_title_suffix: Annotated[str, Field(max_length=60)] = ""
    """What follows the show's title in a private feed, so that an app with both feeds shows two names."""
    private_audio: Literal["stream", "redirect"] = "stream"
    """How subscribers get the audio of subscriber-only episodes: `stream` through the site, or `redirect` to
    an address of the bucket that works for 15 minutes (docs/explanation/access.md)."""


class FeedTable(FrozenModel):
    """[feed]: choices of the public feed."""

    locked: bool = True
    """Whether other hosts are forbidden to import this feed."""
    websub_hubs: tuple[HttpUrl, ...] = ()
    """WebSub hubs, listed in the feed and pinged after every change."""
    overcast_ping: bool = False
    """Whether Overcast is pinged after every change."""
    podping_url: Url = "https://podping.cloud"
    """Podping node that is pinged where PODCAST_PODPING_TOKEN is set."""
    page_size: Annotated[int, Field(ge=10, le=5000)] | None = None
    """Episodes on a page of the feed. Without it all are in one document
    (docs/how-to/feeds.md#pagination)."""
    new_feed_url: Url | None = None
    """Address that the show has moved to. Apps follow it, and `podcast serve` redirects there."""


class MailTable(FrozenModel):
    """[mail]: the SMTP server of sign-in links and notifications; without a host neither is sent."""

    host: str = ""
    """The SMTP server. Without one no sign-in links and no notifications are sent."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Port of the SMTP server."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` (587), `tls` from the first byte (465), or `none` for a server on this machine."""
    username: str = ""
    """Name for the login. Its password is in PODCAST_MAIL_PASSWORD."""
    sender: Mailbox | None = None
    """The From address. Without it `show.owner_email`."""
    welcome: date | None = None
    """Day from which on whoever joins, by a command, an import or a membership site, gets the welcome mail
    with the private link (docs/how-to/mail.md#welcome-mails). Without a day nobody does."""
    tells: tuple[Literal["rotated", "suspended", "lapsed"], ...] = ()
    """Changes that people are told of by mail: a replaced private link, a suspension, the end of the paid
    time."""
    per_minute: Annotated[int, Field(ge=1, le=6000)] = 60
    """How many of these mails leave in a minute."""


class RetentionTable(FrozenModel):
    """[retention]: after how many days personal data is deleted."""

    network_addresses_days: Annotated[int, Field(ge=1, le=365)] = 30
    """Days until shortened network addresses are deleted."""
    audit_log_days: Annotated[int, Field(ge=30, le=36500)] = 730
    """Days until lines of the audit log are deleted."""


class DatabaseTable(FrozenModel):
    """[database]: the answer to a question about the subscribers' database."""

    accept_restored: date | None = None
    """Day up to which a lost, restored or other database is accepted as it is
    (docs/how-to/database.md#a-restored-backup). A date answers once."""


class Config(FrozenModel):
    """A whole show.toml.

    Attributes:
        folder: the folder of show.toml.
        database_url and the other secrets: see SECRET_VARIABLES.
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
    plans: Plans = ()
    membership: MembershipTable = MembershipTable()
    feed: FeedTable = FeedTable()
    mail: MailTable = MailTable()
    signin: SigninTable = SigninTable()
    students: StudentsTable = StudentsTable()
    retention: RetentionTable = RetentionTable()
    database: DatabaseTable = DatabaseTable()
    database_url: SecretStr | None = None
    secret_key: SecretStr | None = None
    mail_password: SecretStr | None = None
    podping_token: HeaderSecret | None = None
    oidc_client_secret: HeaderSecret | None = None
    stripe_key: HeaderSecret | None = None
    stripe_webhook_secret: SecretStr | None = None
    hook_secret: SecretStr | None = None
    memberful_secret: SecretStr | None = None

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
    def all_plans(self) -> tuple[PlanTable, ...]:
        """The plans of every show, and those of [[plans]]."""
        return all_plans(self.plans)

    @property
    def plan_ids(self) -> tuple[str, ...]:
        """The ids that a subscriber's plan may have."""
        return tuple(plan.id for plan in self.all_plans)

    @property
    def plans_for_sale(self) -> tuple[PlanTable, ...]:
        """The plans that everybody may buy at `/subscribe`: none without a key of Stripe."""
        if self.stripe_key is None:
            return ()
        return tuple(plan for plan in self.all_plans if plan.stripe_price and plan.audience == "everybody")

    @property
    def renew_url(self) -> str:
        """The page where a subscription is bought or renewed; the site where there is none."""
        own = f"{self.urls.site}/subscribe" if self.plans_for_sale else self.urls.site
        return self.access.renew_url or own

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
"""The tables that show.toml may have; a tuple is a list of tables, [[plans]]."""
