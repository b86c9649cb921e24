"""Sign-in by mail from a real SMTP server, and the account page."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from podcast_pipeline.audience.mail import SmtpMailer
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.config import MailTable
from tests.support.mail_server import PASSWORD, USER, Mailbox, running_mail_server
from tests.support.reading import tab_to
from tests.support.site import Site, flagship_on_a_port

# the server listens on this machine only
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

ANN = "ann@example.org"


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    """The mailbox of the subscribers."""
    return Mailbox()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Site]:
    """A show with a mail server, on a free port."""
    with running_mail_server(mailbox) as port:
        table = {"host": "127.0.0.1", "port": port, "security": "none", "username": USER}
        mailer = SmtpMailer(
            MailTable.model_validate(table), sender="p@example.org", name="Late Proofs", password=PASSWORD
        )
        with flagship_on_a_port(tmp_path_factory.mktemp("site"), mailer) as site:
            yield site


def sign_in(page: Page, mailbox: Mailbox, email: str = ANN) -> None:
    page.goto("/account")
    page.get_by_label("Your address").fill(email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    to, mail = mailbox.received.get(timeout=10)
    assert to == email
    page.goto(re.findall(r"http://\S+/signin/link/\S+", mail.get_content())[0])
    page.get_by_role("button", name="Sign in to Late Proofs").click()
    expect(page.get_by_role("heading", name="Your subscription")).to_be_visible()


def test_from_the_mail_to_a_new_link(site: Site, page: Page, mailbox: Mailbox) -> None:
    """Sign in by mail, see the feed and its QR code, replace the link, sign out."""
    old = site.subscribe(ANN)
    sign_in(page, mailbox)
    expect(page.locator("#feed-url")).to_contain_text(old)
    expect(page.get_by_role("link", name="Overcast")).to_have_attribute("href", re.compile("^overcast://"))
    code = page.locator(".qr svg").bounding_box()
    assert code is not None
    assert code["width"] == code["height"] > 100
    page.get_by_role("link", name="Replace the link").click()
    expect(page.get_by_role("heading", name="Replace your private link?")).to_be_visible()
    page.get_by_role("link", name="Keep it").click()
    expect(page.locator("#feed-url")).to_contain_text(old)
    page.get_by_role("link", name="Replace the link").click()
    page.get_by_role("button", name="Replace the link").click()
    expect(page.get_by_role("heading", name="Your new link")).to_be_visible()
    expect(page.locator("#feed-url")).not_to_contain_text(old)
    page.goto("/episodes/the-water-was-always-coming")
    expect(page.locator(".transcript")).to_contain_text("because by then I was angry")
    page.goto("/account")
    page.get_by_role("button", name="Sign out here").click()
    page.goto("/account")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_private_link_is_copied(browser: Browser, site: Site, page: Page, mailbox: Mailbox) -> None:
    """A button copies the link; where there is no script there is no button, and the link is text."""
    link = f"{site.config.urls.site}/feeds/{site.subscribe(ANN)}/feed.xml"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, mailbox)
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    bare = browser.new_context(
        base_url=site.config.urls.site,
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    plain = bare.new_page()
    plain.goto("/account")
    expect(plain.locator("#feed-url")).to_have_text(link)
    expect(plain.get_by_role("button", name="Copy the link")).to_be_hidden()
    bare.close()


def test_a_code_by_keyboard(site: Site, page: Page, mailbox: Mailbox) -> None:
    """Sign-in by code works with the keyboard alone."""
    site.subscribe(ANN)
    page.goto("/signin")
    page.get_by_label("Your address").focus()
    page.keyboard.type(ANN)
    page.keyboard.press("Enter")
    code = re.findall(r"\b\d{6}\b", mailbox.received.get(timeout=10)[1].get_content())[-1]
    page.get_by_label("six digits").focus()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your subscription")).to_be_visible()


def test_by_keyboard_from_sign_in_to_a_copied_citation(site: Site, page: Page, mailbox: Mailbox) -> None:
    """No mouse: sign in from the teaser, come to a time in the text, quote its sentence, go on reading."""
    email = "erik@example.org"
    site.subscribe(email)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/episodes/the-water-was-always-coming")
    page.locator(".teaser h2").evaluate("heading => { heading.tabIndex = -1; heading.focus(); }")
    tab_to(page, "sign in")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Your address").press("Home")
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    mail = mailbox.received.get(timeout=10)[1].get_content()
    page.goto(re.findall(r"http://\S+/signin/link/\S+", mail)[0])
    tab_to(page, "Sign in to Late Proofs")
    page.keyboard.press("Enter")
    expect(page.locator(".deck")).to_be_visible()
    tab_to(page, "Read the transcript")
    page.keyboard.press("Enter")
    tab_to(page, "0:00")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    quote = page.get_by_role("button", name="Quote", exact=True)
    expect(quote).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "Text")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Copied from 0:19")
    copied = page.evaluate("navigator.clipboard.readText()")
    source = r"The water was always coming\. Late Proofs, .+#t=[\d.]+"
    assert re.fullmatch(rf"“.+” \(Ines Marchetti\)\n{source}", copied)
    page.keyboard.press("Escape")
    expect(quote).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent") == "0:19"


def test_a_cited_place_is_there_again_after_sign_in(site: Site, page: Page, mailbox: Mailbox) -> None:
    """A subscriber opens a cited link, signs in from the offer below the teaser, and stands at that place."""
    site.subscribe("dora@example.org")
    place = "t=84"
    page.goto(f"/episodes/the-water-was-always-coming#{place}")
    page.locator(".offer").get_by_role("link", name="sign in").click()
    page.get_by_label("Your address").fill("dora@example.org")
    page.get_by_role("button", name="Send the link").click()
    mail = mailbox.received.get(timeout=10)[1].get_content()
    page.goto(re.findall(r"http://\S+/signin/link/\S+", mail)[0])
    page.get_by_role("button", name="Sign in to Late Proofs").click()
    expect(page).to_have_url(re.compile(rf"/episodes/the-water-was-always-coming#{place}$"))
    expect(page.locator(".transcript")).to_contain_text("because by then I was angry")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_and_small_screens(site: Site, page: Page, mailbox: Mailbox, scheme: str) -> None:
    """axe-core has no complaint about the forms and the account, which fit a small phone."""
    site.subscribe(ANN)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 320, "height": 700})
    for path in ("/signin", "/signin/code", "/signin/link/x", "/mail/stop/x", "/listen"):
        page.goto(path)
        check(page)
    sign_in(page, mailbox)
    site.subscribers.rotate(ANN, now=site.clock.now, origin="cli")
    for path in ("/account", "/account/rotate", "/account/replaced"):
        page.goto(path)
        check(page)


def check(page: Page) -> None:
    """Fail where a page is wider than a small phone or breaks a rule of axe-core."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []


