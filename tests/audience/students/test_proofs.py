"""A proven address gives one code, whatever happens: clicks at once, retries, kills, tags, another year."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from podcast_pipeline.audience.database.tables import jobs, proofs, signin_requests
from podcast_pipeline.audience.jobs.queue import JobQueue
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.membership.sources.stripe_api import StripeApi
from podcast_pipeline.audience.students.codes import StudentCodes
from podcast_pipeline.audience.students.links import LINK_LIFETIME, StudentLinks
from podcast_pipeline.audience.students.mail import reminders, student_mail_kind
from podcast_pipeline.audience.students.proofs import PROOF_LIFETIME, RENEWED_BEFORE, StudentProofs
from podcast_pipeline.audience.students.stripe_codes import StripeCodes
from podcast_pipeline.audience.subscribers import Subscribers
from podcast_pipeline.audience.subscribers.email import parse_email
from podcast_pipeline.audience.subscribers.privacy.data_export import export_personal_data
from podcast_pipeline.audience.subscribers.privacy.retention import purge
from podcast_pipeline.errors import FetchError, SubscriberError
from tests.support.fake_stripe import KEY as STRIPE_KEY
from tests.support.fake_stripe import FakeStripe
from tests.support.golden import ordinary_catalog
from tests.support.outbox import Outbox
from tests.support.site import Clock

SHOW, KEY = UUID(int=7), b"k" * 64
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ANN = "ann@harvard.edu"
SECOND = timedelta(seconds=1)


@pytest.fixture
def codes(engine: Engine) -> StudentCodes:
    """Three codes of the newsroom's."""
    codes = StudentCodes(engine, show_id=SHOW)
    codes.load(["A1", "B2", "C3"], now=NOW)
    return codes


@pytest.fixture
def school(engine: Engine) -> StudentProofs:
    """The proofs of a show."""
    return StudentProofs(engine, show_id=SHOW, secret_key=KEY, domains=("kolleg.example",))


def link_to(email: str = ANN, *, now: datetime = NOW) -> str:
    return StudentLinks(KEY).seal(parse_email(email), now=now)


def code_of(school: StudentProofs, email: str = ANN, *, now: datetime = NOW) -> str | None:
    """Prove an address and return the code."""
    proof = school.prove(link_to(email, now=now), now=now)
    assert proof is not None
    return proof.code


def test_a_link_opens_its_address_for_an_hour() -> None:
    """Nobody reads the address in it, and another key opens none."""
    links, address = StudentLinks(KEY), parse_email("Ann@Harvard.edu")
    secret = links.seal(address, now=NOW)
    assert links.open(secret, now=NOW + LINK_LIFETIME) == address
    assert links.open(secret, now=NOW + LINK_LIFETIME + SECOND) is None
    assert "Ann" not in secret
    assert secret.replace("-", "").replace("_", "").isalnum()
    assert StudentLinks(b"l" * 64).open(secret, now=NOW) is None
    for wrong in (secret[:-1], secret[:-2] + "AA", "", "é", "a" * 10**6, "gAAAA", "=" * 9):
        assert links.open(wrong, now=NOW) is None


def test_one_mailbox_gets_one_code(school: StudentProofs, codes: StudentCodes) -> None:
    """By another link, another spelling or a tag; another person gets another one."""
    assert code_of(school) == "A1"
    assert {code_of(school, email) for email in (ANN, "ANN@HARVARD.EDU", "ann+news@harvard.edu")} == {"A1"}
    assert code_of(school, "bob@harvard.edu") == "B2"
    assert code_of(school, "ann@kolleg.example") == "C3"
    assert (codes.counts().given, codes.counts().left) == (3, 0)


def test_two_clicks_at_once_get_one_code(school: StudentProofs, codes: StudentCodes) -> None:
    """Of one person one code, of many persons as many."""
    emails = [ANN, ANN, ANN, "bob@mit.edu", "bob+1@mit.edu", "carl@mit.edu"]
    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(lambda email: code_of(school, email), emails))
    assert (len(set(given[:3])), len(set(given[3:5])), len(set(given))) == (1, 1, 3)
    assert codes.counts().left == 0


