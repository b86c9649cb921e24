"""Which language is spoken when: changes are found, moments that sound foreign are none."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from podcast_pipeline.transcription.decode import Samples
from podcast_pipeline.transcription.stretches import (
    LanguageStretch,
    StretchFinder,
    cut_in_pause,
    likeliest_places,
    main_language,
    split_at_changes,
)
from podcast_pipeline.transcription.vad import FRAME_SAMPLES
from podcast_pipeline.transcription.windows import FRAMES_PER_S, SpeechWindow

PAUSE = 10  # frames
LETTERS = {"e": 0.0, "f": 1.0}


def window(spoken: str, *, first_s: float = 0.0) -> SpeechWindow:
    """Return a window in which each letter is a second of e(nglish) or f(rench), and each "_" a pause."""
    samples, speech = [], []
    for letter in spoken:
        frames = PAUSE if letter == "_" else int(FRAMES_PER_S)
        samples.append(np.full(frames * FRAME_SAMPLES, LETTERS.get(letter, 0.5), np.float32))
        speech.append(np.full(frames, letter != "_", np.float32))
    first_sample = int(first_s * FRAMES_PER_S) * FRAME_SAMPLES
    return SpeechWindow(first_sample, np.concatenate(samples), np.concatenate(speech))


def detect(windows: Sequence[Samples]) -> list[Mapping[str, float]]:
    """Return the share of each language, and something for a third one."""
    shares = [float((one == 1).sum() / ((one != 0.5).sum() or 1)) for one in windows]
    return [{"en": (1 - share) * 0.9, "fr": share * 0.9, "nn": 0.1} for share in shares]


def found(*windows: SpeechWindow) -> list[tuple[str, float]]:
    """Return (language, first second) of each stretch."""
    finder = StretchFinder(("en", "fr"), detect, workers=2, batch_size=3)
    stretches = finder.find(iter(windows))
    return [(s.language, round(s.first_sample / FRAME_SAMPLES / FRAMES_PER_S, 1)) for s in stretches]


def test_a_change_between_windows() -> None:
    """Each window is heard as a whole."""
    first, second = window("eeeee_eeeee"), window("fffff_fffff", first_s=20)
    assert found(first, second, window("eeeeee", first_s=40)) == [("en", 0), ("fr", 20), ("en", 40)]


def test_a_change_inside_a_window_is_at_its_pause() -> None:
    """The pieces of a mixed window are cut where the language changes, not where a piece would end."""
    assert found(window("eeee_ee_fff_ffff")) == [("en", 0), ("fr", pytest.approx(6.4, abs=0.2))]
    assert found(window("ffff_ff_eeeeee_eee")) == [("fr", 0), ("en", pytest.approx(6.4, abs=0.2))]


@pytest.mark.parametrize("moment", ["eeeee_f_eeeee", "eeeee_ff_eeeee", "eeeeeffeeeeee"])
def test_a_moment_that_sounds_foreign_is_no_stretch(moment: str) -> None:
    """A name, a laugh, a quotation of a word or two stays in the language around it."""
    assert found(window(moment)) == [("en", 0)]


def test_a_short_window_that_sounds_foreign_is_no_stretch() -> None:
    """A second alone, between long pauses, is not enough either."""
    alone = window("f", first_s=20)
    assert found(window("eeeee"), alone, window("eeeee", first_s=40)) == [("en", 0)]


def test_a_sentence_is_a_stretch() -> None:
    """Five seconds between English are French."""
    assert [language for language, _ in found(window("eeeeee_fffff_eeeeee"))] == ["en", "fr", "en"]


def test_a_sentence_before_a_short_end_is_a_stretch() -> None:
    """What is left of a window after a cut may be shorter than two pieces, and is cut, too."""
    languages = [language for language, _ in found(window("eeeeeeeee_fffff_eee"))]
    assert languages == ["en", "fr", "en"]


def test_a_long_language_hides_no_sentence_of_another_one() -> None:
    """Whisper is sure by 0.996 of the language that most of its sound is in, and surer only of pure sound."""

    def majority(windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        shares = [float((one == 1).sum() / (one != 0.5).sum()) for one in windows]
        sure = [0.9999 if share in (0, 1) else 0.996 for share in shares]
        return [
            {"fr": one, "en": 1 - one} if share > 0.5 else {"en": one, "fr": 1 - one}
            for share, one in zip(shares, sure, strict=True)
        ]

    finder = StretchFinder(("en", "fr"), majority, workers=1, batch_size=3)
    stretches = finder.find(
        iter([window("eeeeeeeeeeee_fffff_eeeeeeee"), window("eeee_fff_eeee", first_s=40)])
    )
    assert [stretch.language for stretch in stretches] == ["en", "fr", "en", "fr", "en"]


def test_a_window_is_cut_in_its_longest_pause() -> None:
    """A pause that was shortened counts with what was left out of it."""
    whole, middle = window("eeee_eeee_eeee"), len(window("eeee_eeee").speech) + PAUSE // 2
    shortened = SpeechWindow(0, whole.samples, whole.speech, skips=((middle, 30),))
    assert [len(cut_in_pause(one)[0].speech) for one in (whole, shortened)] == [
        len(window("eeee").speech) + PAUSE // 2,
        middle,
    ]


def test_a_part_in_one_language_is_heard_once() -> None:
    """Each detection takes as long as that of half a minute."""
    heard: list[int] = []

    def counted(windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        heard.append(len(windows))
        return detect(windows)

    finder = StretchFinder(("en", "fr"), counted, workers=1, batch_size=9)
    assert len(finder.find(iter([window("eeee_eeee_eeee"), window("e" * 25, first_s=30)]))) == 1
    assert sum(heard) == 2


def test_where_both_sides_are_sure_no_other_place_is_tried() -> None:
    """Each detection takes as long as that of half a minute."""
    heard: list[int] = []

    def counted(windows: Sequence[Samples]) -> list[Mapping[str, float]]:
        heard.append(len(windows))
        return [{"en": float(one.max() < 1), "fr": float(one.max() == 1)} for one in windows]

    finder = StretchFinder(("en", "fr"), counted, workers=1, batch_size=9)
    assert len(finder.find(iter([window("eeee_eeee"), window("ffff_ffff", first_s=20)]))) == 2
    assert sum(heard) == 2


def test_no_speech_has_no_stretches() -> None:
    """Nothing is detected where there are no windows."""
    assert found() == []
    assert likeliest_places([], []) == []


def test_changes_cost() -> None:
    """Of weak signs only those that last make a stretch."""
    weak, other = (-0.3, -1.3), (-1.3, -0.3)
    assert likeliest_places([weak, other, weak], [1, 1, 1]) == [0, 0, 0]
    lasting = [weak, weak, *[other] * 4, weak, weak]
    assert likeliest_places(lasting, [1] * 8) == [0, 0, 1, 1, 1, 1, 0, 0]


def test_both_parts_of_a_window_are_whole() -> None:
    """They are the window, in order, and none is too short."""
    whole = window("ee_eee_e_eeee_e_eeeee_ee")
    parts = cut_in_pause(whole)
    assert np.array_equal(np.concatenate([part.samples for part in parts]), whole.samples)
    assert cut_in_pause(window("ee_ee")) == ()


def test_windows_are_cut_at_changes() -> None:
    """A window with a change becomes two, which have their language and keep every sample."""
    whole = window("eeee_ee_fff_ffff", first_s=10)
    change = whole.first_sample + 210 * FRAME_SAMPLES
    stretches = [LanguageStretch(0, "en", 9.0), LanguageStretch(change, "fr", 5.0)]
    first, second = split_at_changes([whole], stretches)
    assert (first.language, second.language) == ("en", "fr")
    assert second.first_sample == change
    assert np.array_equal(np.concatenate([first.samples, second.samples]), whole.samples)
    assert main_language(stretches) == "en"
