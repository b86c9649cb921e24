"""Files that an import took over as they came, compared with words that were transcribed since.

What we make is searched before it is stored. Audio, picture and chapters of another host are stored before
there is a transcript, and everybody has them; whether words of it may stay there, only the producer can tell.
"""

from collections.abc import Iterator

from podcast_pipeline.audio import tags
from podcast_pipeline.images import searchable_bytes
from podcast_pipeline.model import Episode
from podcast_pipeline.model.gates import GateName, check_gate
from podcast_pipeline.storage import ObjectReader
from podcast_pipeline.transcript.leaks.shingles import Shingles

EDGE_BYTES = 512 * 1024
"""Of both ends of an audio file: where every format has its tags, the long ones of ID3 apart."""


def check_taken_over(
    episode: Episode,
    secret: Shingles,
    published: Shingles | None,
    store: ObjectReader,
    *,
    allow: frozenset[GateName],
) -> None:
    """Close the gate `secret-words` where a public file of an imported episode has words of the transcript.

    Args:
        secret: of the new words.
        published: of those that are out; a file that has some of them was allowed before.

    Raises:
        GateClosed: nobody has allowed it.
    """
    if episode.original is None:
        return
    for name, data in _taken_over(episode, store):
        if secret.find_in(data) and not (published and published.find_in(data)):
            finding = f"{name} of the old host has words of the transcript; everybody can read them"
            check_gate("secret-words", episode.slug, finding, allow=allow)


def _taken_over(episode: Episode, store: ObjectReader) -> Iterator[tuple[str, bytes]]:
    """Yield (what it is, the bytes that may have text) of each public file."""
    for name, key in (("the picture", episode.artwork_key), ("the chapters file", episode.chapters_key)):
        if key and key.startswith("public/"):
            yield name, searchable_bytes(store.get(key)[1])
    key = episode.enclosure.key
    if key and key.startswith("public/"):
        yield "the audio file", _audio_text(store, key, episode.enclosure.size_bytes)


def _audio_text(store: ObjectReader, key: str, size_bytes: int) -> bytes:
    head = b"".join(store.stream(key, 0, min(EDGE_BYTES, size_bytes)))
    tag_bytes = tags.id3_size_bytes(head)
    if tag_bytes > len(head):
        head = b"".join(store.stream(key, 0, min(tag_bytes + EDGE_BYTES, size_bytes)))
    tail = b"".join(store.stream(key, max(len(head), size_bytes - EDGE_BYTES), size_bytes))
    return tags.id3_text(head) + head[tag_bytes:] + tail
