"""SmtpMailer against a real SMTP server: delivered messages, and errors of one line."""

import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from podcast_pipeline.audience.mail import Message, SmtpMailer
from podcast_pipeline.config import MailTable
from podcast_pipeline.errors import MailError
from tests.support.mail_server import PASSWORD, USER, Mailbox, running_mail_server

# the server listens on this machine only
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

MESSAGE = Message("ann@example.org", "Sign in to “Late Proofs”", "Öffne den Link.\n")


@pytest.fixture
def mailbox() -> Mailbox:
    """An empty mailbox."""
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    """The port of the mailbox's SMTP server."""
    with running_mail_server(mailbox) as port:
        yield port


def smtp(
    port: int,
    *,
    password: str = PASSWORD,
    security: str = "none",
    sender: str = "podcast@example.org",
    name: str = "Late Proofs",
) -> SmtpMailer:
    table = {"host": "127.0.0.1", "port": port, "security": security, "username": USER}
    return SmtpMailer(MailTable.model_validate(table), sender=sender, name=name, password=password)


def test_a_message_arrives_as_it_was_written(port: int, mailbox: Mailbox) -> None:
    """Subject, text and sender arrive unchanged, with an Auto-Submitted header."""
    smtp(port).send(MESSAGE)
    to, received = mailbox.received.get(timeout=5)
    assert to == MESSAGE.to
    assert received["Subject"] == MESSAGE.subject
    assert received["From"] == "Late Proofs <podcast@example.org>"
    assert received["Auto-Submitted"] == "auto-generated"
    assert received.get_content().replace("\r\n", "\n") == MESSAGE.text


def test_a_message_may_have_html_too(port: int, mailbox: Mailbox) -> None:
    """Beside the text, which comes first; a mail program shows one of them."""
    html = "<p>Öffne den Link.</p>\n"
    smtp(port).send(Message(MESSAGE.to, MESSAGE.subject, MESSAGE.text, html=html))
    received = mailbox.received.get(timeout=5)[1]
    assert received.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_type(), part.get_content()) for part in received.iter_parts()]
    assert [(kind, text.replace("\r\n", "\n")) for kind, text in parts] == [
        ("text/plain", MESSAGE.text),
        ("text/html", html),
    ]
    assert html not in repr(Message(MESSAGE.to, "x", "y", html=html))


@pytest.mark.parametrize(
    ("url", "post"),
    [
        ("https://pod.example/mail/stop/x", "List-Unsubscribe=One-Click"),
        ("http://127.0.0.1/mail/stop/x", None),
    ],
)
def test_one_click_is_offered_behind_https(port: int, mailbox: Mailbox, url: str, post: str | None) -> None:
    """RFC 8058 asks for https; over http List-Unsubscribe stands alone. A repr hides link and text."""
    message = Message("ann@example.org", "News", f"Stop: {url}\n", url)
    smtp(port).send(message)
    received = mailbox.received.get(timeout=5)[1]
    assert (received["List-Unsubscribe"], received["List-Unsubscribe-Post"]) == (f"<{url}>", post)
    assert "stop" not in repr(message).lower()


@pytest.mark.parametrize(
    ("password", "security", "to", "line"),
    [
        ("mistyped", "none", "ann@example.org", "PODCAST_MAIL_PASSWORD"),
        (PASSWORD, "none", "nobody@example.org", "refuses the recipient"),
        (PASSWORD, "starttls", "ann@example.org", "offers no STARTTLS"),
    ],
)
def test_a_refusal_is_one_line(port: int, password: str, security: str, to: str, line: str) -> None:
    """The error names the server and the fix, not the recipient; TLS is never skipped."""
    with pytest.raises(MailError, match=line) as raised:
        smtp(port, password=password, security=security).send(Message(to, "x", "y"))
    assert to not in str(raised.value)
    assert "mistyped" not in str(raised.value)


def test_check_sends_no_message(port: int, mailbox: Mailbox) -> None:
    """`check` finds a wrong password without sending a message."""
    smtp(port).check()
    with pytest.raises(MailError, match="PODCAST_MAIL_PASSWORD"):
        smtp(port, password="mistyped").check()
    assert mailbox.received.empty()


def test_no_server() -> None:
    """A server that is down gives an error of one line."""
    with running_mail_server(Mailbox()) as port:
        pass
    with pytest.raises(MailError, match="cannot be used"):
        smtp(port).send(MESSAGE)


