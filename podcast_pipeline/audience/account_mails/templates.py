"""The templates of mails: those of the package, or the newsroom's in `mail/` beside show.toml.

A template is `NAME.txt`, whose first line is `Subject: …`, and for mail programs that show HTML `NAME.html`.
They are filled in by Jinja in its sandbox: they get texts, and reach nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from podcast_pipeline.errors import ConfigError

MailName = Literal["welcome", "rotated", "suspended", "lapsed", "student"]
FOLDER = "mail"
SUBJECT = "Subject:"
MAX_TEMPLATE_BYTES = 200_000


@dataclass(frozen=True)
class FilledMail:
    """What a template became; text and HTML have the private link, the subject never has."""

    subject: str
    text: str = field(repr=False)
    html: str | None = field(repr=False)


class MailTemplates:
    """The templates of a show.

    Args:
        folder: the folder of show.toml.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
        self._text = ImmutableSandboxedEnvironment(autoescape=False, **options)
        self._html = ImmutableSandboxedEnvironment(autoescape=True, **options)

    def fill(self, name: MailName, facts: Mapping[str, str]) -> FilledMail:
        """Return a mail with its facts.

        A newsroom that replaces the text replaces both: without a `NAME.html` beside it the mail is text
        alone.

        Raises:
            ConfigError: a template of the newsroom's cannot be read or filled in, or has no subject.
        """
        own_text, own_html = self._own(f"{name}.txt"), self._own(f"{name}.html")
        is_own = own_text is not None
        head, _, body = self._filled(self._text, f"{name}.txt", own_text, facts).partition("\n")
        subject = " ".join(head.removeprefix(SUBJECT).split())
        if not head.startswith(SUBJECT) or not subject:
            raise ConfigError(self._folder / f"{name}.txt", f'has no subject; begin it with "{SUBJECT} …"')
        has_html = own_html is not None or not is_own
        html = self._filled(self._html, f"{name}.html", own_html, facts) if has_html else None
        return FilledMail(subject, body.strip() + "\n", html)

    def _own(self, file_name: str) -> str | None:
        """Return the newsroom's template, None where it has none."""
        path = self._folder / file_name
        try:
            with path.open("rb") as file:
                data = file.read(MAX_TEMPLATE_BYTES + 1)
            text = data.decode("utf-8-sig")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(path, "cannot be read; put a text file in UTF-8 there, or none") from error
        if len(data) > MAX_TEMPLATE_BYTES:
            raise ConfigError(path, f"is larger than {MAX_TEMPLATE_BYTES} bytes; shorten it")
        return text

    def _filled(
        self,
        environment: ImmutableSandboxedEnvironment,
        file_name: str,
        own: str | None,
        facts: Mapping[str, str],
    ) -> str:
        package = files(__package__) / "templates" / file_name
        source = package.read_text(encoding="utf-8") if own is None else own
        try:
            return environment.from_string(source).render(facts)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            line = getattr(error, "lineno", None)
            where = f"line {line}: " if line else ""
            known = ", ".join(sorted(facts))
            raise ConfigError(
                self._folder / file_name, f"cannot be filled in: {where}{error}; it may use {known}"
            ) from error
