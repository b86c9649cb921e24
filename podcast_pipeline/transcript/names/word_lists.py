"""Word lists by language: ordinary words, numbers, negations."""

from collections.abc import Mapping
from functools import cache

USUAL_ZIPF = 4.0
"""From ten in a million words on (America, Texas, Monday) an engine knows how a name is spelled."""

LANGUAGES = ("ar", "de", "en", "es", "eu", "fr", "it", "lv", "nl", "pt", "ru")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


NUMBERS: dict[str, frozenset[str]] = {
    "en": word_set(
        "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
        " million billion trillion percent half third quarter dozen january february march april june july"
        " august september october november december monday tuesday wednesday thursday friday saturday"
        " sunday"
    ),
    "fr": word_set(
        "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente"
        " quarante cinquante soixante cent mille million milliard pourcent janvier février mars avril mai"
        " juin juillet août septembre octobre novembre décembre"
    ),
    "pt": word_set(
        "dois duas três quatro cinco seis sete oito nove dez onze doze treze catorze quinze vinte trinta"
        " quarenta cinquenta cem cento mil milhão bilhão janeiro fevereiro março abril maio junho julho"
        " agosto setembro outubro novembro dezembro"
    ),
}
NEGATIONS: dict[str, frozenset[str]] = {
    "en": word_set("no not never none nobody nothing neither nor without cannot"),
    "fr": word_set("ne pas jamais rien personne aucun aucune sans non"),
    "pt": word_set("não nunca jamais nada ninguém nenhum nenhuma sem"),
}


def words_in_language(tables: Mapping[str, frozenset[str]], language: str) -> frozenset[str]:
    """Return the words of a language, BCP 47, of a table; none for a language that it has not."""
    return tables.get(language.split("-")[0].lower(), frozenset())


@cache
def ordinary_words(language: str) -> frozenset[str]:
    """Return the ordinary words of a language in lower case, empty for a language without a list.

    Source: pyspellchecker's lists (film subtitles, cleaned); they leave out most names. wordfreq, which
        `spelling` uses, cannot replace them: it lacks 58,000 of the 160,000 English words, and above one
        in a million it has 2,800 others, many of them names.
    """
    code = language.split("-")[0].lower()
    if code not in LANGUAGES:
        return frozenset()
    from spellchecker import SpellChecker  # lazy: reading the lists takes time

    return frozenset(SpellChecker(language=code).word_frequency.words())


def is_usual(word: str, *, language: str) -> bool:
    """Return whether a word, a name too, is so frequent in a language that engines spell it right."""
    import wordfreq  # lazy: reading the list takes time

    code = language.split("-")[0].lower()
    if code not in wordfreq.available_languages("small"):
        return False
    plain = word.lower().replace("’", "'").removesuffix("'s").removesuffix("'")
    # a plain look-up: `zipf_frequency` wants MeCab or jieba to divide Japanese, Korean and Chinese
    frequency = wordfreq.get_frequency_dict(code, wordlist="small").get(plain, 0.0)
    return bool(frequency >= 10 ** (USUAL_ZIPF - 9))


def is_ordinary(word: str, *, language: str) -> bool:
    """Return whether a word is in its language's list; possessives and hyphenated words by their parts."""
    known = ordinary_words(language)
    plain = word.lower().replace("’", "'")
    stem = plain.removesuffix("'s").removesuffix("'")
    return bool(known) and (plain in known or stem in known or all(part in known for part in stem.split("-")))
