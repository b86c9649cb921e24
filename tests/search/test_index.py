"""The index finds published episodes and nothing else, the same on both databases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select, text

from podcast_pipeline.audience.database.tables import search_passages
from podcast_pipeline.errors import StoreError
from podcast_pipeline.model import Person, Transcript, Withdrawal
from podcast_pipeline.search import SearchIndex, parse_query
from podcast_pipeline.search.ranking import EPISODES_PER_PAGE
from tests.support.search import NOW, episode_of, search
from tests.support.site import SHOW_ID, Site, transcript_of

ZONE = ZoneInfo("UTC")


@pytest.fixture
def index(engine: Engine) -> SearchIndex:
    """An empty index of the show."""
    return SearchIndex(engine, show_id=SHOW_ID)


def _transcript(*lines: str, duration_s: float = 60) -> Transcript:
    return transcript_of("\n".join(lines), duration_s=duration_s)


def _slugs(index: SearchIndex, query: str, *, include_transcripts: bool = True) -> list[str]:
    names = {uuid5(SHOW_ID, slug): slug for slug in ("one", "two", "three", "old", "new")}
    return [
        names[group.episode_id]
        for group in search(index, query, include_transcripts=include_transcripts).groups
    ]


EXPECTED = {
    "gauge": ["one"],
    "GÁUGE": ["one"],
    "cafe": ["two"],
    "Café": ["two"],
    "gauge river": ["one"],
    "gauge bread": [],
    '"moved uphill"': ["one"],
    '"uphill moved"': [],
    "upH*": ["one"],
    "uph": [],
    "don't": ["two"],
    '"the § river"': ["one"],
    "speaker:robin river": [],
    "speaker:ines river": ["one"],
    'speaker:"Ines Marchetti"': ["one"],
    "speaker:river": [],
    "marchetti river": [],
    "guest:Marchetti river": ["one"],
    "guest:Ashdown": [],
    "洪水": ["two"],
    "水洪": [],
    "s§ines": [],
}


def test_words_phrases_and_names(index: SearchIndex) -> None:
    """Every part of a query must hold in one passage; accents and case do not matter."""
    guest = Person(name="Inès Marchetti", role="guest")
    words = _transcript(
        "Robin: Who moved the gauge?", "Ines Marchetti: The river did, moved uphill. A gauge!"
    )
    index.index(episode_of("one", persons=(guest,)), words)
    index.index(episode_of("two"), _transcript("Robin: We don’t bake bread in the café. 洪水 is a flood."))
    assert {query: _slugs(index, query) for query in EXPECTED} == EXPECTED


HOSTILE = (
    '"', "'", "''; DROP TABLE subscribers; --", "a AND", "NOT", "OR OR", "NEAR(a b, 2)", "(((", "*", "^a",
    "a:b", "body:river",
    "-river", "river -", "{", "\\", "%", "\x00river", "\ud800", "'a':*", "a & | !b", "<->", "§",
    "river\u202e", "search_words", "a" * 5000, '"' * 300, "()" * 100, ":" * 200, "speaker:" * 30, "*" * 200,
)  # fmt: skip


def test_hostile_queries_are_plain_words(index: SearchIndex) -> None:
    """No query is an error or reaches the database's own query language."""
    index.index(episode_of("one"), _transcript("Robin: The river."))
    for include_transcripts in (True, False):
        found = {query: search(index, query, include_transcripts=include_transcripts) for query in HOSTILE}
        assert {query for query, answer in found.items() if answer.groups} <= {
            "-river",
            "river -",
            "\x00river",
            "river\u202e",
        }


def test_operators_are_words(index: SearchIndex) -> None:
    """An operator of FTS5 or PostgreSQL is searched as a word."""
    index.index(episode_of("one"), _transcript("Robin: Not the river and not the road."))
    assert _slugs(index, "river AND road") == ["one"]
    assert _slugs(index, "river OR boat") == []
    assert _slugs(index, "NOT river") == ["one"]


def test_a_hit_has_the_start_of_its_sentence(index: SearchIndex) -> None:
    """A passage's time is that of the sentence with the first match, not of the whole turn."""
    words = _transcript("Ann: First there was rain. Then the dam broke. Nobody came.", duration_s=110)
    index.index(episode_of("one"), words)
    (hit,) = search(index, "dam").groups[0].hits
    assert hit.start_s == words.segments[1].start_s
    assert hit.speaker == "Ann"
    assert "".join(span.text for span in hit.snippet.spans) == words.text
    assert [span.text for span in hit.snippet.spans if span.is_match] == ["dam"]


