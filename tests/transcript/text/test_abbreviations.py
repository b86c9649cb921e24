"""Abbreviations and ordinals: texts of five languages, parted where a person parts them."""

from itertools import pairwise

import pytest

from podcast_pipeline.transcript.text.abbreviations import ABBREVIATIONS, TITLES, is_abbreviation
from podcast_pipeline.transcript.text.sentences import ends_sentence, has_end_mark


def sentences(text: str, language: str) -> str:
    """Return the text with | at the end of each sentence but the last."""
    words = text.split()
    ends = [ends_sentence(word, following, language=language) for word, following in pairwise(words)]
    return " ".join(f"{word} |" if end else word for word, end in zip(words, [*ends, False], strict=True))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Am 3. Oktober 1990 war es soweit. | Der 1. Vorsitzende kam am 15. Mai. | Es war kalt."),
        ("de", "Die 5. Strafkammer tagt in Zimmer Nr. 7. | Das kostet ca. 5 Euro, s. S. 12 und Abs. 3."),
        ("de", "Er wurde 15. | Dann ging er. | Es waren 80. | Die anderen blieben."),
        ("de", "Das gilt z. B. Wien oder z.B. Graz usw. | Aber nicht hier. | Ludwig XIV. König war er."),
        ("de", "Frau Prof. Dr. Meier und Hr. Huber kamen. | Fr. Kunz blieb. | Herr K. | Danach ging er."),
        ("en", "We met Sen. Warren, Gov. Lee and Rep. Diaz at No. 10 Downing Street. | Then we left."),
        ("en", "Was it true? | He said no. | Ten people heard it. | See Fig. 3 and vol. II of it."),
        ("en", "J. K. Rowling and George H. W. Bush met Martin Luther King Jr. | He spoke first."),
        ("en", "We live in the U.S. | The weather is fine. | The U.S. Senate met at St. Giles."),
        ("en", "So do I. | Mary left. | I. M. Pei built it. | Nobody asked me. | Mr. No did."),
        (
            "en",
            "The score was 3. | Mary won. | Apple Inc. 20 years later. | Cats, dogs, etc. | Obama agreed.",
        ),
        ("en", "He met Elizabeth II. | Then he took vitamin C. | He was well."),
        (
            "en",
            "The poster says am 3. Oktober in Wien. | There were 3. | August came. | It was a gem. | We won.",
        ),
        ("de", "Er zahlte 2,5 Mio. Euro gem. § 5 und wg. Betrugs 3 Mrd. | Das war viel."),
        ("fr", "M. Le Pen et Mme. Royal ont vu Me. Dupont. | Elle dort."),
        ("fr", "Voir p. 12 et l'art. 5. | Puis il part."),
        ("fr", "En 52 av. J.-C. César gagne. | Louis XIV. | Il règne. | MM. Dupont et Durand, env. 5 euros."),
        ("fr", "Il y en a 5. | Mai est fini. | Le St. Bernard. | Prends le plan B. | Il marche."),
        ("es", "El Sr. García y la Sra. Del Río viven en EE. UU. | El Dr. Ruiz no. | ¿Y Ud. Qué dice?"),
        ("es", "Véase pág. 12, núm. 3. | Fueron 7. | María llegó. | D. Juan vive en la Avda. Mayor."),
        ("pt", "O Sr. Silva e a Sra. Costa moram na Av. Paulista. | O Dr. Lima e o Prof. Reis também."),
        ("pt", "Ver pág. 12 e o art. 5. | Eram 9. | Maria chegou. | Viva nos E.U.A. | O tempo é bom."),
        ("no", "Det var den 17. Mai på Hr. Olsens gård. | Han var 15. | Kari var 12."),
        ("cs", "Bylo 5. Května večer. | Bylo jich 12. | Potom odešli."),
    ],
)
def test_sentences_end_where_a_person_ends_them(language: str, text: str) -> None:
    """Neither abbreviations nor ordinals end a sentence, and a sentence that ends with one ends."""
    assert sentences(text.replace("| ", ""), language) == text


@pytest.mark.parametrize("word", sorted(ABBREVIATIONS | TITLES))
def test_abbreviations_in_any_case(word: str) -> None:
    """A full stop shortens these words, however they are written; their end mark is one all the same."""
    for text in (f"{word}.", f"{word.capitalize()}.", f"({word.upper()}."):
        assert is_abbreviation(text, "Wu")
        assert has_end_mark(text)
    assert not is_abbreviation(word)
    assert not is_abbreviation(f"{word}!")


def test_the_language_may_have_a_region() -> None:
    """The rules of de are those of de-AT."""
    assert is_abbreviation("5.", "Strafkammer", language="de-AT")
    assert not is_abbreviation("5.", "Strafkammer", language="en-GB")
