"""The types of the keys of show.toml; a title is how docs/reference names the type."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from podcast_pipeline.model import FrozenModel, NonEmptyStr

ReviewAction = Literal["block", "warn", "off"]


def _like(pattern: str, example: str) -> AfterValidator:
    """Return a validator of text that matches a pattern; its message shows an example."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is {text!r}; write it like {example}")
        return text

    return AfterValidator(check)


HttpUrl = Annotated[str, _like(r"https?://[^\s]+", "https://podcast.example.org"), Field(title="address")]
Url = Annotated[HttpUrl, AfterValidator(lambda u: u.rstrip("/"))]
BaseUrl = Annotated[Url, _like(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "https://podcast.example.org")]
"""The beginning of public addresses: no query, and no password, which would stand in every feed."""

ProviderUrl = Annotated[
    HttpUrl,
    _like(
        r"https://[^\s?#@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s?#]*)?",
        "https://accounts.example.org",
    ),
]
"""The address of a provider of accounts: https, or on this machine."""

Language = Annotated[str, _like(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", "en or pt-BR"), Field(title="language")]
SpokenLanguage = Annotated[str, _like(r"[a-z]{2,3}", "en or fr"), Field(title="language")]
Mailbox = Annotated[str, _like(r"[^@\s<>]+@[^@\s<>]+", "podcast@example.org"), Field(title="mail address")]
PlanId = Annotated[
    str,
    _like(r"[a-z0-9]+([-_][a-z0-9]+)*", "monthly"),
    Field(max_length=32, title="plan id"),
]
Currency = Annotated[str, _like(r"[A-Z]{3}", "EUR"), Field(title="currency")]
StripePrice = Annotated[
    str, _like(r"price_[A-Za-z0-9_]{1,200}", "price_1PZkq2eZvKYlo2C"), Field(title="price id")
]
DomainName = Annotated[str, _like(r"[^\s@/:.]+(\.[^\s@/:.]+)+", "university.example"), Field(title="domain")]
ScheduleSlot = Annotated[
    str, _like(r"(MO|TU|WE|TH|FR|SA|SU) ([01]\d|2[0-3]):[0-5]\d", "TU 06:00"), Field(title="weekly time")
]

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


TimeZone = Annotated[str, AfterValidator(_check_zone), Field(title="time zone")]
HeaderSecret = Annotated[SecretStr, AfterValidator(_check_header_value)]


class NamedTable(FrozenModel):
    """A table that may be written as its name alone."""

    name: NonEmptyStr

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, entry: object) -> object:
        return entry if isinstance(entry, dict | cls) else {"name": entry}