def test_a_snippet_shows_different_words_together(index: SearchIndex) -> None:
    """Of two places that match, the one where both words stand is shown, with the time of its sentence."""
    rain = " ".join(["It rained and rained on."] * 9)
    words = _transcript(f"Ann: A memo was lost. {rain} The memo named the river.", duration_s=110)
    index.index(episode_of("one"), words)
    (hit,) = search(index, "river memo").groups[0].hits
    assert [span.text for span in hit.snippet.spans if span.is_match] == ["memo", "river"]
    assert hit.start_s == words.segments[-1].start_s
    assert (hit.snippet.is_cut_before, hit.snippet.is_cut_after) == (True, False)


def test_snippets_are_pieces_of_text(index: SearchIndex) -> None:
    """Markup in a transcript stays text: a snippet is never HTML."""
    index.index(episode_of("one"), _transcript("Ann: He wrote <script>alert(1)</script> on the board."))
    (hit,) = search(index, "script").groups[0].hits
    assert [span.text for span in hit.snippet.spans] == [
        "He wrote <", "script", ">alert(1)</", "script", "> on the board.",
    ]  # fmt: skip


def test_titles_come_before_passing_mentions(index: SearchIndex) -> None:
    """A word in the title scores more than the same word once in a transcript."""
    index.index(episode_of("one", title="The flood"), _transcript("Ann: Nothing here."))
    index.index(episode_of("two", publish_at=NOW + timedelta(days=1)), _transcript("Ann: A flood once."))
    assert _slugs(index, "flood") == ["one", "two"]


def test_many_mentions_come_before_few(index: SearchIndex) -> None:
    """An episode about a subject comes before a newer one that mentions it once."""
    about = [f"{who}: The levee, part {n}." for n in range(9) for who in ("Ann", "Ben")]
    other = [f"{who}: The weather, part {n}." for n in range(9) for who in ("Ann", "Ben")]
    index.index(episode_of("old", publish_at=NOW - timedelta(days=900)), _transcript(*about))
    index.index(episode_of("new"), _transcript(*other, "Ann: A levee."))
    assert _slugs(index, "levee") == ["old", "new"]


def test_titles_come_before_guests_before_notes(index: SearchIndex) -> None:
    """The field of a match decides, and the date only among equals."""
    ben = (Person(name="Ben Flood", role="guest"),)
    index.index(episode_of("one", title="The flood", publish_at=NOW - timedelta(days=2)), None)
    index.index(episode_of("two", persons=ben, publish_at=NOW - timedelta(days=1)), None)
    index.index(episode_of("three", notes="About a flood."), None)
    index.index(episode_of("old", notes="About a flood.", publish_at=NOW - timedelta(days=900)), None)
    assert _slugs(index, "flood") == ["one", "two", "three", "old"]


def test_a_short_episode_comes_before_a_long_one(index: SearchIndex) -> None:
    """The same number of matching passages scores more in a shorter episode."""
    about = [f"{who}: The levee." for who in ("Ann", "Ben", "Ann")]
    other = [f"{who}: The weather." for _ in range(40) for who in ("Ben", "Ann")]
    index.index(episode_of("old", publish_at=NOW - timedelta(days=900)), _transcript(*about))
    index.index(episode_of("new"), _transcript(*about, *other))
    assert _slugs(index, "levee") == ["old", "new"]


def test_the_best_passages_are_shown(index: SearchIndex) -> None:
    """Of many passages, those with the words side by side, and more often, are shown."""
    lines = [f"{who}: It moved. A gauge, part {n}." for n in range(4) for who in ("Ann", "Ben")]
    index.index(
        episode_of("one"), _transcript(*lines, "Ann: The gauge moved.", "Ben: A gauge, a gauge! It moved.")
    )
    hits = search(index, "gauge moved", passages=2).groups[0].hits
    shown = ["".join(span.text for span in hit.snippet.spans) for hit in hits]
    assert shown == ["The gauge moved.", "A gauge, a gauge! It moved."]


