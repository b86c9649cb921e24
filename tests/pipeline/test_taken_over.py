"""Files that came with an import are compared with the words that are transcribed later."""

import io
import json
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
from mutagen.id3 import APIC, ID3, TXXX, USLT
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from podcast_pipeline.errors import GateClosed
from podcast_pipeline.files import sha256_of
from podcast_pipeline.model import Episode, ImportedItem
from podcast_pipeline.pipeline.taken_over import check_taken_over
from podcast_pipeline.storage.local import LocalStore
from podcast_pipeline.transcript.leaks.shingles import Shingles
from tests.support.golden import ordinary_catalog
from tests.support.transcripts import spoken

SECRET = "The harbour master sold the northern quay to his brother for a single silver coin"
WORDS = spoken((None, f"{SECRET}. Nobody in the town had heard of it before that winter evening."))
SHINGLES = Shingles.of(WORDS, public_text=())
AUDIO_BYTES = bytes(range(256)) * 8


def tagged(*frames: object, behind: bytes = b"") -> bytes:
    """Return audio with ID3 frames in front, and bytes behind it."""
    tag = ID3()
    for frame in frames:
        tag.add(frame)
    data = io.BytesIO()
    tag.save(data)
    return data.getvalue() + AUDIO_BYTES + behind


def picture(text: str) -> bytes:
    """Return a PNG with a text chunk."""
    info = PngInfo()
    info.add_text("Comment", text, zip=True)
    data = io.BytesIO()
    Image.new("RGB", (64, 64), "navy").save(data, "PNG", pnginfo=info)
    return data.getvalue()


def imported(store: LocalStore, tmp_path: Path, **files: bytes) -> Episode:
    """Return an imported episode whose files are in a store."""
    episode = next(e for e in ordinary_catalog().published() if e.access == "public")
    elsewhere = {"key": None, "external_url": "https://old.example/x.mp3"}
    changes: dict[str, object] = {
        "original": ImportedItem(),
        "artwork_key": None,
        "chapters_key": None,
        "enclosure": episode.enclosure.model_copy(update=elsewhere),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        key = f"public/audio/x.{sha256_of(path)[:16]}.mp3"
        store.put(key, data, content_type="audio/mpeg", cache_control="x")
        changes |= {f"{name}_key": key}
        if name == "audio":
            audio = {"key": key, "external_url": None, "size_bytes": len(data), "sha256": sha256_of(path)}
            changes["enclosure"] = episode.enclosure.model_copy(update=audio)
    changes.pop("audio_key", None)
    return episode.model_copy(update=changes)


FILES = {
    "lyrics": {"audio": tagged(USLT(lang="eng", text=SECRET))},
    "base64": {"audio": tagged(TXXX(encoding=3, desc="x", text=b64encode(SECRET.encode()).decode()))},
    "cover": {"audio": tagged(APIC(mime="image/png", data=picture(SECRET)))},
    "behind the audio": {"audio": tagged(behind=b"APETAGEX" + SECRET.encode())},
    "picture": {"artwork": picture(SECRET)},
    "behind a picture": {"artwork": picture("") + zlib.compress(SECRET.encode())},
    "chapters": {"chapters": json.dumps({"version": "1.2.0", "chapters": [], "x": SECRET}).encode()},
}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty store."""
    return LocalStore(tmp_path / "store", base_url="http://127.0.0.1/public")


@pytest.mark.parametrize("name", FILES)
def test_words_in_a_file_of_the_old_host_ask(store: LocalStore, tmp_path: Path, name: str) -> None:
    """Whatever file has them, a person is asked once; what is out already is not asked again."""
    episode = imported(store, tmp_path, **FILES[name])
    with pytest.raises(GateClosed, match="of the old host has words of the transcript") as closed:
        check_taken_over(episode, SHINGLES, None, store, allow=frozenset())
    assert closed.value.gate == "secret-words"
    assert "harbour" not in str(closed.value)
    check_taken_over(episode, SHINGLES, None, store, allow=frozenset({"secret-words"}))
    check_taken_over(episode, SHINGLES, SHINGLES, store, allow=frozenset())


def test_other_words_and_our_own_files_ask_nothing(store: LocalStore, tmp_path: Path) -> None:
    """A tag with another text is the old host's; files of an episode of ours were searched before."""
    other = imported(store, tmp_path, audio=tagged(USLT(lang="eng", text="Music by nobody at all.")))
    check_taken_over(other, SHINGLES, None, store, allow=frozenset())
    ours = imported(store, tmp_path, **FILES["lyrics"]).model_copy(update={"original": None})
    check_taken_over(ours, SHINGLES, None, store, allow=frozenset())
