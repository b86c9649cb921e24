"""Make the pictures of README and tutorial: a show is really made, published and served, in a new folder.

    scripts/install_test_parts.sh    # Debian's Chromium
    .venv/bin/python scripts/make_pictures.py

Terminals become SVG, pages PNG, in docs/pictures. The commands are those of docs/tutorial/first-episode.md,
with the sample recording. The secret of the private link is covered.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import tomlkit
from PIL import Image
from playwright.sync_api import Browser, Error, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tests.support.chromium import ARGUMENTS
from tests.support.parts import how_to_get
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.show import PODCAST, SLUG, ShowFolder
from tests.support.terminal import run_on_terminal

PICTURES = ROOT / "docs" / "pictures"
RECORDING = ROOT / "episodes" / SLUG / "source.flac"
TITLE, HOST, GUEST = "Two winters and a will", "Robin Ashdown", "Alex Marlowe"
SHOW = {
    "title": "Late Proofs",
    "description": "A reporter and somebody who was there go back to a story after the headlines.",
    "author": "The Harrow Street Courier",
    "owner_email": "podcast@harrowstreet.example",
    "hosts": [HOST],
}
NOTES = "Two old stories about money: what a winter costs, and what an heir owes his sisters.\n"
USUAL_SITE = "http://127.0.0.1:8080"
SETTINGS = {"PODCAST_TRANSCRIPTION_MODEL": "base", "PODCAST_SPEAKERS_ENGINE": "auto"}
CACHE = ".podcast/user-cache"  # of a machine that has transcribed nothing yet
COLUMNS = 96
TOKEN = re.compile(r"\b[a-z2-7]{16}\.[a-z2-7]{32}\b")
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
COVER = """([link, shown]) => {
  const address = document.querySelector("#feed-url");
  address.textContent = address.textContent.replace(link, shown);
  document.querySelector(".qr svg").style.filter = "blur(6px)";
}"""
LARGEST_BYTES = 120_000
START_S = 60


@dataclass(frozen=True)
class Terminal:
    """A show's folder in which commands are run, and the address of its site."""

    folder: Path
    site: str

    def run(self, *arguments: str, answer: str = "") -> str:
        """Run `podcast` on a terminal, with an answer to its question; return what it printed."""
        show = ShowFolder(self.folder)
        variables = {**SETTINGS, "PODCAST_URLS_SITE": self.site, "XDG_CACHE_HOME": str(self.folder / CACHE)}
        done = run_on_terminal(show, *arguments, answer=answer, **variables)
        if done.returncode and answer != "n":
            raise SystemExit(f"podcast {' '.join(arguments)}: {done.text}")
        return done.text.replace(self.site, USUAL_SITE).replace(f"{self.folder}/", "")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run `podcast serve` until it is no longer needed."""
        environment = {**ShowFolder(self.folder).environment, "PODCAST_URLS_SITE": self.site}
        server = subprocess.Popen([PODCAST, "--quiet", "serve"], cwd=self.folder, env=environment)
        try:
            yield
        finally:
            server.terminate()
            server.wait()


def draw(name: str, typed: str, printed: str) -> None:
    """Save a command and what it printed as a picture of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), (typed, "bold")))
    console.print(Text.from_ansi(TOKEN.sub("…", printed.replace("\r\n", "\n").strip())))
    svg = console.export_svg(title="", theme=DIMMED_MONOKAI, unique_id=name)
    svg = FONT_FACE.sub("", svg).replace("Fira Code", "ui-monospace")  # no font of another host
    _save(f"{name}.svg", svg.encode())


def shoot(page: Page, name: str) -> None:
    """Save a page as it is seen, in at most 256 colours."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    written = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    _save(f"{name}.png", written.getvalue())


def _save(name: str, data: bytes) -> None:
    if len(data) > LARGEST_BYTES:
        raise SystemExit(f"{name}: has {len(data)} bytes; {LARGEST_BYTES} are the most")
    (PICTURES / name).write_bytes(data)
    print(f"docs/pictures/{name}: {len(data)} bytes")


def make_show(terminal: Terminal) -> None:
    """Run `podcast init`, write the show's own words into show.toml, and bring a recording and a cover."""
    outside = Terminal(terminal.folder.parent, terminal.site)
    draw("init", "podcast init myshow && cd myshow", outside.run("init", terminal.folder.name))
    path = terminal.folder / "show.toml"
    settings = tomlkit.parse(path.read_text(encoding="utf-8"))
    for key, value in SHOW.items():
        settings["show"][key] = value  # type: ignore[index]
    path.write_text(tomlkit.dumps(settings), encoding="utf-8")
    shutil.copyfile(ROOT / "artwork.jpg", path.with_name("artwork.jpg"))
    shutil.copyfile(RECORDING, path.with_name("interview.flac"))


def publish(terminal: Terminal) -> None:
    """Answer no, name the speakers, publish."""
    words = ("publish", "interview.flac", "--title", TITLE, "--guest", GUEST)
    typed = f'podcast publish interview.flac --title "{TITLE}" --guest "{GUEST}"'
    draw("words", typed, terminal.run(*words, answer="n"))
    episode = terminal.folder / "episodes" / SLUG
    text = (episode / "transcript.md").read_text(encoding="utf-8")
    named = text.replace("Speaker 1", HOST).replace("Speaker 2", GUEST)
    (episode / "transcript.md").write_text(named, encoding="utf-8")
    (episode / "notes.md").write_text(NOTES, encoding="utf-8")
    draw("publish", f"podcast publish {SLUG}", terminal.run("publish", SLUG, answer="y"))


def shoot_pages(terminal: Terminal, token: str) -> None:
    """Take the home page as everybody sees it, then the add-to-app and the episode page as a subscriber."""
    with terminal.serving(), chromium() as browser:
        page = browser.new_page(viewport={"width": 960, "height": 900})
        _until_answered(partial(page.goto, terminal.site))
        shoot(page, "home")
        page.goto(f"{terminal.site}/feeds/{token}/add")
        page.evaluate(COVER, [f"{terminal.site}/feeds/{token}", f"{USUAL_SITE}/feeds/…"])
        shoot(page, "add-to-app")
        page.goto(f"{terminal.site}/feeds/{token}/")
        page.goto(f"{terminal.site}/episodes/{SLUG}")
        shoot(page, "episode")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        raise SystemExit(how_to_get("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def _until_answered(ask: Callable[[], object]) -> None:
    for _ in range(START_S):
        try:
            ask()
        except Error:  # the server has not started
            time.sleep(1)
        else:
            return
    raise SystemExit("podcast serve does not answer")


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder) / "myshow", f"http://127.0.0.1:{free_port()}")
        make_show(terminal)
        publish(terminal)
        private = terminal.run("subscribers", "add", "you@example.org")
        token = TOKEN.search(private)
        if token is None:
            raise SystemExit(f"no private link in: {private}")
        draw("subscriber", "podcast subscribers add you@example.org", private)
        shoot_pages(terminal, token[0])


if __name__ == "__main__":
    main()