@pytest.mark.parametrize("has_script", [True, False])
def test_news_on_off_and_one_click(
    browser: Browser, site: Site, page: Page, mailbox: Mailbox, has_script: bool
) -> None:
    """The account page turns notifications on and off; the mail's link turns them off in any browser."""
    bob = f"bob-{has_script}@example.org"  # nobody gets more than five mails in an hour
    person = site.subscribers.add(bob, now=site.clock.now, origin="cli")[0].id
    sign_in(page, mailbox, bob)
    signed_in = browser.new_context(
        base_url=site.config.urls.site,
        java_script_enabled=has_script,
        storage_state=page.context.storage_state(),
    )
    account = signed_in.new_page()
    account.goto("/account")
    account.get_by_role("button", name="Tell me of new transcripts").click()
    expect(account.get_by_text("We tell you by mail of every new transcript")).to_be_visible()
    account.get_by_role("button", name="Stop these mails").click()
    account.get_by_role("button", name="Tell me of new transcripts").click()
    assert site.subscribers.get(bob).news_since is not None
    stranger = browser.new_context(base_url=site.config.urls.site, java_script_enabled=has_script)
    opened = stranger.new_page()
    opened.goto(f"/mail/stop/{unsubscribe_token.to_unsubscribe_token(person, site.subscribers.secret_key)}")
    assert site.subscribers.get(bob).news_since is not None
    opened.get_by_role("button", name="Stop the mails").click()
    expect(opened.get_by_role("heading", name="No more mail about new transcripts")).to_be_visible()
    assert site.subscribers.get(bob).news_since is None
    account.reload()
    expect(account.get_by_role("button", name="Tell me of new transcripts")).to_be_visible()
    stranger.close()
    signed_in.close()


def test_ending_this_browser_s_session(site: Site, page: Page, mailbox: Mailbox) -> None:
    """The list marks this browser; ending its session leads to the front page, signed out."""
    site.subscribe("carl@example.org")
    sign_in(page, mailbox, "carl@example.org")
    mine = page.get_by_role("listitem").filter(has_text="this browser")
    expect(mine).to_have_count(1)
    mine.get_by_role("button").click()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.get_by_role("navigation", name="Site").get_by_role("link", name="Sign in")).to_be_visible()
    assert not [cookie for cookie in page.context.cookies() if cookie.get("name") == "session"]
