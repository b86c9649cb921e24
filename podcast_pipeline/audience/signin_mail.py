"""The job that sends a sign-in mail, composed when it is sent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from podcast_pipeline.audience.jobs.kinds import ClaimedJob, JobKind, Outcome
from podcast_pipeline.audience.mail import Mailer, Message
from podcast_pipeline.audience.subscribers.signin import SIGNIN_MAIL, SignIn
from podcast_pipeline.model import Show

NOBODY = "nobody@invalid.example"
"""Stands in for an unknown address in a mail that is composed and dropped, so that it takes as long."""

TEXT = """\
Open this link within 15 minutes to sign in to {title}:

{site}/signin/link/{secret}{query}

{code}
If you did not ask for this, do nothing; nobody can sign in without this mail.
"""

CODE = """\
Or type this code in the browser where you asked for it: {code}
"""
NO_CODE = """\
There is no code in this mail: somebody typed too many wrong ones for your address. The link works.
"""


def signin_mail_kind(signin: SignIn, mailer: Mailer, show: Show, *, clock: Callable[[], datetime]) -> JobKind:
    """Return the kind of the jobs that `SignIn.request` queues.

    A mail that the server may have is not sent again, and one whose link has expired is not sent.
    """

    def send(job: ClaimedJob) -> Outcome:
        mail = signin.mail(job.payload["nonce"], now=clock())
        if mail is None:
            return "expired"
        code = CODE.format(code=mail.code) if mail.code else NO_CODE
        landing = job.payload.get("landing")
        query = f"?{urlencode({'next': landing})}" if landing else ""
        text = TEXT.format(
            title=show.title, site=show.site_url, secret=mail.link_secret, query=query, code=code
        )
        subject = " ".join(f"Sign in to {show.title}".split())
        message = Message(mail.email or NOBODY, subject, text)
        if mail.email is None:
            mailer.compose(message)
            return "dropped"
        mailer.send(message, before_handover=job.hand_over)
        return "done"

    return JobKind(SIGNIN_MAIL, send, lease=timedelta(minutes=2), threads=2)
