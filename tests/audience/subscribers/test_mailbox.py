"""One name for all spellings of a mailbox."""

from podcast_pipeline.audience.subscribers.email import parse_email
from podcast_pipeline.audience.subscribers.mailbox import mailbox_hmac, mailbox_key


def test_a_mailbox_is_one_however_it_is_written() -> None:
    """Neither case nor a tag makes another person, and a dot does."""
    keys = {mailbox_key(parse_email(e)) for e in ("Ann@X.edu", "ann+a@x.edu", "ANN+b+c@x.EDU", "ann@ｘ.edu")}
    assert keys == {"ann@x.edu"}
    assert mailbox_key(parse_email("a.nn@x.edu")) != mailbox_key(parse_email("ann@x.edu"))
    assert mailbox_key(parse_email("+tag@x.edu")) == "+tag@x.edu"


def test_the_hmac_of_a_mailbox_needs_the_key() -> None:
    """Of the same mailbox it is the same, under another key another."""
    ann, tagged = parse_email("ann@x.edu"), parse_email("Ann+1@x.edu")
    assert mailbox_hmac(ann, b"k") == mailbox_hmac(tagged, b"k") != mailbox_hmac(ann, b"l")