def test_a_subject_cannot_add_headers(port: int, mailbox: Mailbox) -> None:
    """A line break in a subject raises ValueError before anything is sent."""
    with pytest.raises(ValueError, match="linefeed"):
        smtp(port).send(Message("ann@example.org", "x\r\nBcc: all@example.org", "y"))
    assert mailbox.received.empty()


LONG_HOST = ".".join(["long-name-of-a-department"] * 8) + ".example.org"
LONG_NAME = (
    "Proofs, late; a show (of the Courier) in which “nobody” is named, but everybody is quoted, at length"
)


@pytest.mark.parametrize(
    ("name", "sender", "to", "subject"),
    [
        ("Late Proofs", "podcast@example.org", "ann@example.org", "Sign in"),
        (
            LONG_NAME,
            f"{'letters-' * 7}@{LONG_HOST}",
            f"{'a' * 64}@{LONG_HOST}",
            "Über “alles”, was — " * 30 + "x",
        ),
        (
            LONG_NAME.encode("ascii", "ignore").decode(),
            "p@example.org",
            "o'brien+x@example.org",
            "=?utf-8?q?no?= " + "ok" * 600,
        ),
        ("夜の校正刷り" * 20, f"p@{LONG_HOST}", f"ann@{LONG_HOST}", "夜の校正刷り" * 20),
        ('Smith "the\\last", Jones', "p@example.org", "ann@example.org", "\u202eright to left"),
        ("", "p@example.org", "jörg@bücher.example", "An address beyond ASCII"),
    ],
    ids=["short", "long", "quoted", "Japanese", "escaped", "SMTPUTF8"],
)
@pytest.mark.parametrize(
    "stop_url", [None, f"https://{LONG_HOST}/mail/stop/{'Ab_-' * 12}"], ids=["sign-in", "notification"]
)
def test_addresses_ids_and_links_go_over_the_wire_whole(
    port: int, mailbox: Mailbox, name: str, sender: str, to: str, subject: str, stop_url: str | None
) -> None:
    """No header but a name and the subject has encoded words or line breaks; both are read as written."""
    smtp(port, name=name, sender=sender).send(Message(to, subject, "Hello.\n", stop_url))
    recipient, received = mailbox.received.get(timeout=5)
    head = mailbox.wire.get(timeout=5).partition(b"\r\n\r\n")[0].decode()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n") if not line.startswith(" "))
    assert (recipient, lines["To"]) == (to, to)
    assert re.fullmatch(r"<[\x21-\x7e]+@[A-Za-z0-9.-]+>", lines["Message-ID"])
    assert lines.get("List-Unsubscribe") == (stop_url and f"<{stop_url}>")
    assert lines.get("List-Unsubscribe-Post") == (stop_url and "List-Unsubscribe=One-Click")
    assert f" <{sender}>\r\n" in head
    unfolded = re.sub("\r\n ", " ", head)
    author, address = parseaddr(re.findall("^From: (.+?)\r$", unfolded, re.MULTILINE)[0])
    # as RFC 2047 has it: email.headerregistry leaves the spaces between two encoded words of a name
    assert (str(make_header(decode_header(author))), address) == (name, sender)
    (read,) = re.findall("^Subject: (.+?)\r?$", unfolded, re.MULTILINE)
    assert str(make_header(decode_header(read))) == subject == received["Subject"]
    assert all(len(line) <= 78 for line in head.split("\r\n") if "=?" in line)


@pytest.mark.parametrize(
    ("host", "ascii_host"),
    [("bücher.example", "xn--bcher-kva.example"), ("straße.example", "xn--strae-oqa.example")],
)
def test_a_stop_link_of_a_host_beyond_ascii(port: int, mailbox: Mailbox, host: str, ascii_host: str) -> None:
    """A server that takes ASCII only gets the link of the host that browsers go to (IDNA 2008)."""
    message = Message("ann@example.org", "x", "y", f"https://{host}:81/späte/mail/stop/x")
    smtp(port).send(message)
    link = f"\r\nList-Unsubscribe: <https://{ascii_host}:81/sp%C3%A4te/mail/stop/x>\r\n"
    assert link in mailbox.wire.get(timeout=5).decode()
    composed = smtp(port, sender=f"p@{host}").compose(message)
    assert composed["Message-ID"].endswith(f"@{ascii_host}>")


@pytest.mark.parametrize("host", ["not a host", "ü" * 70, ""])
def test_a_sender_without_a_host_has_an_id_all_the_same(port: int, host: str) -> None:
    """A Message-ID is of this machine where show.toml has no domain for it."""
    composed = smtp(port, sender=f"p@{host}").compose(Message("ann@example.org", "x", "y"))
    assert composed["Message-ID"].endswith("@localhost>")