def test_without_a_code_the_proof_stays_and_gets_one_later(school: StudentProofs, engine: Engine) -> None:
    """The newsroom loads more, and the next click has one."""
    assert code_of(school) is None
    StudentCodes(engine, show_id=SHOW).load(["D4"], now=NOW)
    assert [code_of(school), code_of(school)] == ["D4", "D4"]


def test_a_proof_lasts_a_year_and_is_renewed_at_its_end(school: StudentProofs, codes: StudentCodes) -> None:
    """Thirty days before, a new link gives the next year and its code; earlier it gives the same one."""
    assert code_of(school) == "A1"
    soon = NOW + PROOF_LIFETIME - RENEWED_BEFORE
    assert code_of(school, now=soon - SECOND) == "A1"
    proof = school.prove(link_to(now=soon), now=soon)
    assert proof is not None
    assert (proof.code, proof.expires_at) == ("B2", soon + PROOF_LIFETIME)


def test_no_link_without_a_school(school: StudentProofs, engine: Engine) -> None:
    """The address is not academic, or none at all; nothing is written."""
    assert not school.request("ann@example.org", browser="b", now=NOW)
    assert not school.request("ann@harvard.edu.evil.com", browser="b", now=NOW)
    with pytest.raises(SubscriberError):
        school.request("nobody", browser="b", now=NOW)
    assert school.prove(link_to("ann@example.org"), now=NOW) is None
    with engine.connect() as connection:
        tables = (jobs, proofs, signin_requests)
        assert [connection.scalar(select(func.count()).select_from(table)) for table in tables] == [0, 0, 0]


def test_the_mail_has_the_link_and_the_database_no_address(
    school: StudentProofs, codes: StudentCodes, engine: Engine
) -> None:
    """From form to code by the job; five mails an hour to one mailbox, whatever its spelling."""
    for email in (ANN, "ANN@harvard.edu", "ann+1@harvard.edu", ANN, ANN, ANN):
        assert school.request(email, browser="b", now=NOW)
    outbox, show = Outbox(), ordinary_catalog().show
    kind = student_mail_kind(school.links, outbox, show, clock=Clock(NOW))
    Worker(JobQueue(engine, show_id=SHOW), (kind,), Clock(NOW)).run_due()
    sent_to = [message.to for message in outbox.messages]
    assert sent_to == [ANN, "ANN@harvard.edu", "ann+1@harvard.edu", ANN, ANN]
    secret = outbox.messages[0].text.partition("/students/link/")[2].split()[0]
    assert secret not in outbox.messages[0].subject
    proof = school.prove(secret, now=NOW)
    assert proof is not None
    assert proof.code == "A1"
    with engine.connect() as connection:
        stored = [*connection.execute(select(jobs)), *connection.execute(select(proofs))]
        payloads = connection.scalars(select(jobs.c.payload)).all()
    assert "ann" not in str(stored).lower()
    assert [school.prove(payload["sealed"], now=NOW) for payload in payloads] == [None] * 5  # no links


def test_a_mail_whose_link_has_expired_is_not_sent(school: StudentProofs, engine: Engine) -> None:
    """The mail server was away for longer than an hour."""
    school.request(ANN, browser="b", now=NOW)
    outbox, late = Outbox(), Clock(NOW + LINK_LIFETIME + SECOND)
    kind = student_mail_kind(school.links, outbox, ordinary_catalog().show, clock=late)
    assert dict(Worker(JobQueue(engine, show_id=SHOW), (kind,), late).run_due()) == {"expired": 1}
    assert outbox.messages == []


