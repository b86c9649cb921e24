"""How each database matches words: the only place where SQLite and PostgreSQL differ."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from podcast_pipeline.search.query import Query, Term
from podcast_pipeline.search.rows import GUEST, PLACES, SPEAKER

Source = Literal["titles", "words"]
TABLES: dict[Source, str] = {"titles": "search_episodes", "words": "search_passages"}


@dataclass(frozen=True)
class Matching:
    """The full text of one database.

    Attributes:
        settings: run before a search; empty for none.
        key: the id's name in a match table.
        clause: what a row that matches an expression fulfils; `wanted` is the name it is bound to.
        add, drop: put the rows with ids from `:low` to `:high` into a match table and take them out; `add`
            after they are in the table beside it, `drop` before they leave it.
        tidy: run once many rows have changed.
        quote, follow, prefix, both: how an expression is written.
        find, least: functions: the place of a text in another, the lesser of two numbers.
        gathered: all `id` of a group as text, with commas.
        ids: the members of `:ids`, which is JSON.
    """

    settings: str
    key: str
    clause: str
    add: str
    drop: str
    tidy: str
    quote: str
    follow: str
    prefix: str
    both: str
    find: str
    least: str
    gathered: str
    ids: str

    def expression(self, query: Query) -> str:
        """Return what to match, in the database's own language; empty where no word is asked for."""
        names = [Term((SPEAKER + word,)) for word in query.speakers]
        names += [Term((GUEST + word,)) for word in query.guests]
        return self.both.join(self.term(term) for term in (*names, *query.terms))

    def term(self, term: Term, mark: str = "") -> str:
        """Return what to match for one term, in the field that a mark stands for."""
        words = [mark + word for word in term.words]
        return self.quote.format(self.follow.join(words)) + (self.prefix if term.is_prefix else "")

    def put(self, connection: Connection, source: Source, low: int, high: int) -> None:
        """Match rows from now on."""
        self._change(connection, self.add, source, low, high)

    def take(self, connection: Connection, source: Source, low: int, high: int) -> None:
        """Match rows no more."""
        self._change(connection, self.drop, source, low, high)

    def _change(self, connection: Connection, statement: str, source: Source, low: int, high: int) -> None:
        named = statement.format(match=f"search_{source}", table=TABLES[source])
        connection.execute(text(named), {"low": low, "high": high})

    def put_in_order(self, connection: Connection) -> None:
        """Make searching as quick as it can be, after many changes."""
        for source in TABLES:
            connection.execute(text(self.tidy.format(match=f"search_{source}")))


def span_of(episode_row: int) -> tuple[int, int]:
    """Return the ids of an episode's passages, the first and the last that are possible."""
    return episode_row + 1, episode_row + PLACES - 1


SQLITE = Matching(
    settings="",
    key="rowid",
    clause="{match} MATCH :{wanted}",
    add="INSERT INTO {match} (rowid, body) SELECT id, body FROM {table} WHERE id BETWEEN :low AND :high",
    drop=(
        "INSERT INTO {match} ({match}, rowid, body) "
        "SELECT 'delete', id, body FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    tidy="INSERT INTO {match} ({match}) VALUES ('optimize')",
    quote='"{}"',
    follow=" ",
    prefix=" *",
    both=" AND ",
    find="instr",
    least="min",
    gathered="group_concat(id)",
    ids="SELECT value FROM json_each(:ids)",
)

POSTGRESQL = Matching(
    # A plan must know the words: a rare one is looked up, a common one read from the newest row on. And
    # compiling a query takes longer than any of these runs.
    settings=(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"
    ),
    key="id",
    clause="{match}.body @@ CAST(:{wanted} AS tsquery)",
    # Written out instead of to_tsvector, whose parser would split words in its own way.
    add="""
        INSERT INTO {match} (id, body) SELECT id, CAST((
            SELECT string_agg(quote_literal(word) || chr(58) || place, ' ')
            FROM unnest(string_to_array(body, ' ')) WITH ORDINALITY AS said (word, place)
        ) AS tsvector) FROM {table} WHERE id BETWEEN :low AND :high
    """,
    drop="DELETE FROM {match} WHERE id BETWEEN :low AND :high",
    tidy="ANALYZE {match}",
    quote="'{}'",
    follow="' <-> '",
    prefix=":*",
    both=" & ",
    find="strpos",
    least="least",
    gathered="string_agg(CAST(id AS text), ',')",
    ids="SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))",
)

MATCHINGS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
