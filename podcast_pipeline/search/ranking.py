"""The two statements of a search: the episodes that match in their order, and the best passages of a few.

All ranking happens in the database, and only what a page shows leaves it. SQLite gives Python's lock away for
every row that is fetched: of twenty readers at once, each would wait for the rows of the others.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import TextClause, TextualSelect, Uuid, bindparam, text

from podcast_pipeline.search.layout import FIELD_END, PLACE_BITS, PLACES
from podcast_pipeline.search.matching import Matching, Source

SATURATION, BY_LENGTH = 1.2, 0.75  # BM25's usual k1 and b, over passages instead of words
IN_TITLE, IN_GUESTS, IN_NOTES = 3.0, 2.0, 0.7  # what a term says for an episode that has it there
MOST_COUNTED = 4  # a word said ten times in a passage says no more than one said four times
CLOSE_TOGETHER = 3.0  # for the words as typed, one after another
EPISODES_ON_A_PAGE = 10

EPISODE = f"id >> {PLACE_BITS} << {PLACE_BITS}"  # the row of the episode that a passage is of
PLACE = f"id & {PLACES - 1}"  # 0 for the episode's own row


@cache
def episodes(matching: Matching, sources: Sequence[Source], *, any_row: bool, terms: int) -> TextualSelect:
    """Return a query for one page of the episodes that match, the best first.

    The newest `:most` rows that match are counted, so that the cost has a bound, whatever is asked.
    Matching passages say 0 to 2.2 for an episode: many, in a long episode less. Title, guests and notes
    say 0 to 5.7.

    Args:
        sources: what is looked into; without "words" nothing of the answer depends on a transcript.
        any_row: no word is asked for; every row matches.
        terms: how many there are; each is bound as `:term0`… with a space before it and, where it is a
            whole word, after it.
    """
    found = ", ".join(
        f"{source} AS MATERIALIZED ({_newest(matching, source, any_row=any_row)})" for source in sources
    )
    rows = " UNION ALL ".join(f"SELECT id FROM {source}" for source in sources)  # noqa: S608
    capped = " OR ".join(f"(SELECT count(*) FROM {source}) >= :most" for source in sources)  # noqa: S608
    statement = text(
        f"""
        WITH {found}, matched AS (
            SELECT {EPISODE} AS id, min({PLACE}) AS lowest, {matching.gathered} AS ids,
                sum(CASE WHEN {PLACE} > 0 THEN 1 ELSE 0 END) AS hits
            FROM ({rows}) AS found GROUP BY 1
        ), allowed AS MATERIALIZED (
            SELECT e.id, m.hits, m.ids, CAST(e.passage_count AS DOUBLE PRECISION) AS length,
                CASE WHEN m.lowest = 0 THEN {_named(matching, terms)} ELSE 0 END AS named
            FROM matched AS m JOIN search_episodes AS e ON e.id = m.id
            WHERE e.show_id = :show_id AND e.episode_id IN ({matching.among})
        ), total AS MATERIALIZED (
            SELECT count(*) AS episode_count, sum(hits) AS hit_count,
                (count(*) - 1) / {EPISODES_ON_A_PAGE} + 1 AS page_count,
                coalesce(avg(CASE WHEN hits > 0 THEN length END), 1) AS usual
            FROM allowed
        ), best AS (
            SELECT id, hits, ids, named + CASE WHEN hits = 0 THEN 0 ELSE hits * {SATURATION + 1}
                / (hits + {SATURATION} * ({1 - BY_LENGTH} + {BY_LENGTH} * length / usual)) END AS score
            FROM allowed, total ORDER BY score DESC, id DESC LIMIT {EPISODES_ON_A_PAGE}
            OFFSET (SELECT {matching.least}(CAST(:page AS BIGINT), page_count) - 1 FROM total)
                * {EPISODES_ON_A_PAGE}
        )
        SELECT best.*, total.*, {capped} AS is_capped, e.episode_id, e.title, e.guests, e.notes, e.body
        FROM best JOIN search_episodes AS e ON e.id = best.id, total ORDER BY best.score DESC, best.id DESC
        """  # noqa: S608 (of our own pieces; what was typed is bound)
    )
    return statement.bindparams(bindparam("show_id", type_=Uuid)).columns(episode_id=Uuid)


@cache
def passages(matching: Matching, *, terms: int) -> TextClause:
    """Return a query for the best passages among `:ids`, `:most` of each episode, as they are said.

    Args:
        terms: as in `episodes`; with more than one, all of them together are bound as `:typed`.
    """
    return text(
        f"""
        SELECT p.id, p.speaker, p.text, p.marks, p.body FROM (
            SELECT id, row_number() OVER (PARTITION BY {EPISODE} ORDER BY {_said(matching, terms)} DESC, id)
                AS rank
            FROM (SELECT id, ' ' || body || ' ' AS said FROM search_passages WHERE id IN ({matching.ids}))
                AS padded
        ) AS best JOIN search_passages AS p ON p.id = best.id WHERE best.rank <= :most ORDER BY p.id
        """  # noqa: S608
    )


def _newest(matching: Matching, source: Source, *, any_row: bool) -> str:
    key = matching.key
    clause = "TRUE" if any_row else matching.clause.format(match=f"search_{source}")
    return (
        f"SELECT {key} AS id FROM search_{source} WHERE {clause} AND {key} BETWEEN :low AND :high "  # noqa: S608
        f"ORDER BY {key} DESC LIMIT :most"
    )


def _named(matching: Matching, terms: int) -> str:
    """Return the score of an episode's fields; `body` holds them as `layout.entry` writes it."""
    find, end = matching.find, f"'{FIELD_END}'"
    title = f"' ' || substr(e.body, 1, {find}(e.body, {end}) - 1)"
    rest = f"substr(e.body, {find}(e.body, {end}) + 1)"
    guests = f"substr({rest}, 1, {find}({rest}, {end}) - 1)"
    found = [
        f"CASE WHEN {find}({title}, :term{n}) > 0 THEN {IN_TITLE / terms} "
        f"WHEN {find}({guests}, :term{n}) > 0 THEN {IN_GUESTS / terms} ELSE {IN_NOTES / terms} END"
        for n in range(terms)
    ]
    return " + ".join(found) or "0"


def _said(matching: Matching, terms: int) -> str:
    """Return the score of a passage, whose padded words are `said`."""
    counted = [
        f"{matching.least}({MOST_COUNTED}, "
        f"(length(said) - length(replace(said, :term{n}, ''))) / length(:term{n}))"
        for n in range(terms)
    ]
    if terms > 1:
        counted.append(f"CASE WHEN {matching.find}(said, :typed) > 0 THEN {CLOSE_TOGETHER} ELSE 0 END")
    return " + ".join(counted) or "0"
