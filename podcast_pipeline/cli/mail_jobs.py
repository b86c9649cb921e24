"""The parts and the background work of mails about subscriptions, and of students."""

import logging
from datetime import datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from podcast_pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from podcast_pipeline.audience.account_mails.queue import AccountMailQueue, DueMail, MailChoice
    from podcast_pipeline.audience.account_mails.send import AccountMailer
    from podcast_pipeline.audience.jobs.kinds import ClaimedJob, JobKind, Outcome
    from podcast_pipeline.audience.mail import SmtpMailer
    from podcast_pipeline.audience.students.proofs import StudentProofs
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.cli.session import CliSession

LOG = logging.getLogger("podcast_pipeline.cli.mail_jobs")
MAILS_EVERY = timedelta(minutes=1)
REMINDERS_EVERY = timedelta(hours=1)


def mail_choice(session: "CliSession") -> "MailChoice":
    """Return the mails that [mail] in show.toml has chosen."""
    from podcast_pipeline.audience.account_mails.queue import MailChoice

    table = session.config.mail
    begins = datetime.combine(table.welcome, time(), session.config.zone) if table.welcome else None
    return MailChoice(begins, frozenset(table.tells))


def open_mailer(session: "CliSession") -> "SmtpMailer":
    """Return the mail server; raises ConfigError where show.toml has none."""
    from podcast_pipeline.audience.mail import SmtpMailer

    smtp = SmtpMailer.from_config(session.config)
    if smtp is None:
        raise ConfigError(f"{session.config.folder / 'show.toml'} [mail]", "has no host; set it to send mail")
    return smtp


def account_mailer(
    session: "CliSession", queue: "AccountMailQueue", pause: "Callable[[], None]"
) -> "AccountMailer":
    """Return what composes and sends mails about subscriptions, by the newsroom's templates."""
    from podcast_pipeline.audience.account_mails.send import AccountMailer
    from podcast_pipeline.audience.account_mails.templates import MailTemplates

    config = session.config
    show = config.to_show(artwork_key=None)
    return AccountMailer(queue, MailTemplates(config.folder), show, session.clock, pause)


def open_students(session: "CliSession", subscribers: "Subscribers") -> "StudentProofs | None":
    """Return the proofs of academic addresses; None without the page or a mail server."""
    from podcast_pipeline.audience.students.proofs import StudentProofs
    from podcast_pipeline.audience.students.stripe_codes import StripeCodes
    from podcast_pipeline.cli.membership import open_stripe

    table = session.config.students
    if not table.page:
        return None
    if not session.config.mail.host:
        session.output.warn("/students needs a mail server; set host in [mail]")
        return None
    stripe = open_stripe(session.config) if table.stripe_coupon else None
    if table.stripe_coupon and stripe is None:
        session.output.warn("stripe_coupon in [students] is not used without PODCAST_STRIPE_KEY")
    return StudentProofs(
        subscribers.engine,
        show_id=subscribers.show_id,
        secret_key=subscribers.secret_key,
        domains=table.domains,
        service=StripeCodes(stripe.api, table.stripe_coupon) if stripe and table.stripe_coupon else None,
    )


def mail_kinds(session: "CliSession", subscribers: "Subscribers") -> "list[JobKind]":
    """Return the kinds of jobs that send mails about subscriptions and to students, as show.toml has them."""
    from podcast_pipeline.audience.account_mails.queue import AccountMailQueue
    from podcast_pipeline.audience.jobs.kinds import JobKind
    from podcast_pipeline.audience.students.mail import reminders, student_mail_kind

    if not session.config.mail.host:
        return []
    kinds, choice = [], mail_choice(session)
    queue, students = AccountMailQueue(subscribers, choice), open_students(session, subscribers)

    def send_due(_: "ClaimedJob") -> "Outcome":
        return _send(session, queue, queue.due(session.clock()))

    if choice.welcome_since or choice.tells:
        kinds.append(JobKind("account mails", send_due, every=MAILS_EVERY))
    if students is not None:
        proofs = students

        def remind(_: "ClaimedJob") -> "Outcome":
            return _send(session, queue, reminders(proofs, subscribers, now=session.clock()))

        show = session.config.to_show(artwork_key=None)
        mailer = open_mailer(session)
        kinds.append(student_mail_kind(students.links, mailer, show, clock=session.clock))
        kinds.append(JobKind("student reminders", remind, every=REMINDERS_EVERY))
    return kinds


def _send(session: "CliSession", queue: "AccountMailQueue", due: "Iterable[DueMail]") -> "Outcome":
    """Send what may leave in a minute; the next run goes on."""
    mailer = account_mailer(session, queue, lambda: None)
    sent = 0
    with open_mailer(session).open_connection() as connection:
        for result in islice(mailer.send(due, connection), session.config.mail.per_minute):
            sent += 1
            if result.error:
                LOG.error("subscriber %s: %s", result.mail.subscriber_id, result.error)
    return "done" if sent else "dropped"
