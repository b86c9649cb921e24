"""The mails to students and teachers: the link that proves an address, and a reminder before a proof ends."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from podcast_pipeline.audience.account_mails.queue import DueMail
from podcast_pipeline.audience.jobs.kinds import ClaimedJob, JobKind, Outcome
from podcast_pipeline.audience.mail import Mailer, Message
from podcast_pipeline.audience.students.links import StudentLinks
from podcast_pipeline.audience.students.proofs import STUDENT_MAIL, StudentProofs
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.email import EmailAddress
from podcast_pipeline.model import Show

TEXT = """\
Open this link within an hour to get the price of {title} for students and teachers:

{site}/students/link/{secret}

If you did not ask for this, do nothing: without a click nothing happens, and your address is not kept.
"""


def student_mail_kind(
    links: StudentLinks, mailer: Mailer, show: Show, *, clock: Callable[[], datetime]
) -> JobKind:
    """Return the kind of the jobs that `StudentProofs.request` queues.

    A mail that the server may have is not sent again, and one that was asked for an hour ago is not sent.
    """

    def send(job: ClaimedJob) -> Outcome:
        now = clock()
        address = links.open_of_job(job.payload["sealed"], now=now)
        if address is None:
            return "expired"
        secret = links.seal(address, now=now)
        text = TEXT.format(title=show.title, site=show.site_url, secret=secret)
        subject = " ".join(f"{show.title}: your address is at a school".split())
        mailer.send(Message(address.email, subject, text), before_handover=job.hand_over)
        return "done"

    return JobKind(STUDENT_MAIL, send, lease=timedelta(minutes=2), threads=2)


def reminders(proofs: StudentProofs, people: Subscribers, *, now: datetime) -> Iterator[DueMail]:
    """Yield a mail for each active subscriber whose own address has a proof that is soon over.

    A proof keeps no address: who subscribes with another one than was proven cannot be reminded.
    """
    soon_over = proofs.soon_over(now)
    for person in people.list_all() if soon_over else ():
        address = EmailAddress(person.email, person.email_normalized)
        expires_at = soon_over.get(proofs.address_hmac(address))
        if expires_at is not None and person.state(now) == "active":
            yield DueMail(person.id, f"student {expires_at:%Y-%m-%d}")
