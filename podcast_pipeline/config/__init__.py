"""show.toml and the environment, read once by `cli` into one frozen `Config`."""

from podcast_pipeline.config.fields import Language, ReviewAction
from podcast_pipeline.config.load import (
    SHOW_FILE_NAME,
    apply_environment,
    find_show_folder,
    load_config,
    validate_toml,
)
from podcast_pipeline.config.membership import MembershipTable, PlanTable
from podcast_pipeline.config.production import (
    AudioTable,
    GlossaryTable,
    ReviewTable,
    SpeakersTable,
    TermTable,
    TranscriptionTable,
)
from podcast_pipeline.config.schema import (
    SECRET_VARIABLES,
    STATE_FOLDER,
    TABLES,
    AccessTable,
    Config,
    DatabaseTable,
    FeedTable,
    MailTable,
    PersonTable,
    RetentionTable,
    ScheduleTable,
    ShowTable,
    StorageTable,
    UrlsTable,
)
from podcast_pipeline.config.signin import OidcTable, SigninTable, StudentsTable

__all__ = [
    "SECRET_VARIABLES",
    "SHOW_FILE_NAME",
    "STATE_FOLDER",
    "TABLES",
    "AccessTable",
    "AudioTable",
    "Config",
    "DatabaseTable",
    "FeedTable",
    "GlossaryTable",
    "Language",
    "MailTable",
    "MembershipTable",
    "OidcTable",
    "PersonTable",
    "PlanTable",
    "RetentionTable",
    "ReviewAction",
    "ReviewTable",
    "ScheduleTable",
    "ShowTable",
    "SigninTable",
    "SpeakersTable",
    "StorageTable",
    "StudentsTable",
    "TermTable",
    "TranscriptionTable",
    "UrlsTable",
    "apply_environment",
    "find_show_folder",
    "load_config",
    "validate_toml",
]
