"""Pictures that an episode's notes show, from the folder to the feed."""

from pathlib import Path

import pytest
from PIL import Image

from podcast_pipeline.model import NotesPicture
from podcast_pipeline.pipeline.assemble import referenced_keys
from tests.support.pipeline import catalog, episode, feed, items, store
from tests.support.show import SLUG, ShowFolder, copy_show_folder


@pytest.fixture
def show(published: ShowFolder, tmp_path: Path) -> ShowFolder:
    """A published show to change."""
    return copy_show_folder(published, tmp_path / "show")


def notes(show: ShowFolder, text: str) -> None:
    path = show.episode / "notes.md"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{text}\n", encoding="utf-8")


def picture(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (60, 40), "#406070").save(path)


def test_a_picture_is_published_with_its_episode(show: ShowFolder) -> None:
    """It is stored once, the feed has a link to it, it stays without its file, and leaves with the notes."""
    before = [item.findtext("guid") for item in items(show)]
    picture(show.episode / "pictures" / "map one.png")
    picture(show.folder / "private.png")
    (show.episode / "loop.png").symlink_to("loop.png")
    (show.episode / "link.png").symlink_to("../../private.png")
    named = " ".join(f"![One]({name})" for name in ("lost.png", "../../private.png", "link.png", "loop.png"))
    notes(show, f"![The map](<pictures/map one.png>) {named}")
    told = show.run("publish", SLUG)
    assert told.returncode == 0, told.stderr
    assert "lost.png: cannot be read (No such file or directory); put it there" in told.stderr
    assert told.stderr.count("lies outside of the episode's folder; put it beside notes.md") == 2
    assert "loop.png: cannot be read (Too many levels of symbolic links); put it there" in told.stderr
    (one,) = episode(show).pictures
    assert one == NotesPicture(source="pictures/map%20one.png", key=one.key, width_px=60, height_px=40)
    assert store(show).head(one.key).content_type == "image/png"
    assert one.key in referenced_keys(episode(show))
    url = catalog(show).show.object_url(one.key)
    assert f'<a href="{url}">The map</a>' in feed(show).decode()
    assert [item.findtext("guid") for item in items(show)] == before
    (show.episode / "pictures" / "map one.png").unlink()
    again = show.run("publish", SLUG)
    assert again.returncode == 0, again.stderr
    assert episode(show).pictures == (one,)
