"""Two producers edit, publish and pull in any order: no edit is lost or undone without a word."""

import shutil
import tempfile
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import tomlkit
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from podcast_pipeline import Context
from podcast_pipeline.errors import MergeError
from podcast_pipeline.pipeline import publish as publishing
from podcast_pipeline.pipeline.commit import CatalogUpdate, commit
from tests.support.producers import Producer, two_producers
from tests.support.show import ShowFolder

WORDS = tuple(f"w{number}" for number in range(16))
SPEAKERS = ("S0", "S1")
PLAIN = ("title", "season", "topics", "guests")
FIELDS = (*PLAIN, "notes", "chapters")
CELLS = (*WORDS, *SPEAKERS, *FIELDS)
GONE = ""

Cells = dict[str, Any]


class Crash(BaseException):
    """The process was killed."""


class TwoProducers(RuleBasedStateMachine):
    """The producers' folders, the store, and a model of what each of them has."""

    origin: ShowFolder

    @initialize()
    def begin(self) -> None:
        """Begin with two folders that are equal to what is published."""
        self.folder = Path(tempfile.mkdtemp())
        self.producers = two_producers(self.origin, self.folder / "show")
        first = published_cells(self.producers[0])
        self.published: Cells = first
        self.here: list[Cells] = [dict(first), dict(first)]
        self.base: list[Cells] = [dict(first), dict(first)]
        self.number = 0
        self.killed = [False, False]

    def teardown(self) -> None:
        """Remove the folders."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _new(self) -> int:
        self.number += 1
        return self.number

    @rule(
        who=st.integers(0, 1),
        cells=st.lists(st.sampled_from(CELLS), max_size=3, unique=True),
        kind=st.sampled_from(("new", "new", "new", "gone", "undone", "alike")),
        then=st.sampled_from(("publish", "publish", "be killed", "pull, ours", "pull, theirs", "wait")),
    )
    def work(self, who: int, cells: list[str], kind: str, then: str) -> None:
        """Edit some places; then publish, be killed while publishing, pull, or neither.

        One rule, since hypothesis leaves out some rules of a machine in each example.
        """
        self._edit_cells(who, cells, kind)
        if then in ("publish", "be killed"):
            self._publish(who, killed=then == "be killed")
        elif then != "wait":
            self._pull(who, ours=then == "pull, ours")

    def _edit_cells(self, who: int, cells: list[str], kind: str) -> None:
        """Change words, names or fields in one folder, or in both alike."""
        number = self._new()
        for cell in cells:
            for one in (0, 1) if kind == "alike" else (who,):
                self._edit(one, cell, kind, number)

    def _edit(self, who: int, cell: str, kind: str, number: int) -> None:
        producer, here = self.producers[who], self.here[who]
        if cell not in WORDS:
            value = f"Name{number}{cell}" if cell in SPEAKERS else new_value(cell, number)
            write = producer.name_speaker if cell in SPEAKERS else partial(write_field, producer)
            write(cell, value)
        elif here[cell] == GONE:
            return
        else:
            value = {"gone": GONE, "undone": cell}.get(kind, f"{cell}x{number}")
            producer.correct(here[cell], value)
        here[cell] = value

    def _conflicts(self, who: int) -> set[str]:
        here, base = self.here[who], self.base[who]
        return {
            cell
            for cell, value in self.published.items()
            if value != here[cell] and value != base[cell] and here[cell] != base[cell]
        }

    def _may_be_refused(self, who: int) -> bool:
        """A word deleted beside another side's edit has no sure place; a killed run may not know its own."""
        if self.killed[who]:
            return True
        cells = (self.here[who], self.published)
        return any(cell[word] == GONE != self.base[who][word] for cell in cells for word in WORDS)

    def _take(self, who: int) -> None:
        here, base = self.here[who], self.base[who]
        for cell, value in self.published.items():
            if here[cell] == base[cell]:
                here[cell] = value

    def _publish(self, who: int, *, killed: bool) -> None:
        conflicts = self._conflicts(who)
        with pytest.MonkeyPatch.context() as patch:
            if killed:
                patch.setattr(publishing, "commit", commit_and_crash)
            try:
                self.producers[who].publish()
            except MergeError:
                assert conflicts or self._may_be_refused(who)
                return
            except Crash:
                pass
        assert not conflicts
        self._take(who)
        self.published = dict(self.here[who])
        self.base[who] = dict(self.published)  # a killed run has written what it was about to publish
        self.killed[who] = killed

    def _pull(self, who: int, *, ours: bool) -> None:
        conflicts = self._conflicts(who)
        result = self.producers[who].pull()
        assert result.conflicts or not conflicts
        assert not result.conflicts or conflicts or self._may_be_refused(who)
        self.producers[who].resolve(ours=ours)
        for cell in conflicts if not ours else ():
            self.here[who][cell] = self.published[cell]
        self._take(who)
        if result.conflicts and self._may_be_refused(who):  # which neighbours a conflict has is not modelled
            self.here[who] = {**self.here[who], **folder_cells(self.producers[who])}
        self.base[who] = dict(self.published)

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        """What is published has every edit."""
        if hasattr(self, "published"):
            assert published_cells(self.producers[0]) == self.published


