"""The catalog and the documents: exact round trips, and one line about an unreadable file."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from podcast_pipeline.errors import StoreError
from podcast_pipeline.model import (
    Chapter,
    Correction,
    Cut,
    Enclosure,
    Episode,
    EpisodeState,
    ImportedItem,
    Insert,
    Person,
    Receipt,
    Show,
    Soundbite,
    Timeline,
    Transcript,
    TranscriptVersion,
    keep_unknown_fields,
)
from podcast_pipeline.model.catalog import (
    WRITTEN_BY,
    Catalog,
    catalog_from_json,
    to_json,
    transcript_from_json,
)
from tests.support.later_release import with_unknown_keys
from tests.support.transcripts import transcripts

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SHOW = Show(
    id=UUID(int=1),
    guid=UUID(int=2),
    title="The Harbour Report",
    description="News & <notes>",
    language="en",
    author="Ann",
    owner_email="ann@example.com",
    categories=("News > Politics",),
    site_url="https://example.com",
    media_url="https://media.example.com",
    feed_url="https://media.example.com/feed.xml",
    renew_url="https://example.com/renew",
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TIMES = st.integers(0, 10**7).map(lambda ms: ms / 1000)
INSTANTS = st.integers(0, 10**9).map(lambda s: EPOCH + timedelta(seconds=s))
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
VERSIONS = st.builds(
    TranscriptVersion,
    version=st.integers(1, 9),
    document_key=TEXTS,
    file_keys=st.dictionaries(st.sampled_from(("vtt", "srt", "json", "html", "txt")), TEXTS),
    word_key=st.none() | TEXTS,
    language=TEXTS,
    word_count=st.integers(0, 10**6),
    published_at=INSTANTS,
)
TIMELINES = st.builds(
    Timeline,
    cuts=st.just((Cut(start_s=1.5, end_s=2.001),)),
    inserts=st.lists(st.builds(Insert, at_s=TIMES, duration_s=TIMES), max_size=2).map(tuple),
)
EPISODES = st.builds(
    Episode,
    guid=TEXTS,
    slug=st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,9})?", fullmatch=True),
    title=TEXTS,
    notes=st.text(st.characters(exclude_categories=["Cs"])),
    language=TEXTS,
    season=st.none() | st.integers(1, 99),
    number=st.none() | st.integers(1, 999),
    persons=st.lists(st.builds(Person, name=TEXTS), max_size=2).map(tuple),
    chapters=st.lists(st.builds(Chapter, start_s=TIMES, title=TEXTS), max_size=2).map(tuple),
    soundbites=st.lists(
        st.builds(Soundbite, start_s=TIMES, duration_s=TIMES, title=st.none() | TEXTS), max_size=2
    ).map(tuple),
    source_sha256=st.none() | HASHES,
    publish_at=INSTANTS,
    published_at=st.none() | INSTANTS,
    content_changed_at=INSTANTS,
    enclosure=st.builds(
        Enclosure,
        key=TEXTS,
        external_url=st.none(),
        size_bytes=st.integers(1, 10**9),
        type=TEXTS,
        duration_s=TIMES,
        sha256=st.none() | HASHES,
    ),
    timeline=TIMELINES,
    artwork_key=st.none() | TEXTS,
    chapters_key=st.none() | TEXTS,
    teaser=st.text(st.characters(exclude_categories=["Cs"])),
    transcripts=st.lists(VERSIONS, max_size=2).map(tuple),
)
CATALOGS = st.lists(EPISODES, max_size=4, unique_by=(lambda e: e.id, lambda e: e.guid, lambda e: e.slug)).map(
    lambda episodes: Catalog(show=SHOW, episodes=tuple(episodes))
)
OPTIONS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
RECEIPTS = st.builds(
    Receipt,
    engine=TEXTS,
    engine_version=TEXTS,
    model=TEXTS,
    weights_sha256=HASHES,
    audio_sha256=HASHES,
    options=st.dictionaries(TEXTS, OPTIONS, max_size=3),
)
CORRECTIONS = st.lists(st.builds(Correction, corrected_at=INSTANTS, note=TEXTS), max_size=2).map(tuple)


def episode(number: int, *, state: EpisodeState = "published", days: int = 0) -> Episode:
    return Episode(
        id=UUID(int=number),
        guid=f"guid-{number}",
        slug=f"slug-{number}",
        title="t",
        language="en",
        state=state,
        publish_at=EPOCH + timedelta(days=days),
        content_changed_at=EPOCH + timedelta(days=days),
        enclosure=Enclosure(key="k", size_bytes=1, type="audio/mpeg", duration_s=1),
    )


@given(CATALOGS)
def test_a_catalog_comes_back_exactly(catalog: Catalog) -> None:
    """Writing and reading change nothing, and writing again gives the same bytes."""
    data = to_json(catalog)
    again = catalog_from_json(data)
    assert again == catalog
    assert to_json(again) == data


@given(transcripts(), RECEIPTS, CORRECTIONS)
def test_a_transcript_comes_back_exactly(
    words: Transcript, receipt: Receipt, corrections: tuple[Correction, ...]
) -> None:
    """Every word, time, confidence, option and correction survives the file."""
    transcript = words.model_copy(update={"receipt": receipt, "corrections": corrections})
    data = to_json(transcript)
    again = transcript_from_json(data, "t.json")
    assert again == transcript
    assert to_json(again) == data


def test_documents_say_their_schema() -> None:
    """The version stands in every stored document."""
    assert json.loads(to_json(Catalog(show=SHOW)))["schema_version"] == 1
    assert json.loads(to_json(Transcript(language="en", duration_s=1)))["schema_version"] == 1


def test_a_newer_schema_is_refused() -> None:
    """A newer schema version is refused with one line that says what to do."""
    data = to_json(Catalog(show=SHOW)).replace(b'"schema_version": 1', b'"schema_version": 2')
    assert data != to_json(Catalog(show=SHOW))
    with pytest.raises(StoreError) as refused:
        catalog_from_json(data)
    assert str(refused.value) == (
        "private/catalog.json: has schema version 2, this program supports 1; "
        "install a newer podcast-pipeline"
    )


@given(CATALOGS)
def test_a_catalog_with_unknown_keys_comes_back_as_it_was(catalog: Catalog) -> None:
    """Keys that a later release adds, at any depth, are read and written back untouched."""
    data = with_unknown_keys(catalog)
    assert json.loads(to_json(catalog_from_json(data))) == json.loads(data)


@given(transcripts())
def test_a_document_with_unknown_keys_comes_back_as_it_was(transcript: Transcript) -> None:
    """Unknown keys of a transcript are kept as well."""
    data = with_unknown_keys(transcript)
    assert json.loads(to_json(transcript_from_json(data, "t.json"))) == json.loads(data)


@given(CATALOGS)
def test_a_value_made_anew_takes_over_the_unknown_keys(catalog: Catalog) -> None:
    """A show or an episode that is built again from files keeps its unknown keys."""
    known = catalog_from_json(with_unknown_keys(catalog))
    assert known.with_show(catalog.show) == known
    for old, new in zip(known.episodes, catalog.episodes, strict=True):
        assert keep_unknown_fields(new, old) == old


def test_a_changed_item_does_not_take_another_items_unknown_keys() -> None:
    """Unknown keys stay with their chapter; a new chapter has none."""
    old = Cut.model_validate({"start_s": 1, "end_s": 2, "why": "a cough"})
    timeline = Timeline(cuts=(old,))
    kept = keep_unknown_fields(Timeline(cuts=(Cut(start_s=0, end_s=1), Cut(start_s=1, end_s=2))), timeline)
    assert [cut.model_extra for cut in kept.cuts] == [{}, {"why": "a cough"}]


def test_equal_items_keep_their_own_unknown_keys() -> None:
    """Two items that are equal in all known fields keep both unknown keys, in their order."""
    persons = tuple(Person.model_validate({"name": "Ann", "number": number}) for number in (1, 2))
    old = episode(1).model_copy(update={"persons": persons})
    kept = keep_unknown_fields(old.model_copy(update={"persons": (Person(name="Ann"),) * 2}), old)
    assert kept == old


def test_a_replaced_file_has_no_unknown_keys_of_the_old_one() -> None:
    """An unknown key of the old audio may describe what was cut from it."""
    old = episode(1)
    known = {**json.loads(old.model_dump_json()), "kept": "yes"}
    known["enclosure"]["waveform"] = "of the old audio"
    enclosure = old.enclosure.model_copy(update={"duration_s": old.enclosure.duration_s + 1})
    new = keep_unknown_fields(
        old.model_copy(update={"enclosure": enclosure}), Episode.model_validate_json(json.dumps(known))
    )
    assert (new.model_extra, new.enclosure) == ({"kept": "yes"}, enclosure)


@pytest.mark.parametrize("release", ["\u001b[31m9", "9\u202e", "9\n0", "9" * 41, ""])
def test_a_release_that_is_no_number_is_not_printed(release: str) -> None:
    """Other text in `written_by_version` does not reach a terminal; the catalog is served all the same."""
    catalog = Catalog(show=SHOW, written_by=WRITTEN_BY + 1, written_by_version=release)
    with pytest.raises(StoreError, match=r"install a newer podcast-pipeline$"):
        catalog.check_writable()


@pytest.mark.parametrize("number", ["5", 2.0, True, -1, 10**4000])
def test_a_form_that_is_no_small_whole_number_is_damage(number: object) -> None:
    """The form is a whole number, and short enough for a line."""
    document = {**json.loads(to_json(Catalog(show=SHOW))), "written_by": number}
    with pytest.raises(StoreError, match=r"^private/catalog\.json: is damaged at written_by"):
        catalog_from_json(json.dumps(document).encode())


def test_a_newer_form_is_read_and_not_written() -> None:
    """A release older than the catalog names the release that may change it."""
    data = to_json(Catalog(show=SHOW, written_by=WRITTEN_BY + 1, written_by_version="0.9.0"))
    catalog = catalog_from_json(data)
    assert catalog.show == SHOW
    with pytest.raises(
        StoreError, match=r"^private/catalog\.json: was written by .* podcast-pipeline 0\.9\.0 or later$"
    ):
        catalog.check_writable()
    with pytest.raises(StoreError, match=r"install a newer podcast-pipeline$"):
        Catalog(show=SHOW, written_by=WRITTEN_BY + 1).check_writable()
    Catalog(show=SHOW).signed().check_writable()


WHOLE = to_json(Catalog(show=SHOW, episodes=(episode(1),)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"null",
        b"[]",
        b'"schema_version"',
        b"{}",
        b'{"schema_version": "1\\n2"}',
        b'{"schema_version": 0}',
        b'{"schema_version": null}',
        b'{"schema_version": 1}',
        b"[" * 100_000,
        WHOLE[:-40],
        WHOLE.replace(b'"slug-1"', b'"Not A Slug"'),
        WHOLE.replace(b'"slug"', b'"two\\nlines"'),
        WHOLE.replace(b"2026-01-01", b"0001-01-01").replace(b"00:00Z", b"00:00+09:00"),
        WHOLE.replace(b'"t"', b'"\\ud800"'),
    ],
)
def test_a_damaged_catalog_is_one_line(data: bytes) -> None:
    """Any damage is one line that names the file and says what to do."""
    with pytest.raises(StoreError) as refused:
        catalog_from_json(data)
    assert str(refused.value).startswith("private/catalog.json: is ")
    assert str(refused.value).endswith("restore it from a backup")
    assert len(str(refused.value).splitlines()) == 1


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
def test_no_damage_is_a_traceback(junk: bytes, at: int) -> None:
    """Bytes in the middle of a catalog either still mean one or are refused as damaged."""
    said = ""
    try:
        catalog_from_json(WHOLE[:at] + junk + WHOLE[at + len(junk) :])
    except StoreError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


def test_a_damaged_transcript_names_its_file() -> None:
    """The subject of the error is the name that the caller gave."""
    with pytest.raises(StoreError, match=r"^two-winters: is not a document"):
        transcript_from_json(b"oops", "two-winters")


@pytest.mark.parametrize("field", ["id", "guid", "slug"])
def test_nothing_is_used_twice(field: str) -> None:
    """Two episodes never share an id, a guid or a slug."""
    twin = episode(2).model_copy(update={field: getattr(episode(1), field)})
    with pytest.raises(ValidationError, match=f"same {field}"):
        Catalog(show=SHOW, episodes=(episode(1), twin))


def test_episodes_are_in_order_of_time() -> None:
    """Episodes are sorted by publish_at, then id, in any order of insertion: equal catalogs are equal."""
    one, two, three = episode(3), episode(1, days=1), episode(2, days=1)
    assert Catalog(show=SHOW, episodes=(three, two, one)).episodes == (one, two, three)
    assert Catalog(show=SHOW).with_episode(three).with_episode(one).with_episode(two).episodes == (
        one,
        two,
        three,
    )


def test_equal_dates_are_in_the_order_of_the_old_feed() -> None:
    """Imported episodes that came out at once keep the places they had; ids decide last (c11)."""
    parts = [
        episode(n).model_copy(update={"original": ImportedItem(place=place)})
        for n, place in ((1, 2), (2, 0), (3, 1))
    ]
    ours = episode(4)
    assert Catalog(show=SHOW, episodes=(*parts, ours)).episodes == (parts[1], ours, parts[2], parts[0])


def test_with_episode_replaces_by_id() -> None:
    """An episode that moved in time is there once, at its new place."""
    catalog = Catalog(show=SHOW, episodes=(episode(1), episode(2, days=1)))
    moved = episode(1, days=2)
    assert catalog.with_episode(moved).episodes == (episode(2, days=1), moved)


def test_published_is_newest_first_and_by_state() -> None:
    """The published episodes are those of that state, not those whose time has come."""
    states: tuple[EpisodeState, ...] = ("published", "scheduled", "unpublished", "published")
    catalog = Catalog(show=SHOW, episodes=tuple(episode(n, state=s, days=n) for n, s in enumerate(states)))
    assert [e.slug for e in catalog.published()] == ["slug-3", "slug-0"]


def test_episodes_are_found_in_any_state() -> None:
    """A tombstone keeps its slug and id."""
    gone = episode(1, state="unpublished")
    catalog = Catalog(show=SHOW, episodes=(gone,))
    assert catalog.by_slug("slug-1") == catalog.by_id(UUID(int=1)) == gone
    assert catalog.by_slug("slug-2") is None


def test_a_scheduled_episode_does_not_show_in_the_date() -> None:
    """A scheduled episode changes nothing that a listener can see; an unpublished one does."""
    catalog = Catalog(
        show=SHOW,
        episodes=(episode(1), episode(2, state="unpublished", days=2), episode(3, state="scheduled", days=9)),
    )
    assert catalog.content_changed_at() == EPOCH + timedelta(days=2)
    assert Catalog(show=SHOW).content_changed_at() is None


@pytest.mark.parametrize(
    ("now_s", "expected_s"), [(500_000, 500_000), (172_801.9, 172_801), (172_800.9, 172_801), (-9e5, 172_801)]
)
def test_a_change_is_later_than_all_before(now_s: float, expected_s: int) -> None:
    """If-Modified-Since counts seconds: within one, or with a clock put back, a change has one of its own."""
    catalog = Catalog(
        show=SHOW, episodes=(episode(1), episode(2, days=2), episode(3, state="scheduled", days=9))
    )
    assert catalog.next_change_at(EPOCH + timedelta(seconds=now_s)) == EPOCH + timedelta(seconds=expected_s)
    empty, now = Catalog(show=SHOW), EPOCH + timedelta(seconds=1)
    assert empty.next_change_at(now) == now