class Service:
    """A service that makes codes, and can fail before or after it has made one."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self.fails = ""

    def make(self, *, once: str) -> str:
        """Make a code, once for a name."""
        if self.fails == "before":
            raise FetchError("service.example", "is away")
        code = self.made.setdefault(once, f"PROMO{len(self.made)}")
        if self.fails == "after":
            raise FetchError("service.example", "did not answer")
        return code


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_service_that_fails_makes_one_code_all_the_same(engine: Engine, fails: str) -> None:
    """Whatever was lost, the next click asks for the same code, and the page has it."""
    service = Service()
    school = StudentProofs(engine, show_id=SHOW, secret_key=KEY, service=service)
    service.fails = fails
    with pytest.raises(FetchError):
        code_of(school)
    service.fails = ""
    later = NOW + timedelta(minutes=5)
    assert code_of(school, now=later) == code_of(school, "Ann+2@harvard.edu", now=later)
    assert list(service.made.values()) == [code_of(school)]
    assert code_of(school, "bob@harvard.edu") != code_of(school)
    assert len(service.made) == 2


def test_stripe_makes_a_code_of_one_use(engine: Engine) -> None:
    """A promotion code of the newsroom's coupon, one for each proof; the service is our fake of Stripe."""
    account = FakeStripe(now=NOW)
    codes = StripeCodes(StripeApi(STRIPE_KEY, transport=account.transport), "student50")
    school = StudentProofs(engine, show_id=SHOW, secret_key=KEY, service=codes)
    assert codes.make(once="a") == codes.make(once="a") != codes.make(once="b")
    code = code_of(school)
    assert code is not None
    assert code == code_of(school, "ann+1@harvard.edu") != code_of(school, "bob@harvard.edu")


def test_codes_are_loaded_once(engine: Engine) -> None:
    """A file that is loaded again adds nothing; a wrong line loads nothing and is named."""
    codes = StudentCodes(engine, show_id=SHOW)
    assert codes.load(["A1", "", " B2 ", "A1"], now=NOW) == 2
    assert codes.load(["A1", "B2", "C3"], now=NOW) == 1
    for wrong in ("code,used", "a b", "é", "x" * 101, "a\x00b"):
        with pytest.raises(SubscriberError, match="line 2: is no code"):
            codes.load(["D4", wrong], now=NOW)
    assert codes.counts().left == 3
    assert StudentCodes(engine, show_id=UUID(int=8)).counts().left == 0


def test_a_subscriber_is_reminded_before_the_proof_ends(
    school: StudentProofs, codes: StudentCodes, engine: Engine
) -> None:
    """Whose own address was proven, while they are active, once for each end."""
    people = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    for email in (ANN, "bob@mit.edu", "carl@mit.edu"):
        people.add(email, now=NOW, origin="cli")
    ann = people.get(ANN).id
    code_of(school, "ann+x@harvard.edu")
    code_of(school, "bob@mit.edu")
    people.suspend("bob@mit.edu", None, now=NOW, origin="cli")
    soon = NOW + PROOF_LIFETIME - RENEWED_BEFORE
    assert list(reminders(school, people, now=soon - SECOND)) == []
    (mail,) = reminders(school, people, now=soon)
    assert (mail.subscriber_id, mail.kind, mail.name) == (ann, "student 2027-12-01", "student")
    assert list(reminders(school, people, now=NOW + PROOF_LIFETIME)) == []


def test_a_proof_is_in_the_dossier_goes_with_an_erasure_and_ends(
    school: StudentProofs, codes: StudentCodes, engine: Engine
) -> None:
    """Of the person whose address it is; the fingerprint itself is not shown."""
    people = Subscribers(engine, show_id=SHOW, secret_key=KEY)
    people.add(ANN, now=NOW, origin="cli")
    code_of(school)
    code_of(school, "bob@mit.edu")
    (row,) = export_personal_data(people, ANN)["proofs"]
    assert (row["domain"], row["code"], "address_hmac" in row) == ("harvard.edu", "A1", False)
    people.erase(ANN, now=NOW, origin="cli")
    with engine.connect() as connection:
        assert connection.scalars(select(proofs.c.domain)).all() == ["mit.edu"]
    kept = {"network_kept": timedelta(days=30), "audit_kept": timedelta(days=730)}
    assert purge(engine, show_id=SHOW, **kept, now=NOW + PROOF_LIFETIME).proofs == 0
    assert purge(engine, show_id=SHOW, **kept, now=NOW + PROOF_LIFETIME + SECOND).proofs == 1
