"""The words of the archive, to suggest one for a word that finds nothing.

A word is counted by the episodes in which it stands: once among all that is indexed, and once among what
everybody may read. Suggestions for strangers come from the latter alone, so that none shows a gated word.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import Connection, Uuid, bindparam, select, text

from podcast_pipeline.audience.database.tables import search_vocabulary
from podcast_pipeline.search.dialects import SqlDialect
from podcast_pipeline.search.normalize import fold_word, normalize_text, split_words
from podcast_pipeline.search.query import QUOTES, query_parts
from podcast_pipeline.search.rows import PUBLIC_PREFIX
from podcast_pipeline.search.stems import has_stem, word_stems
from podcast_pipeline.transcript.text.scripts import is_spaceless

SHORTEST_WORD = 4  # characters; a shorter one is like many others
EDITS_IN_LONG = 2  # letters that a suggestion may differ by: added, left out, replaced or swapped
LONG_WORD = 8  # characters; one edit in shorter words
MOST_MISSPELLED = 4  # words of a query; each is compared with all of its length, and anybody may ask
MUCH_MORE = 10  # a word in so many times the episodes is suggested for one that is in a single episode

COUNT_WORDS = """
    INSERT INTO search_vocabulary (show_id, is_public, word, episode_count)
    SELECT :show_id, :is_public, value, 1 FROM {words} AS words WHERE TRUE
    ON CONFLICT (show_id, is_public, word) DO UPDATE SET episode_count = search_vocabulary.episode_count + 1
"""
DISCOUNT_WORDS = """
    UPDATE search_vocabulary SET episode_count = episode_count - 1
    WHERE show_id = :show_id AND is_public = :is_public AND word IN (SELECT value FROM {words} AS words)
"""
DROP_WORDS = "DELETE FROM search_vocabulary WHERE show_id = :show_id AND episode_count < 1"
SHOW_ID = bindparam("show_id", type_=Uuid)


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words of some texts, and in how many episodes each stands."""

    counts: Mapping[str, int]

    @cached_property
    def by_length(self) -> Mapping[int, Sequence[str]]:
        """The words by how many characters they have; only those of about the same length are alike."""
        words: dict[int, list[str]] = {}
        for word in self.counts:
            words.setdefault(len(word), []).append(word)
        return words

    def may_be_misspelled(self, word: str) -> bool:
        """Return whether a folded word is worth comparing: it is not here, or nearly not."""
        return len(word) >= SHORTEST_WORD and word.isalpha() and self.counts.get(word, 0) <= 1

    def nearest(self, word: str, languages: Collection[str] = ()) -> str | None:
        """Return the word most like a folded word that may be misspelled; None without one.

        Args:
            languages: whose stems the search knows; a word that is like another form of it is found already.
        """
        if not self.may_be_misspelled(word):
            return None
        known = self.counts.get(word, 0)
        edits = EDITS_IN_LONG if len(word) >= LONG_WORD and not known else 1
        lengths = range(len(word) - edits, len(word) + edits + 1)
        alike = [other for length in lengths for other in self.by_length.get(length, ())]
        found = process.extract(word, alike, scorer=OSA.distance, score_cutoff=edits, limit=None)
        stems = {stem for language in languages for stem in word_stems(word, language)}
        if any(has_stem(other, stems, languages) for other, _, _ in found if other != word):
            return None
        ranked = [
            (distance, -self.counts[other], other)
            for other, distance, _ in found
            if other != word and self.counts[other] > known * MUCH_MORE
        ]
        return min(ranked)[2] if ranked else None


def vocabulary_words(bodies: Iterable[str]) -> frozenset[str]:
    """Return the words to count of bodies of rows, without what is added to find names and stems."""
    return frozenset(word for body in bodies for word in body.split() if _is_counted(word))


def public_words(episode_body: str, bodies: Iterable[str]) -> frozenset[str]:
    """Return the words to count of an episode that everybody may read: its own text, and public passages."""
    return vocabulary_words([episode_body]) | frozenset(
        word
        for body in bodies
        for token in body.split()
        if token.startswith(PUBLIC_PREFIX) and _is_counted(word := token.removeprefix(PUBLIC_PREFIX))
    )


def corrected(text: str, vocabulary: Vocabulary, languages: Collection[str] = ()) -> str:
    """Return a query with the nearest words for those that are not in a vocabulary, or nearly not.

    Fields, dates and prefixes stay as they are, and so does a query with more than MOST_MISSPELLED.

    Args:
        languages: of the texts, those that have a stemmer.
    """
    parts = [part for part in query_parts(text) if not part["field"] and not part[0].endswith("*")]
    asked = {fold_word(word) for part in parts for word in split_words(part[0])[1::2]}
    misspelled = set(filter(vocabulary.may_be_misspelled, asked))
    if len(misspelled) > MOST_MISSPELLED:
        return text
    nearest = {word: vocabulary.nearest(word, languages) for word in misspelled}
    pieces, at = [], 0
    kept = normalize_text(text).translate(QUOTES)
    for part in parts:
        pieces += [kept[at : part.start()], _corrected_part(part[0], nearest)]
        at = part.end()
    return "".join([*pieces, kept[at:]])


def count_words(
    connection: Connection, dialect: SqlDialect, show_id: UUID, body: str, bodies: list[str]
) -> None:
    """Count the words of an episode that was added, by the bodies of its rows."""
    for values in _values(show_id, body, bodies):
        statement = text(COUNT_WORDS.format(words=dialect.words_of_json)).bindparams(SHOW_ID)
        connection.execute(statement, values)


def discount_words(
    connection: Connection, dialect: SqlDialect, show_id: UUID, body: str, bodies: list[str]
) -> None:
    """Discount the words of an episode that goes, and drop those that are in no other."""
    for values in _values(show_id, body, bodies):
        statement = text(DISCOUNT_WORDS.format(words=dialect.words_of_json)).bindparams(SHOW_ID)
        connection.execute(statement, values)
    connection.execute(text(DROP_WORDS).bindparams(SHOW_ID), {"show_id": show_id})


def read_vocabulary(connection: Connection, show_id: UUID, *, is_public: bool) -> Vocabulary:
    """Return all words, or those that everybody may read."""
    c = search_vocabulary.c
    query = select(c.word, c.episode_count).where(c.show_id == show_id, c.is_public == is_public)
    return Vocabulary({row.word: row.episode_count for row in connection.execute(query)})


def _values(show_id: UUID, body: str, bodies: list[str]) -> Iterator[dict[str, object]]:
    words = {True: public_words(body, bodies), False: vocabulary_words([body, *bodies])}
    for is_public, counted in words.items():
        yield {"show_id": show_id, "is_public": is_public, "words": json.dumps(sorted(counted))}


def _corrected_part(part: str, nearest: Mapping[str, str | None]) -> str:
    pieces = split_words(part)
    pieces[1::2] = [nearest.get(fold_word(word)) or word for word in pieces[1::2]]
    return "".join(pieces)


def _is_counted(word: str) -> bool:
    return len(word) >= SHORTEST_WORD and word.isalpha() and not is_spaceless(word)
