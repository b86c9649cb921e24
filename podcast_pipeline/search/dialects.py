"""How each database matches words: the only place where SQLite and PostgreSQL differ."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.rows import GUEST_PREFIX, IDS_PER_EPISODE, SPEAKER_PREFIX

MatchTable = Literal["titles", "words"]
TABLES: dict[MatchTable, str] = {"titles": "search_episodes", "words": "search_passages"}


@dataclass(frozen=True)
class SqlDialect:
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

    session_settings: str
    id_column: str
    match_condition: str
    insert_sql: str
    delete_sql: str
    optimize_sql: str
    phrase: str
    phrase_separator: str
    prefix_suffix: str
    and_operator: str
    strpos_function: str
    least_function: str
    joined_ids: str
    ids_subquery: str

    def match_expression(self, query: Query) -> str:
        """Return what to match, in the database's own language; empty where no word is asked for."""
        names = [QueryTerm((SPEAKER_PREFIX + word,)) for word in query.speakers]
        names += [QueryTerm((GUEST_PREFIX + word,)) for word in query.guests]
        return self.and_operator.join(self.term_expression(term) for term in (*names, *query.terms))

    def term_expression(self, term: QueryTerm, mark: str = "") -> str:
        """Return what to match for one term, in the field that a mark stands for."""
        words = [mark + word for word in term.words]
        return self.phrase.format(self.phrase_separator.join(words)) + (
            self.prefix_suffix if term.is_prefix else ""
        )

    def add_rows(self, connection: Connection, source: MatchTable, low: int, high: int) -> None:
        """Match rows from now on."""
        self._change(connection, self.insert_sql, source, low, high)

    def remove_rows(self, connection: Connection, source: MatchTable, low: int, high: int) -> None:
        """Match rows no more."""
        self._change(connection, self.delete_sql, source, low, high)

    def _change(
        self, connection: Connection, statement: str, source: MatchTable, low: int, high: int
    ) -> None:
        named = statement.format(match=f"search_{source}", table=TABLES[source])
        connection.execute(text(named), {"low": low, "high": high})

    def optimize(self, connection: Connection) -> None:
        """Make searching as quick as it can be, after many changes."""
        for source in TABLES:
            connection.execute(text(self.optimize_sql.format(match=f"search_{source}")))


def passage_id_range(episode_row: int) -> tuple[int, int]:
    """Return the ids of an episode's passages, the first and the last that are possible."""
    return episode_row + 1, episode_row + IDS_PER_EPISODE - 1


SQLITE = SqlDialect(
    session_settings="",
    id_column="rowid",
    match_condition="{match} MATCH :{wanted}",
    insert_sql=(
        "INSERT INTO {match} (rowid, body) SELECT id, body FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    delete_sql=(
        "INSERT INTO {match} ({match}, rowid, body) "
        "SELECT 'delete', id, body FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    optimize_sql="INSERT INTO {match} ({match}) VALUES ('optimize')",
    phrase='"{}"',
    phrase_separator=" ",
    prefix_suffix=" *",
    and_operator=" AND ",
    strpos_function="instr",
    least_function="min",
    joined_ids="group_concat(id)",
    ids_subquery="SELECT value FROM json_each(:ids)",
)

POSTGRESQL = SqlDialect(
    # A plan must know the words: a rare one is looked up, a common one read from the newest row on. And
    # compiling a query takes longer than any of these runs.
    session_settings=(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"
    ),
    id_column="id",
    match_condition="{match}.body @@ CAST(:{wanted} AS tsquery)",
    # Written out instead of to_tsvector, whose parser would split words in its own way.
    insert_sql="""
        INSERT INTO {match} (id, body) SELECT id, CAST((
            SELECT string_agg(quote_literal(word) || chr(58) || place, ' ')
            FROM unnest(string_to_array(body, ' ')) WITH ORDINALITY AS said (word, place)
        ) AS tsvector) FROM {table} WHERE id BETWEEN :low AND :high
    """,
    delete_sql="DELETE FROM {match} WHERE id BETWEEN :low AND :high",
    optimize_sql="ANALYZE {match}",
    phrase="'{}'",
    phrase_separator="' <-> '",
    prefix_suffix=":*",
    and_operator=" & ",
    strpos_function="strpos",
    least_function="least",
    joined_ids="string_agg(CAST(id AS text), ',')",
    ids_subquery="SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))",
)

DIALECTS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
