"""The full-text SQL of SQLite FTS5 and PostgreSQL, the only place of `search` where they differ."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, text

from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.rows import GUEST_PREFIX, IDS_PER_EPISODE, SPEAKER_PREFIX

MatchTable = Literal["titles", "words"]
TABLES: dict[MatchTable, str] = {"titles": "search_episodes", "words": "search_passages"}


@dataclass(frozen=True)
class SqlDialect:
    """The full-text SQL of one database. A match table indexes the `body` of a content table.

    Attributes:
        session_settings: statement to run before a search; empty for none.
        id_column: name of the id in a match table.
        match_condition: condition for rows of `{match}` that match the bound expression `:{parameter}`.
        insert_sql, delete_sql: insert the rows with ids from `:low` to `:high` into a match table, after
            they are in the content table; delete them from it, before they leave the content table.
        optimize_sql: statement to run after many changes.
        erase_sql: statements that leave no removed word in the database's files, after `optimize_sql`.
        needs_autocommit: whether the driver would run `erase_sql` inside of a transaction, which it refuses.
        phrase, phrase_separator, prefix_suffix, and_operator: the syntax of a match expression.
        strpos_function: function, the position of a text in another.
        least_function: function, the lesser of two numbers.
        joined_ids: aggregate, all `id` of a group as text, with commas.
        ids_subquery: the members of the JSON array `:ids`.
    """

    session_settings: str
    id_column: str
    match_condition: str
    insert_sql: str
    delete_sql: str
    optimize_sql: str
    erase_sql: tuple[str, ...]
    needs_autocommit: bool
    phrase: str
    phrase_separator: str
    prefix_suffix: str
    and_operator: str
    strpos_function: str
    least_function: str
    joined_ids: str
    ids_subquery: str

    def match_expression(self, query: Query, field_prefix: str = "") -> str:
        """Return the match expression of a query, in the database's syntax; empty without words.

        Args:
            field_prefix: of the field in which its terms are looked for; see `term_expression`.
        """
        names = [QueryTerm((SPEAKER_PREFIX + word,)) for word in query.speakers]
        names += [QueryTerm((GUEST_PREFIX + word,)) for word in query.guests]
        terms = [self.term_expression(term, field_prefix) for term in query.terms]
        return self.and_operator.join([*map(self.term_expression, names), *terms])

    def term_expression(self, term: QueryTerm, field_prefix: str = "") -> str:
        """Return the match expression of one term, in the field with a prefix like TITLE_PREFIX."""
        words = [field_prefix + word for word in term.words]
        return self.phrase.format(self.phrase_separator.join(words)) + (
            self.prefix_suffix if term.is_prefix else ""
        )

    def add_rows(self, connection: Connection, source: MatchTable, low: int, high: int) -> None:
        """Insert rows with ids from `low` to `high` into a match table."""
        self._change(connection, self.insert_sql, source, low, high)

    def remove_rows(self, connection: Connection, source: MatchTable, low: int, high: int) -> None:
        """Delete rows with ids from `low` to `high` from a match table."""
        self._change(connection, self.delete_sql, source, low, high)

    def _change(
        self, connection: Connection, statement: str, source: MatchTable, low: int, high: int
    ) -> None:
        sql = statement.format(match=f"search_{source}", table=TABLES[source])
        connection.execute(text(sql), {"low": low, "high": high})

    def optimize(self, connection: Connection) -> None:
        """Optimize the match tables, after many changes."""
        for source in TABLES:
            connection.execute(text(self.optimize_sql.format(match=f"search_{source}")))

    def erase(self, connection: Any) -> bool:
        """Run `erase_sql` on a connection of the driver; return False where a reader was in the way."""
        if self.needs_autocommit:
            connection.autocommit = True
        try:
            results = [connection.execute(statement) for statement in self.erase_sql]
        finally:
            if self.needs_autocommit:
                connection.autocommit = False
        was_blocked = False if self.needs_autocommit else bool(results[-1].fetchone()[0])
        return not was_blocked


def passage_id_range(episode_row: int) -> tuple[int, int]:
    """Return the first and the last possible id of an episode's passages."""
    return episode_row + 1, episode_row + IDS_PER_EPISODE - 1


SQLITE = SqlDialect(
    session_settings="",
    id_column="rowid",
    match_condition="{match} MATCH :{parameter}",
    insert_sql=(
        "INSERT INTO {match} (rowid, body) SELECT id, body FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    delete_sql=(
        "INSERT INTO {match} ({match}, rowid, body) "
        "SELECT 'delete', id, body FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    optimize_sql="INSERT INTO {match} ({match}) VALUES ('optimize')",
    erase_sql=(
        "PRAGMA wal_checkpoint(TRUNCATE)",  # the log keeps removed words until it is cut
    ),
    needs_autocommit=False,
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
    # A custom plan for each query: the index for a rare word, a scan from the newest row for a common one.
    # JIT compilation takes longer than any of these queries.
    session_settings=(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"
    ),
    id_column="id",
    match_condition="{match}.body @@ CAST(:{parameter} AS tsquery)",
    # Written out instead of to_tsvector, whose parser would split words in its own way.
    insert_sql="""
        INSERT INTO {match} (id, body) SELECT id, CAST((
            SELECT string_agg(quote_literal(word) || chr(58) || place, ' ')
            FROM unnest(string_to_array(body, ' ')) WITH ORDINALITY AS words (word, place)
        ) AS tsvector) FROM {table} WHERE id BETWEEN :low AND :high
    """,
    delete_sql="DELETE FROM {match} WHERE id BETWEEN :low AND :high",
    optimize_sql="ANALYZE {match}",
    erase_sql=(
        "SET lock_timeout = '10s'",
        *(
            f"VACUUM FULL {table}"
            for table in ("search_passages", "search_words", "search_episodes", "search_titles")
        ),
        "RESET lock_timeout",
    ),
    needs_autocommit=True,
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
