"""What the tests of an episode's page do in a browser: wait, seek, select, press keys."""

from playwright.sync_api import Locator, Page

from podcast_pipeline.model import Chapter, Episode
from tests.support.site import Site, transcript_of

LONG_S = 780
LONG_CHAPTERS = 26


def current_time(page: Page) -> float:
    """Return the position of the audio, in seconds."""
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def until(page: Page, expression: str) -> None:
    """Wait until an expression is true in the page (its policy forbids the eval of Playwright's own wait)."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def seek(page: Page, seconds: float) -> None:
    """Set the position of the audio as the browser does, without the page's script."""
    page.evaluate(
        """async t => {
          const audio = document.querySelector('audio');
          const loaded = new Promise(r => audio.addEventListener('loadedmetadata', r, {once: true}));
          if (audio.readyState < 1) await loaded;
          audio.currentTime = t;
        }""",
        seconds,
    )


def play(page: Page) -> None:
    """Start the audio and wait until it runs."""
    page.evaluate("document.querySelector('audio').play()")


def settle(page: Page) -> None:
    """Wait until the page does not scroll any more."""
    before = -1.0
    while before != (now := float(page.evaluate("scrollY"))):
        before = now
        page.wait_for_timeout(200)


def select(page: Page, first: str, last: str) -> None:
    """Select from one piece of a sentence to another, as a mouse would."""
    page.evaluate(
        """([first, last]) => {
          const texts = [...document.querySelectorAll('.s')].map(s => s.firstChild);
          const a = texts.find(t => t.data.includes(first)), b = texts.find(t => t.data.includes(last));
          a.parentElement.scrollIntoView({block: 'center', behavior: 'instant'});
          getSelection().setBaseAndExtent(a, a.data.indexOf(first), b, b.data.indexOf(last) + last.length);
        }""",
        [first, last],
    )


def tab_to(page: Page, text: str, *, key: str = "Tab") -> None:
    """Press a key until the element with this text or label has the focus."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate("(e => [e.textContent.trim(), e.ariaLabel])(document.activeElement)").count(text):
            return
    raise AssertionError(text)


def middle_of(sentence: Locator, at: int) -> tuple[float, float]:
    """Return where a character of a sentence is in the window, with the sentence in the middle of it."""
    x, y = sentence.evaluate(
        """(s, at) => { const r = document.createRange();
                  r.setStart(s.firstChild, at); r.setEnd(s.firstChild, at + 2);
                  s.scrollIntoView({block: 'center', behavior: 'instant'});
                  const b = r.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] }""",
        at,
    )
    return x, y


def long_episode(site: Site, slug: str = "the-whole-docket") -> Episode:
    """Publish an episode with many chapters, and two people of whom one holds long speeches."""
    speech = "The board met again on a Tuesday and said that the survey was not yet complete. " * 9
    lines = [
        f"{'Ann Howe' if n % 2 else 'Bo Li'}: Part {n} begins. {speech}" for n in range(2 * LONG_CHAPTERS)
    ]
    step = LONG_S // LONG_CHAPTERS
    chapters = tuple(
        Chapter(start_s=step * n, title=f"Chapter {n + 1} of the docket") for n in range(LONG_CHAPTERS)
    )
    words = transcript_of("\n".join(lines), duration_s=LONG_S)
    return site.publish(slug, words, chapters=chapters, notes="Three hours.", has_files=False)
