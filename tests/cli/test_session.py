"""Times on the command line, in the show's time zone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from podcast_pipeline.cli.output import Output
from podcast_pipeline.cli.session import CliSession
from podcast_pipeline.errors import ConfigError


def session_in(zone: str, folder: Path) -> CliSession:
    """Return the session of a show in a time zone."""
    session = CliSession(folder, Output(quiet=True))
    (folder / "show.toml").write_text(
        "[show]\nid = '4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7a'\nguid = '4f0f8a52-56e1-4a11-8d5b-9b1d6b7c1d7b'\n"
        "title = 'T'\ndescription = 'D'\nauthor = 'A'\nowner_email = 'a@example.org'\ncategories = ['News']\n"
        f"[urls]\nsite = 'http://127.0.0.1:8080'\n[schedule]\ntimezone = '{zone}'\n",
        encoding="utf-8",
    )
    return session


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59", "9999-12-31", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00+14:00"]
)
def test_a_time_that_not_every_zone_has_is_refused(tmp_path: Path, zone: str, text: str) -> None:
    """9999-12-31 stands for never in planning tools; in UTC or another zone it may be the year 10000."""
    with pytest.raises(ConfigError, match=rf"--at {text[:4]}.*: is no time between 1900 and 9998"):
        session_in(zone, tmp_path).parse_time(text)


def test_the_show_s_zone_is_the_default(tmp_path: Path) -> None:
    """A time without an offset is in the show's zone, up to the last one that is taken."""
    session = session_in("America/New_York", tmp_path)
    assert session.parse_time("2026-12-01T06:00").astimezone(UTC) == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert session.format_local(session.parse_time("9998-12-31T23:59")) == "9998-12-31T23:59-05:00"
