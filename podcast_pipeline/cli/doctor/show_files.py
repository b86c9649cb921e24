"""Checks of `podcast doctor`: show.toml, the folder, recordings, pictures and addresses."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from podcast_pipeline.cli.doctor.finding import Check, DoctorFinding
from podcast_pipeline.cli.session import CliSession


def _check_show(session: CliSession) -> Iterator[DoctorFinding]:
    yield DoctorFinding("show", True, f"{session.config.show.title} ({session.config.folder})")


def _check_folder(session: CliSession) -> Iterator[DoctorFinding]:
    folder = session.config.folder
    is_writable = os.access(folder, os.W_OK)
    message = "is writable" if is_writable else "is not writable; give yourself write permission"
    yield DoctorFinding("folder", is_writable, f"{folder} {message}")


def _check_file_modes(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out who else can read the show's files, and whether a web server can where it should."""
    from podcast_pipeline.storage.file_modes import find_closed_folder, find_open_files

    config = session.config
    if sys.platform == "win32":
        message = "Windows keeps its own; keep the show below your user's folder, which others cannot read"
        yield DoctorFinding("file permissions", None, message)
        return
    found = [str(path) for path in find_open_files(config)]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        message = (
            f"other users can read {found[0]}{more}; run as the owner of the files, on a disk that keeps"
            " permissions, or `chmod -R go-rwx` it"
        )
        yield DoctorFinding("file permissions", False, message)
    elif config.storage.web_server_reads and (folder := find_closed_folder(config)):
        message = f"a web server cannot enter {folder}; run `chmod o+x {folder}`"
        yield DoctorFinding("file permissions", False, message)
    else:
        rest = ", a web server store/public" if config.storage.web_server_reads else ""
        yield DoctorFinding("file permissions", True, f"only you can read episodes and .podcast{rest}")


def _check_recordings(session: CliSession) -> Iterator[DoctorFinding]:
    """Find out whether git would take the recordings, and which episodes of this clone have none."""
    config, library = session.config, session.library
    ignores = config.folder / ".gitignore"
    told = _text(ignores) + _text(config.folder / ".gitattributes")
    if (config.folder / ".git").exists() and "source." not in told:
        lines = "/episodes/*/source.* and /episodes/*/track-*"
        message = f"git takes them whole; add {lines} to {ignores}, or use LFS (docs/how-to/team.md)"
        yield DoctorFinding("recordings", None, message)
    folders = [library.folder(slug) for slug in library.slugs()]
    lacking = [folder.slug for folder in folders if folder.has_recording and not folder.source.exists()]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        named = f"{lacking[0]}{more}"
        message = f"{named} lacks its own; what is published is corrected without (docs/how-to/team.md)"
        yield DoctorFinding("recordings", None, message)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _check_categories(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.feed.categories import suggest_category_fix

    for category in session.config.show.categories:
        fix = suggest_category_fix(category)
        message = f"“{category}” is not one of Apple's, so directories list the show in no category; {fix}"
        yield DoctorFinding("category", None if fix else True, message if fix else category)


def _check_artwork(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.audio import artwork

    config = session.config
    art = artwork.load_artwork(config.folder / config.show.artwork)
    yield DoctorFinding("artwork", None if art.advice else True, art.advice or config.show.artwork)


def _check_placeholders(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.config.placeholders import is_trial
    from podcast_pipeline.pipeline.show_assets import show_placeholders

    trial = is_trial(session.context.show)
    advice = "fine for a trial on this machine" if trial else "put your own into show.toml"
    for one in show_placeholders(session.context):
        said = f"{one.key} is a placeholder: {one.said}; {advice}"
        yield DoctorFinding("placeholder", None if trial else False, said)


def _check_jingles(session: CliSession) -> Iterator[DoctorFinding]:
    config = session.config
    for name, file in (("audio.intro", config.audio.intro), ("audio.outro", config.audio.outro)):
        if file is not None:
            exists = (config.folder / file).is_file()
            message = file if exists else f"{file} is missing; put it beside show.toml"
            yield DoctorFinding(name, exists, message)


def _check_urls(session: CliSession) -> Iterator[DoctorFinding]:
    from podcast_pipeline.pipeline.ping import is_local_host

    show = session.config.to_show(artwork_key=None)
    for name, url in (("urls.site", show.site_url), ("urls.media", show.media_url)):
        parts = urlsplit(url)
        if is_local_host(parts.hostname or ""):
            yield DoctorFinding(name, None, f"{url} can be reached from this machine only; fine for a trial")
        elif parts.scheme != "https":
            message = f"{url} is not https, so apps refuse it and others can read private links; use https"
            yield DoctorFinding(name, False, message)
        else:
            yield DoctorFinding(name, True, url)
    if session.config.storage.kind == "s3" and show.media_url == f"{show.site_url}/public":
        message = "is not set, so apps would request audio from the site; set the bucket's public address"
        yield DoctorFinding("urls.media", False, message)


def _check_subscribing(session: CliSession) -> Iterator[DoctorFinding]:
    url, line = session.config.to_show(artwork_key=None).subscribe_url, "no page has a Subscribe button"
    if session.config.access.renew_url is None:
        message = f"is not set, so {line}; write the address of the page where a subscription is bought"
        yield DoctorFinding("access.renew_url", None, message)
    elif url is None:
        message = f"leads back to this site, so {line}; write where a subscription is bought"
        yield DoctorFinding("access.renew_url", None, message)
    else:
        yield DoctorFinding("access.renew_url", True, url)


CHECKS: dict[str, Check] = {
    "show": _check_show,
    "folder": _check_folder,
    "file permissions": _check_file_modes,
    "recordings": _check_recordings,
    "categories": _check_categories,
    "artwork": _check_artwork,
    "placeholders": _check_placeholders,
    "jingles": _check_jingles,
    "urls": _check_urls,
    "access.renew_url": _check_subscribing,
}
"""Name of a check, for a finding of what it raises -> the check; in this order."""
