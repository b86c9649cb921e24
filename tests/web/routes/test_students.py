"""The page /students: form, mailed link, code; over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from podcast_pipeline.audience.jobs.queue import JobQueue
from podcast_pipeline.audience.jobs.worker import Worker
from podcast_pipeline.audience.students.codes import StudentCodes
from podcast_pipeline.audience.students.links import LINK_LIFETIME
from podcast_pipeline.audience.students.mail import student_mail_kind
from podcast_pipeline.audience.students.proofs import StudentProofs
from tests.support.outbox import Outbox
from tests.support.site import SHOW_ID, Site

SITE = "http://127.0.0.1:8080"
ANN = "ann@harvard.edu"
SEAL = re.compile(r'name="seal" value="(\w+)"')


class School:
    """A site with the page, and two browsers."""

    def __init__(self, folder: Path) -> None:
        self.site = Site.make(folder)
        engine = self.site.subscribers.engine
        self.proofs = StudentProofs(engine, show_id=SHOW_ID, secret_key=b"k" * 32)
        StudentCodes(engine, show_id=SHOW_ID).load(["HALF-1", "HALF-2"], now=self.site.clock.now)
        app = self.site.app(students=self.proofs)
        self.browser, self.phone = (TestClient(app, base_url=SITE, follow_redirects=False) for _ in range(2))

    def ask(self, email: str = ANN) -> tuple[int, str]:
        """Send the form; return the status, and where it leads or what it says."""
        form = {"email": email, "seal": SEAL.findall(self.browser.get("/students").text)[0]}
        answer = self.browser.post("/students", data=form)
        return answer.status_code, answer.headers.get("location") or answer.text

    def mailed(self) -> list[str]:
        """Do the jobs and return the path of the link in each mail."""
        outbox, engine = Outbox(), self.site.subscribers.engine
        kind = student_mail_kind(self.proofs.links, outbox, self.site.catalog.show, clock=self.site.clock)
        Worker(JobQueue(engine, show_id=SHOW_ID), (kind,), self.site.clock).run_due()
        return [re.findall(rf"{SITE}(/students/link/\S+)", mail.text)[0] for mail in outbox.messages]

    def click(self, link: str) -> tuple[int, str]:
        """Open a link on the phone and click the button; return status and page."""
        page = self.phone.get(link)
        assert "HALF" not in page.text
        assert page.headers["x-robots-tag"] == "noindex"
        answer = self.phone.post(link, data={"seal": SEAL.findall(page.text)[0]})
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, answer.text


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    """A site with the page /students."""
    made = School(tmp_path)
    yield made
    made.site.close()


def test_from_the_form_to_the_code(school: School) -> None:
    """The link works in another browser; every click shows the same code, and where it is used."""
    assert school.ask() == (303, "/students/sent")
    assert "Check your mail" in school.browser.get("/students/sent").text
    (link,) = school.mailed()
    assert "HALF" not in school.browser.get(link).text  # a mail scanner follows links
    pages = [school.click(link) for _ in range(2)]
    assert [(status, "<code>HALF-1</code>" in page) for status, page in pages] == [(200, True)] * 2
    assert 'href="https://harrowstreet.example/subscribe"' in pages[0][1]
    assert "until 2027-03-10" in pages[0][1]


@pytest.mark.parametrize(
    ("email", "line"),
    [
        ("ann@example.org", "We do not know this as an address at a university or school"),
        ("ann@harvard.edu.evil.com", "We do not know this as an address at a university or school"),
        ("ann", "This is no mail address"),
        ("", "This is no mail address"),
    ],
)
def test_another_address_gets_a_line_and_no_mail(school: School, email: str, line: str) -> None:
    """It says what is wrong, and nothing of the address is repeated."""
    status, page = school.ask(email)
    assert (status, line in page) == (400, True)
    assert school.mailed() == []


def test_a_link_that_is_too_old_or_made_up_leads_back_to_the_form(school: School) -> None:
    """Without a code."""
    school.ask()
    (link,) = school.mailed()
    school.site.clock.now += 2 * LINK_LIFETIME
    for wrong in (link, "/students/link/made-up", f"/students/link/{'a' * 900}"):
        status, page = school.click(wrong)
        assert (status, "This link is too old" in page) == (400, True)


def test_without_a_code_the_page_says_so_and_the_log_too(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    """The newsroom reads what to do; the address is in no line."""
    for email in (ANN, "bob@mit.edu", "carl@mit.edu"):
        school.ask(email)
    assert [code for link in school.mailed() for code in re.findall(r"HALF-\d", school.click(link)[1])] == [
        "HALF-1",
        "HALF-2",
    ]
    assert [record.getMessage() for record in caplog.records if record.name == "podcast_pipeline.web"] == [
        "/students: no code is left; load more with `podcast students codes FILE`"
    ]
    assert "mit.edu" not in caplog.text


def test_forms_need_their_seal_and_have_a_limit(school: School) -> None:
    """As those of sign-in."""
    assert school.browser.post("/students", data={"email": ANN}).status_code == 403
    assert school.browser.post("/students/link/x", data={"seal": "0"}).status_code == 403
    answers = [school.ask()[0] for _ in range(21)]
    assert (answers[:20], answers[20]) == ([303] * 20, 429)
    assert len(school.mailed()) == 5


def test_a_site_without_the_setting_has_no_such_page(tmp_path: Path) -> None:
    """Nothing under /students."""
    site = Site.make(tmp_path)
    with TestClient(site.app(), base_url=SITE) as client:
        assert {client.get(path).status_code for path in ("/students", "/students/link/x")} == {404}
    site.close()
