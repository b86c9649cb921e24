"""The public fields of a folder and of the catalog, their merge, and their place in episode.toml."""

import tomllib
from uuid import UUID

import pytest

from podcast_pipeline.episodes.conflict_markers import mark_conflicts, marker_line
from podcast_pipeline.episodes.public_fields import (
    digests,
    draft_fields,
    merge_fields,
    show_difference,
    with_fields,
)
from podcast_pipeline.episodes.table_edit import set_keys
from podcast_pipeline.model import EpisodeDraft, Person, Timeline

TOML = """# Never change
id = "x"
title = "A" # my title

[[chapters]]
start_s = 0.0 # the begin
title = "one"

# second
[[chapters]]
start_s = 10.5
title = "two"
"""


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "taken", "conflicts"),
    [
        (1, 1, 1, [], []),
        (1, 2, 1, [], []),
        (1, 1, 2, ["season"], []),
        (1, 2, 2, [], []),
        (1, 2, 3, [], ["season"]),
        (None, 1, 2, [], ["season"]),
        (None, 1, 1, [], []),
    ],
)
def test_a_field_is_taken_from_the_side_that_changed_it(
    base: int | None, ours: int, theirs: int, taken: list[str], conflicts: list[str]
) -> None:
    """What both changed differently, or what nobody knows, is a conflict."""
    known = digests({"season": base}) if base else None
    merge = merge_fields(known, {"season": ours}, {"season": theirs})
    assert (list(merge.taken), [one.name for one in merge.conflicts]) == (taken, conflicts)


def test_another_recording_is_never_taken() -> None:
    """The store has no recording to take."""
    fields = [{"source_sha256": letter * 64} for letter in "ab"]
    merge = merge_fields(digests(fields[0]), *fields)
    assert (merge.taken, [one.name for one in merge.conflicts]) == ({}, ["source_sha256"])


def test_keys_are_set_and_comments_stay() -> None:
    """New keys stand before the tables, a table that stays keeps its comments, None removes a key."""
    chapters = [{"start_s": 0.0, "title": "one"}, {"start_s": 12.0, "title": "new"}]
    text = set_keys(TOML, {"title": "B", "season": 3, "chapters": chapters})
    assert 'title = "B" # my title\nseason = 3\n' in text
    assert "start_s = 0.0 # the begin\n" in text
    assert 'start_s = 12.0\ntitle = "new"\n' in text
    assert "two" not in text
    assert set_keys(text, {"season": None, "chapters": []}).strip().endswith('title = "B" # my title')


@pytest.mark.parametrize(
    "begin",
    ['guests = ["Bo"]\n[[chapters]]\nstart_s = 0\n', '[[guests]]\nname = "Bo"\n[[chapters]]\nstart_s = 0\n'],
    ids=["names", "tables"],
)
def test_persons_with_addresses_are_written_beside_names(begin: str) -> None:
    """The list stays before the tables, or stays tables; what follows stays where it was."""
    cy = {"name": "Cy", "url": "https://cy.example"}
    read = tomllib.loads(set_keys(begin, {"guests": ["Bo", cy]}))
    assert [guest if isinstance(guest, dict) else {"name": guest} for guest in read["guests"]] == [
        {"name": "Bo"},
        cy,
    ]
    assert read["chapters"] == [{"start_s": 0}]


def test_a_guests_address_goes_from_one_producer_to_the_other() -> None:
    """An address is part of the field: who adds one, and who takes one away, is merged."""
    plain, linked = Person(name="Bo", role="guest"), Person(name="Bo", role="guest", url="https://b.example")
    ours, theirs = (
        tiny_draft().model_copy(update={"persons": (bo,), "source_sha256": "a" * 64})
        for bo in (plain, linked)
    )
    fields = [draft_fields(draft, Timeline()) for draft in (ours, theirs)]
    assert fields[1]["guests"] == [{"name": "Bo", "url": "https://b.example"}]
    assert with_fields(ours, merge_fields(digests(fields[0]), *fields).taken).persons == (linked,)
    assert with_fields(theirs, merge_fields(digests(fields[1]), *reversed(fields)).taken).persons == (plain,)


def test_addresses_of_an_imported_episode_are_its_old_feeds() -> None:
    """They are no difference from the folder, which has the names only."""
    linked = tiny_draft().model_copy(
        update={"persons": (Person(name="Bo", role="guest", url="https://b.example"),)}
    )
    assert draft_fields(linked, Timeline())["guests"] == ["Bo"]


def test_both_texts_stand_between_markers() -> None:
    """Equal lines stand once."""
    marked = mark_conflicts("a\nb\nc\n", "a\nx\nc\n")
    assert marked == "a\n<<<<<<< here\nb\n=======\nx\n>>>>>>> published\nc\n"
    assert (marker_line(marked), marker_line("Title\n=======\n")) == (2, None)


def test_of_long_values_the_difference_is_shown() -> None:
    """A line of a person's screen holds both values."""
    ours, theirs = (
        "First line of some length that is the same.\nmine",
        "First line of some length that is the same.\nyours",
    )
    assert show_difference(ours * 1 + "\n" + "x" * 80, theirs + "\n" + "x" * 80) == ("“mine”", "“yours”")
    assert show_difference(None, 3) == ("empty", "“3”")
    assert show_difference(["Ann", "Bo"], ["Ann"]) == ("“Bo”", "“Ann”")


def test_a_base_of_before_hosts_knows_that_there_were_none() -> None:
    """Hosts that one side has added are taken from there, though an older base.json has no digest of them."""
    base, none, own = digests({"season": 1}), {"season": 1, "hosts": []}, {"season": 1, "hosts": ["Ann"]}
    assert merge_fields(base, none, own).taken == {"hosts": ["Ann"]}
    merge = merge_fields(base, own, none)
    assert (merge.taken, merge.conflicts) == ({}, ())


def test_hosts_and_guests_are_taken_apart() -> None:
    """A person keeps the link that the draft knows; the other role's persons stay."""
    ann, bo = Person(name="Ann", role="host", url="https://a.example"), Person(name="Bo", role="guest")
    draft = tiny_draft().model_copy(update={"persons": (ann, bo)})
    assert with_fields(draft, {"hosts": ["Cy", "Ann"]}).persons == (Person(name="Cy", role="host"), ann, bo)
    assert with_fields(draft, {"guests": []}).persons == (ann,)
    assert with_fields(draft, {"title": "B"}).persons == (ann, bo)


def tiny_draft() -> EpisodeDraft:
    """Return a draft with nothing but what it needs."""
    number = UUID("10000000-0000-4000-8000-000000000001")
    return EpisodeDraft(id=number, guid="g", slug="a", title="A", language="en")
