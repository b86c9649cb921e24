"""Name corrections a person made, as glossary entries for the next episodes."""

from collections.abc import Iterable

from podcast_pipeline.config import TermTable
from podcast_pipeline.transcript.edits.record import Edit, WordEdit
from podcast_pipeline.transcript.names.glossary import MAX_TERM_WORDS, Glossary, split_affixes
from podcast_pipeline.transcript.names.matching import letters_of, spelling_similarity
from podcast_pipeline.transcript.names.word_lists import is_ordinary

ALIKE = 0.4  # letters in common by which a correction is another spelling, not another thought


def learn_terms(edits: Iterable[Edit], glossary: Glossary) -> tuple[TermTable, ...]:
    """Return the names that people wrote in place of what sounded like them, in order, each once.

    Only what the glossary does not know; what the engine wrote instead becomes its `sounds_like`, unless
    those are ordinary words.
    """
    known = {letters_of(name) for name in glossary.names}
    found: dict[str, dict[str, None]] = {}
    for edit in edits:
        name, heard = _name(edit)
        if (
            name
            and letters_of(name) not in known
            and spelling_similarity(letters_of(name), letters_of(heard)) >= ALIKE
        ):
            plain = all(is_ordinary(word, language=glossary.language) for word in heard.split())
            found.setdefault(name, {}).update({} if plain else {heard: None})
    return tuple(TermTable(name=name, sounds_like=tuple(heard)) for name, heard in found.items())


def _name(edit: Edit) -> tuple[str, str]:
    """Return the name that was written and what it replaced; empty where it is no name."""
    if not isinstance(edit, WordEdit):
        return "", ""
    words = [split_affixes(word)[1] for word in edit.written.split()]
    heard = " ".join(split_affixes(word)[1] for word in edit.site.heard.split())
    named = 0 < len(words) <= MAX_TERM_WORDS and all(word[:1].isupper() for word in words)
    return (" ".join(words), heard) if named and heard else ("", "")
