"""Stems of words in the languages that Snowball has. Pure.

A text's words are indexed as they are, and beside them the stems that differ from their word, as `en§poison`:
the stem with its language before it. So `poison` finds poisoning, and a language without a stemmer has none.
"""

from collections.abc import Iterable, Set
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

import snowballstemmer

from podcast_pipeline.search.normalize import CACHED_WORDS, fold_word

STEM_MARK = "§"  # between a language and a stem; in no word
SHORTEST_STEMMED = 3  # characters
ALGORITHMS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""Language -> its Snowball algorithm."""


CHANGES_BEGINNINGS = frozenset({"ar", "eo", "fa", "ga", "id", "nl", "sr", "st", "ta", "tr", "yi"})
"""The languages in which a stem may begin with another letter than its word."""


def stem_language(tag: str) -> str | None:
    """Return the language of a tag like "pt-BR", or None if it has no stemmer."""
    language = tag.split("-")[0].lower()
    return language if language in ALGORITHMS else None


def stem_tokens(words: Iterable[str], language: str | None) -> Iterable[str]:
    """Return the stems to index for words as written, in order, each once.

    Args:
        language: of `stem_language`; None gives no stems.
    """
    if language is None:
        return ()
    return dict.fromkeys(token for word in words for token in _tokens(word, language))


def query_stems(word: str, languages: Iterable[str]) -> tuple[str, ...]:
    """Return what finds the other forms of a word: its stems as indexed, and as words themselves."""
    found: dict[str, None] = {}
    for language in languages:
        for stem in word_stems(word, language):
            found |= {f"{language}{STEM_MARK}{stem}": None, stem: None}
    found.pop(fold_word(word), None)
    return tuple(found)


def has_stem(word: str, stems: Set[str], languages: Iterable[str]) -> bool:
    """Return whether a word as written has one of some folded stems in one of the languages."""
    folded = fold_word(word)
    beginnings = {stem[0] for stem in stems}
    return folded in stems or any(
        not stems.isdisjoint(word_stems(word, language))
        for language in languages
        if folded[0] in beginnings or language in CHANGES_BEGINNINGS  # a tenth of the words, or fewer
    )


@lru_cache(CACHED_WORDS)
def word_stems(word: str, language: str) -> tuple[str, ...]:
    """Return the folded stems of a word: as it is written, and without its accents, as some type it."""
    folded = fold_word(word)
    if len(folded) < SHORTEST_STEMMED or not folded.isalpha():
        return ()
    # a stemmer has a state, and several threads search
    stem = _stemmer_class(ALGORITHMS[language])().stemWord
    stems = (fold_word(stemmed) for form in {word.lower(): None, folded: None} if (stemmed := stem(form)))
    return tuple(dict.fromkeys(stems))


@cache
def _stemmer_class(algorithm: str) -> Any:
    """Return a stemmer in Python: the package's own choice is PyStemmer where that happens to be installed.

    Servers share one index, and must have the stems of one version.
    """
    module = import_module(f"{snowballstemmer.__name__}.{algorithm}_stemmer")
    return getattr(module, f"{algorithm.title()}Stemmer")


@lru_cache(CACHED_WORDS)
def _tokens(word: str, language: str) -> tuple[str, ...]:
    folded = fold_word(word)
    return tuple(f"{language}{STEM_MARK}{stem}" for stem in word_stems(word, language) if stem != folded)