def test_an_old_episode_alone_is_searched(index: SearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of one episode finds all its matches, however many newer ones match."""
    monkeypatch.setattr("podcast_pipeline.search.run_query.MAX_ROWS_RANKED", 2)
    index.index(episode_of("old", publish_at=NOW - timedelta(days=900)), _transcript("Ann: Rain."))
    index.index(episode_of("new"), _transcript("Ann: Rain.", "Ben: Rain.", "Ann: Rain."))
    assert _slugs(index, "rain") == ["new"]
    assert search(index, "rain").is_capped
    alone = frozenset({uuid5(SHOW_ID, "old")})
    assert index.search(parse_query("rain", ZONE), include_transcripts=True, episode_ids=alone).hit_count == 1


def test_dates_are_days_of_publication(index: SearchIndex) -> None:
    """`after:` and `from:` include their day, `before:` does not, `to:` does."""
    index.index(
        episode_of("old", publish_at=datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)),
        _transcript("Ann: Rain."),
    )
    index.index(episode_of("new", publish_at=datetime(2025, 1, 1, tzinfo=UTC)), _transcript("Ann: Rain."))
    assert _slugs(index, "rain after:2025") == ["new"]
    assert _slugs(index, "rain before:2025-01-01") == ["old"]
    assert _slugs(index, "rain to:2025-01-01") == ["new", "old"]
    assert _slugs(index, "from:2024 before:2025") == ["old"]


def test_without_words_only_public_text_counts(index: SearchIndex) -> None:
    """Title, notes and guests are found; a word of the transcript leaves no trace in the answer."""
    guest = Person(name="Ines Marchetti", role="guest")
    episode = episode_of("one", title="High water", notes="About a **river**.", persons=(guest,))
    index.index(episode, _transcript("Robin: Marzipan, and a river."))
    for query in ("water", "river", "marchetti", "guest:ines"):
        found = search(index, query, include_transcripts=False)
        assert (found.episode_count, found.hit_count, found.groups[0].hits) == (1, 0, ())
    assert search(index, "marzipan", include_transcripts=False) == search(
        index, "nobodysaysthis", include_transcripts=False
    )
    assert _slugs(index, "river speaker:robin", include_transcripts=False) == []


def test_everybody_finds_the_words_of_a_public_transcript(index: SearchIndex) -> None:
    """Words, phrases and prefixes of these are found by all; those of other episodes leave no trace."""
    index.index(episode_of("one", transcript_is_public=True), _transcript("Ann: Rain fell on Alder Street."))
    index.index(episode_of("two"), _transcript("Ann: Rain and marzipan fell on Alder Street."))
    public = frozenset({uuid5(SHOW_ID, "one")})

    def found(query: str, ids: frozenset[UUID] = public) -> list[tuple[UUID, int]]:
        results = search(index, query, include_transcripts=False, public_ids=ids)
        assert results.hit_count == sum(group.hit_count for group in results.groups)
        return [(group.episode_id, len(group.hits)) for group in results.groups]

    for query in ("rain", '"alder street"', "stre*", "rain alder"):
        assert found(query) == [(uuid5(SHOW_ID, "one"), 1)], query
    assert found("marzipan") == found("rain marzipan") == found("rain speaker:ann") == []
    assert found("rain", frozenset()) == []
    assert len(search(index, "rain").groups) == 2


def test_words_that_are_gated_again_are_not_found(index: SearchIndex) -> None:
    """From the catalog's change on, also before the index has followed; then the index has them not."""
    index.index(episode_of("one", transcript_is_public=True), _transcript("Ann: Rain."))
    index.index(episode_of("two", transcript_is_public=True), _transcript("Ann: Sun."))
    left = frozenset({uuid5(SHOW_ID, "two")})
    assert search(index, "rain", include_transcripts=False, public_ids=left).groups == ()
    assert index.index(episode_of("one"), _transcript("Ann: Rain."))
    everything = left | {uuid5(SHOW_ID, "one")}
    assert search(index, "rain", include_transcripts=False, public_ids=everything).groups == ()


def test_public_answers_do_not_depend_on_words(index: SearchIndex) -> None:
    """With other words in every transcript, the answer without words is the same, byte for byte."""
    episodes = [episode_of(slug, notes="rain") for slug in ("one", "two")]
    for episode in episodes:
        index.index(episode, _transcript("Ann: Rain rain rain."))
    before = search(index, "rain", include_transcripts=False)
    for episode in episodes:
        index.remove(episode.id)
        index.index(episode, _transcript("Ann: Sun."))
    assert search(index, "rain", include_transcripts=False) == before


def test_only_searchable_episodes_are_counted(index: SearchIndex) -> None:
    """An indexed episode that is not in `episode_ids` is neither listed nor counted."""
    slugs = ("old", "one", "two", "three", "new")
    for day, slug in enumerate(slugs):
        index.index(episode_of(slug, publish_at=NOW + timedelta(days=day)), _transcript("Ann: Rain."))
    for shown in ({"two"}, {"one", "three"}, {"old", "new"}, set(slugs)):
        among = frozenset(uuid5(SHOW_ID, slug) for slug in shown)
        found = index.search(parse_query("rain", ZONE), include_transcripts=True, episode_ids=among)
        assert {group.episode_id for group in found.groups} == among
        assert (found.episode_count, found.hit_count) == (len(shown), len(shown))


def test_a_change_by_another_process_is_seen(index: SearchIndex, engine: Engine) -> None:
    """The cached edition is read again when another process has written to the database."""
    other = SearchIndex(engine, show_id=SHOW_ID)
    index.index(episode_of("one"), _transcript("Ann: Rain."))
    assert _slugs(index, "rain") == ["one"]
    other.index(episode_of("two", publish_at=NOW - timedelta(days=1)), _transcript("Ann: Rain."))
    assert _slugs(index, "rain") == ["one", "two"]
    other.remove(episode_of("one").id)
    assert _slugs(index, "rain") == ["two"]


def test_indexing_twice_changes_nothing(index: SearchIndex) -> None:
    """The same episode and words are one entry."""
    episode, words = episode_of("one"), _transcript("Ann: Rain.")
    assert index.index(episode, words)
    assert not index.index(episode, words)
    assert search(index, "rain").hit_count == 1


def test_a_new_version_takes_the_place_of_the_old(index: SearchIndex, engine: Engine) -> None:
    """Corrected words are not found any more, and none of their rows is left."""
    index.index(episode_of("one"), _transcript("Ann: Marketti spoke.", "Ben: And then she left."))
    index.index(episode_of("one", title="one again"), _transcript("Ann: Marchetti spoke."))
    assert _slugs(index, "marketti") == []
    assert _slugs(index, "marchetti") == ["one"]
    with engine.connect() as connection:
        assert len(connection.execute(select(search_passages.c.id)).all()) == 1


def test_a_removed_episode_leaves_nothing(index: SearchIndex, engine: Engine) -> None:
    """After `remove` no table contains a word of the episode."""
    index.index(episode_of("one"), _transcript("Ann: Marzipan."))
    assert index.remove(episode_of("one").id)
    assert not index.remove(episode_of("one").id)
    assert _slugs(index, "marzipan") == []
    with engine.connect() as connection:
        for table in ("search_episodes", "search_passages", "search_titles", "search_words"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0  # noqa: S608


def test_shows_in_one_database_do_not_meet(engine: Engine) -> None:
    """A show finds its own episodes alone, even with the same words at the same second."""
    mine, other = SearchIndex(engine, show_id=SHOW_ID), SearchIndex(engine, show_id=uuid4())
    mine.index(episode_of("one"), _transcript("Ann: Rain in spring."))
    other.index(episode_of("two"), _transcript("Ben: Rain in autumn."))
    (group,) = search(mine, "rain").groups
    assert (group.episode_id, group.hits[0].speaker) == (episode_of("one").id, "Ann")
    assert other.remove(episode_of("two").id)
    assert search(mine, "rain").hit_count == 1


def test_pages(index: SearchIndex) -> None:
    """Every episode is on one page; a page number out of range gives the nearest page."""
    ids = set()
    for n in range(EPISODES_PER_PAGE + 3):
        episode = episode_of(f"part-{n}", publish_at=NOW + timedelta(days=n))
        index.index(episode, _transcript("Ann: Rain."))
        ids.add(episode.id)
    first, second = search(index, "rain"), search(index, "rain", page=2)
    assert (first.page_count, second.page) == (2, 2)
    named = [group.episode_id for group in (*first.groups, *second.groups)]
    assert len(named) == len(ids)
    assert set(named) == ids
    assert search(index, "rain", page=99) == second
    assert search(index, "rain", page=-1) == first


def test_an_episode_without_words_is_found_by_its_title(index: SearchIndex) -> None:
    """Imported episodes have no transcript and are found all the same."""
    index.index(episode_of("one", title="Émigrés"), None)
    (group,) = search(index, "emigres").groups
    assert [(span.text, span.is_match) for span in group.title] == [("Émigrés", True)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A show with two episodes out, one scheduled and one taken down."""
    made = Site.make(tmp_path / "show")
    made.publish("one", _transcript("Ann: Rain."))
    made.publish("two", _transcript("Ann: Rain and hail."), days_ago=2)
    made.publish("soon", _transcript("Ann: Rain."), state="scheduled", published_at=None)
    made.publish("gone", _transcript("Ann: Rain."), state="unpublished")
    made.close()
    return made


def test_sync_follows_the_catalog(index: SearchIndex, site: Site) -> None:
    """Published episodes are indexed once; scheduled and unpublished ones are never found."""
    assert index.sync(site.catalog, site.store).indexed == ("one", "two")
    assert index.sync(site.catalog, site.store).indexed == ()
    assert sorted(_slugs(index, "rain")) == ["one", "two"]
    one = site.catalog.by_slug("one")
    assert one is not None
    taken = site.catalog.with_episode(one.model_copy(update={"state": "unpublished"}))
    assert index.sync(taken, site.store).removed == 1
    assert _slugs(index, "rain") == ["two"]


def test_sync_reads_new_versions(index: SearchIndex, site: Site) -> None:
    """A corrected transcript is indexed by the next run, and nothing else is."""
    index.sync(site.catalog, site.store)
    site.publish(
        "two",
        _transcript("Ann: Rain and hail."),
        _transcript("Ann: Rain and sleet.").model_copy(update={"version": 2}),
    )
    assert index.sync(site.catalog, site.store).indexed == ("two",)
    assert _slugs(index, "hail") == []
    assert _slugs(index, "sleet") == ["two"]


def test_withdrawn_words_are_in_no_file_of_the_database(
    index: SearchIndex, site: Site, engine: Engine
) -> None:
    """An index forgets a removed word, but its files do so only when they are told (SQLite: also the log)."""
    index.sync(site.catalog, site.store)
    site.publish(
        "two",
        _transcript("Ann: Rain and hail."),
        _transcript("Ann: Rain and sleet.").model_copy(update={"version": 2}),
    )
    two = site.catalog.by_slug("two")
    assert two is not None
    withdrawal = Withdrawal(kind="passage", withdrawn_at=NOW, versions=(1,))
    index.sync(site.catalog.with_episode(two.model_copy(update={"withdrawals": (withdrawal,)})), site.store)
    assert (_slugs(index, "hail"), _slugs(index, "sleet")) == ([], ["two"])
    assert not [path for path in _database_files(engine) if b"hail" in path.read_bytes()]


def _database_files(engine: Engine) -> list[Path]:
    """Return the files of a SQLite database, the log included; of PostgreSQL, whose server has them, none."""
    if engine.dialect.name != "sqlite":
        return []
    path = Path(engine.url.database or "")
    return sorted(path.parent.glob(f"{path.name}*"))


def test_an_interrupted_sync_resumes(index: SearchIndex, site: Site) -> None:
    """A document that cannot be read is an error; what came before it stays, and the next run goes on."""
    two = site.catalog.by_slug("two")
    assert two is not None
    assert two.transcript is not None
    key = two.transcript.document_key
    _, body = site.store.get(key)
    site.store.delete(key)
    with pytest.raises(StoreError, match=r"two\."):
        index.sync(site.catalog, site.store)
    assert _slugs(index, "rain") == ["one"]
    site.store.put(key, body, content_type="application/json", cache_control="private")
    assert index.sync(site.catalog, site.store).indexed == ("two",)


def test_items_of_the_notes_do_not_run_together(index: SearchIndex) -> None:
    """A snippet has a point in the middle between an item, a heading or a picture and what follows it."""
    notes = "# The lock\n\nA walk of a day.\n\n![A map](map.png)\n\n- The letter of 14 March\n- Photographs"
    index.index(episode_of("one", notes=notes), None)
    (group,) = search(index, "letter").groups
    assert group.notes is not None
    text = "".join(span.text for span in group.notes.spans)
    assert text == "The lock · A walk of a day. A map · The letter of 14 March · Photographs"