def commit_and_crash(context: Context, update: CatalogUpdate) -> None:
    """Publish, and be killed before base.json says so."""
    commit(context, update)
    raise Crash


def new_value(field: str, number: int) -> Any:
    if field == "season":
        return number
    if field == "chapters":
        return [(0.0, f"chapter {number}"), (float(number), "end")]
    return [f"{field} {number}"] if field in ("guests", "topics") else f"{field} {number}"


def write_field(producer: Producer, field: str, value: Any) -> None:
    if field == "notes":
        (producer.folder / "notes.md").write_text(f"{value}\n", encoding="utf-8")
        return
    document = tomlkit.parse(producer.text("episode.toml"))
    if field == "chapters":
        tables = tomlkit.aot()
        for start_s, title in value:
            tables.append(tomlkit.item({"start_s": start_s, "title": title}))
        value = tables
    document[field] = value
    (producer.folder / "episode.toml").write_text(tomlkit.dumps(document), encoding="utf-8")


def published_cells(producer: Producer) -> Cells:
    """Return what is published, cell by cell."""
    episode, turns = producer.episode, producer.published_turns
    names = {"S0": turns[0][0], "S1": next(name for name, text in turns if text.startswith("Indeed"))}
    fields = {
        "title": episode.title,
        "season": episode.season,
        "topics": list(episode.topics),
        "guests": [person.name for person in episode.persons],
        "notes": episode.notes.strip(),
        "chapters": [(chapter.start_s, chapter.title) for chapter in episode.chapters],
    }
    return {**fields, **names, **word_cells(producer.published_text)}


def folder_cells(producer: Producer) -> Cells:
    """Return the state of a folder, cell by cell."""
    text, table = producer.text(), tomllib.loads(producer.text("episode.toml"))
    lines = (line.split(": ") for line in text.splitlines() if line.startswith("  S"))
    fields = {
        **{name: table.get(name, [] if name == "topics" else None) for name in PLAIN},
        "notes": producer.text("notes.md").strip(),
        "chapters": [(chapter["start_s"], chapter["title"]) for chapter in table["chapters"]],
    }
    return {**fields, **{speaker.strip(): name for speaker, name in lines}, **word_cells(text)}


def word_cells(text: str) -> Cells:
    found = {word.strip(".,").partition("x")[0]: word.strip(".,") for word in text.split()}
    return {word: found.get(word, GONE) for word in WORDS}


@pytest.mark.parametrize(
    "examples", [pytest.param(5, id="5"), pytest.param(200, marks=pytest.mark.soak, id="all-200")]
)
def test_no_edit_is_lost_or_undone_without_a_word(origin: ShowFolder, examples: int) -> None:
    """What one changed is published with the other's changes, what both changed is refused until decided."""
    machine = type("Machine", (TwoProducers,), {"origin": origin})
    checks = list(HealthCheck)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=checks,
            derandomize=True,
            phases=(Phase.generate,),
            print_blob=False,
        ),
    )
