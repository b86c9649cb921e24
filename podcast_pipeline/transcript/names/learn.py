"""Learn glossary entries for later episodes from corrections of names."""

from collections.abc import Iterable

from podcast_pipeline.config import TermTable
from podcast_pipeline.transcript.edits.record import Edit, WordEdit
from podcast_pipeline.transcript.names.glossary import MAX_TERM_WORDS, Glossary, split_affixes
from podcast_pipeline.transcript.names.matching import letters_of, spelling_similarity
from podcast_pipeline.transcript.names.word_lists import is_ordinary

ALIKE = 0.4  # share of letters in common of another spelling; less is a rewrite


def learn_terms(edits: Iterable[Edit], glossary: Glossary) -> tuple[TermTable, ...]:
    """Return the names that people wrote in place of similar words, in order, each once.

    Names of the glossary are left out. The engine's words become `sounds_like`, unless they are ordinary
    words.
    """
    known = {letters_of(name) for name in glossary.names}
    found: dict[str, dict[str, None]] = {}
    for edit in edits:
        name, original = _name(edit)
        if (
            name
            and letters_of(name) not in known
            and spelling_similarity(letters_of(name), letters_of(original)) >= ALIKE
        ):
            ordinary = all(is_ordinary(word, language=glossary.language) for word in original.split())
            found.setdefault(name, {}).update({} if ordinary else {original: None})
    return tuple(TermTable(name=name, sounds_like=tuple(sounds)) for name, sounds in found.items())


def _name(edit: Edit) -> tuple[str, str]:
    """Return the written name and the words it replaced; both empty if the edit is not about a name."""
    if not isinstance(edit, WordEdit):
        return "", ""
    words = [split_affixes(word)[1] for word in edit.written.split()]
    original = " ".join(split_affixes(word)[1] for word in edit.site.heard.split())
    is_name = 0 < len(words) <= MAX_TERM_WORDS and all(word[:1].isupper() for word in words)
    return (" ".join(words), original) if is_name and original else ("", "")
