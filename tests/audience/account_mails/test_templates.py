"""The templates of mails about a subscription: the package's, and those of a newsroom."""

from pathlib import Path
from typing import get_args

import pytest

from podcast_pipeline.audience.account_mails.templates import FilledMail, MailName, MailTemplates
from podcast_pipeline.errors import ConfigError

LINK = "https://podcast.example/feeds/" + "a" * 16 + "." + "b" * 32
FACTS = {
    "title": "Late & <Proofs>",
    "author": "The Courier",
    "feed_url": f"{LINK}/feed.xml",
    "add_url": f"{LINK}/add",
    "read_url": f"{LINK}/",
    "account_url": "https://podcast.example/account",
    "students_url": "https://podcast.example/students",
    "renew_url": "https://courier.example/subscribe?a=1&b=2",
}


def fill(folder: Path, name: MailName = "welcome", **templates: str) -> FilledMail:
    """Fill in a mail of a newsroom with these templates; `welcome_txt` is welcome.txt."""
    (folder / "mail").mkdir(exist_ok=True)
    for stem, text in templates.items():
        (folder / "mail" / stem.replace("_", ".")).write_text(text, encoding="utf-8")
    return MailTemplates(folder).fill(name, FACTS)


@pytest.mark.parametrize("name", get_args(MailName))
def test_each_mail_has_a_subject_a_text_and_html(tmp_path: Path, name: MailName) -> None:
    """The HTML escapes what the text has as it is, and the subject has no link."""
    mail = fill(tmp_path, name)
    assert "Late & <Proofs>" in mail.subject
    assert "Late & <Proofs>" in mail.text
    assert mail.html is not None
    assert "Late &amp; &lt;Proofs&gt;" in mail.html
    assert not mail.subject.startswith("Subject")
    assert LINK not in repr(mail)
    for url in (FACTS["add_url"], FACTS["read_url"]):
        assert (url in mail.text) == (url in mail.html) == (name in ("welcome", "rotated"))


def test_a_newsroom_replaces_text_and_html(tmp_path: Path) -> None:
    """With a text alone there is no HTML that would say something else."""
    own = fill(tmp_path, welcome_txt="Subject: Hello,\tyou\n\nRead: {{ read_url }}")
    assert (own.subject, own.text, own.html) == ("Hello, you", f"Read: {LINK}/\n", None)
    both = fill(tmp_path, welcome_html="<p>{{ title }}</p>")
    assert both.html == "<p>Late &amp; &lt;Proofs&gt;</p>"
    assert fill(tmp_path, "rotated").html is not None


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("Hello", "has no subject"),
        ("Subject:\n\nHello", "has no subject"),
        ("Subject: a\n{{ name }}", "'name' is undefined; it may use account_url, add_url, author"),
        ("Subject: a\n\n{% if %}", "cannot be filled in: line 3"),
        ("Subject: a\n{{ title.__class__.__mro__ }}", "unsafe"),
        ("Subject: a\n{{ ''.join.__self__.format.__globals__ }}", "cannot be filled in"),
        ("Subject: a\n{{ cycler.__init__.__globals__.os.popen('id').read() }}", "unsafe"),
        ("Subject: a\n{{ 1 // 0 }}", "cannot be filled in"),
        ("Subject: a\n{{ range(10**9) | list }}", "cannot be filled in"),
        ("Subject: a\n{% include '/etc/passwd' %}", "cannot be filled in"),
        ("x" * 200_001, "is larger than 200000 bytes"),
    ],
)
def test_a_wrong_template_is_one_line_that_names_it(tmp_path: Path, template: str, line: str) -> None:
    """Nothing is sent; a template reaches neither files nor Python."""
    with pytest.raises(ConfigError) as caught:
        fill(tmp_path, welcome_txt=template)
    assert line in str(caught.value)
    assert str(tmp_path / "mail" / "welcome.txt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and a folder."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "welcome.txt").write_bytes(b"Subject: \xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        fill(tmp_path)
    (tmp_path / "mail" / "lapsed.html").mkdir()
    with pytest.raises(ConfigError, match=r"lapsed\.html: cannot be read"):
        fill(tmp_path, "lapsed")
