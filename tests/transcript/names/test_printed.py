"""Names as they are printed: misspelt guests and hosts, speakers without a name, strangers."""

import pytest

from podcast_pipeline.transcript.names.printed import (
    doubtful_speakers,
    is_placeholder,
    misspelt_names,
    nearly,
    rival_names,
)

PEOPLE = ("Eric Olander", "Ngozi Okonjo-Iweala", "Zsófia Kádár")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Ngozi Okonjo-Iwela", "Ngozi Okonjo-Iweala"),
        ("Erik Olander", "Eric Olander"),
        ("Okonjo-Iwela", "Ngozi Okonjo-Iweala"),
        ("Olender", "Eric Olander"),
        ("Eric Olander", None),
        ("Olander", None),
        ("Ngozi", None),
        ("Zsofia Kadar", None),  # accents alone are no misspelling to cry about
        ("eric olander", None),
        ("Angela Merkel", None),
        ("Erik", None),
        ("", None),
    ],
)
def test_near_misses_of_people(name: str, person: str | None) -> None:
    """A letter or two in a whole name, or in a long part of one, is a near miss."""
    assert nearly(name, PEOPLE) == person


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Speaker 2", True),
        ("Speeker 2", True),
        ("speaker12", True),
        ("Catch 22", False),
        ("Bob", False),
        ("Speaker", False),
    ],
)
def test_a_speaker_with_a_number_has_no_name(name: str, is_one: bool) -> None:
    """A number in place of a name is a placeholder, however it is spelled."""
    assert is_placeholder(name) is is_one


def test_speakers() -> None:
    """Each speaker is named once with what is odd about the name; guests and hosts are not."""
    names = ["Eric Olander", "Ngozi", "Erik Olander", "Speaker 2", "Bob", "Bob"]
    found = {doubt.text: (doubt.reason, doubt.suggestion) for doubt in doubtful_speakers(names, PEOPLE)}
    assert found == {
        "Erik Olander": ("is printed as the speaker and nearly Eric Olander", "Eric Olander"),
        "Speaker 2": ("is printed as the speaker; write the name under `speakers:`", None),
        "Bob": ("speaks and is neither a host in show.toml nor a guest in episode.toml", None),
    }


def test_the_title_and_the_guests() -> None:
    """A name in the title is compared with guests and hosts, and they are compared with each other."""
    (doubt,) = misspelt_names(["Africa", "Okonjo-Iwela"], PEOPLE, where="the title")
    assert (doubt.text, doubt.reason) == ("Okonjo-Iwela", "in the title is nearly Ngozi Okonjo-Iweala")
    (doubt,) = rival_names(["Eric Olander", "Ngozi", "Erik Olander"])
    assert (doubt.text, doubt.suggestion) == ("Erik Olander", "Eric Olander")
