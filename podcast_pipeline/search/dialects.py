"""The full-text SQL of SQLite FTS5 and PostgreSQL, the only place of `search` where they differ."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import Connection, text

from podcast_pipeline.search.query import Query, QueryTerm
from podcast_pipeline.search.rows import (
    GUEST_PREFIX,
    IDS_PER_EPISODE,
    SPEAKER_PREFIX,
    TITLE_PREFIX,
    TOPIC_PREFIX,
)

MatchTable = Literal["titles", "words"]
TABLES: dict[MatchTable, str] = {"titles": "search_episodes", "words": "search_passages"}
OPEN_PREFIXES = (TITLE_PREFIX, GUEST_PREFIX, TOPIC_PREFIX)  # of the fields in which the last word is a prefix


@dataclass(frozen=True)
class SqlDialect:
    """The full-text SQL of one database. A match table indexes the `body` of a content table.

    Attributes:
        session_settings: statement to run before a search; empty for none.
        id_column: name of the id in a match table.
        match_condition: condition for rows of `{match}` that match the bound expression `:{parameter}`.
        insert_titles_sql, insert_words_sql: insert the rows with ids from `:low` to `:high` into a match
            table, after they are in the content table.
        delete_sql: delete them from it, before they leave the content table.
        optimize_sql: statement to run after many changes.
        erase_sql: statements that leave no removed word in the database's files, after `optimize_sql`.
        needs_autocommit: whether the driver would run `erase_sql` inside of a transaction, which it refuses.
        phrase, phrase_separator, prefix_suffix, and_operator, or_operator: the syntax of a match expression.
        pairs_condition: condition for rows of search_words with all pairs of neighbours in `:pairs`. It finds
            the few rows of a phrase without reading all rows of its words; empty where the index itself
            knows where in a row a word stands.
        strpos_function: function, the position of a text in another.
        least_function: function, the lesser of two numbers.
        joined_ids: aggregate, all `id` of a group as text, with commas.
        ids_subquery: the members of the JSON array `:ids`.
        words_of_json: table function, the members of the JSON array `:words` in its first column.
    """

    session_settings: str
    id_column: str
    match_condition: str
    insert_titles_sql: str
    insert_words_sql: str
    delete_sql: str
    optimize_sql: str
    erase_sql: tuple[str, ...]
    needs_autocommit: bool
    phrase: str
    phrase_separator: str
    prefix_suffix: str
    and_operator: str
    or_operator: str
    pairs_condition: str
    strpos_function: str
    least_function: str
    joined_ids: str
    ids_subquery: str
    words_of_json: str

    def match_expression(self, query: Query, field_prefix: str = "", *, loose: bool = False) -> str:
        """Return the match expression of a query, in the database's syntax; empty without words.

        Args:
            field_prefix: of the words among which its terms are looked for, like PUBLIC_PREFIX.
            loose: whether other forms of a word match too.
        """
        forms = self._forms if loose else self._exact
        terms = [self._any_of(forms(term, field_prefix)) for term in query.terms]
        return self.and_operator.join([*self._names(query), *terms])

    def titles_expression(self, query: Query) -> str:
        """Return the loose expression for the episodes' own rows: the last word may be a beginning there."""
        terms = [self._any_of(self._forms(term, "") + self._beginnings(term)) for term in query.terms]
        return self.and_operator.join([*self._names(query), *terms])

    def field_expression(self, term: QueryTerm, *field_prefixes: str) -> str:
        """Return the loose expression of one term in fields, by their prefixes like TITLE_PREFIX."""
        forms = [form for prefix in field_prefixes for form in self._forms(term, prefix)]
        return self._any_of(forms + self._beginnings(term, field_prefixes))

    def pairs(self, query: Query, field_prefix: str = "") -> str:
        """Return what to bind as `:pairs`; empty without a phrase, or if the database needs none."""
        if not self.pairs_condition:
            return ""
        phrases = ([field_prefix + word for word in _whole_words(term)] for term in query.terms)
        pairs = [str(_pair(*two)) for phrase in phrases for two in pairwise(phrase)]
        return f"{{{','.join(pairs)}}}" if pairs else ""

    def _names(self, query: Query) -> list[str]:
        names = [*(SPEAKER_PREFIX + name for name in query.speakers)]
        names += [GUEST_PREFIX + name for name in query.guests]
        return [self._phrase(QueryTerm((name,)), "") for name in names]

    def _exact(self, term: QueryTerm, prefix: str) -> list[str]:
        return [self._phrase(term, prefix)]

    def _forms(self, term: QueryTerm, prefix: str) -> list[str]:
        stems = [self._phrase(QueryTerm((stem,)), prefix) for stem in term.stems]
        return [self._phrase(term, prefix), *stems]

    def _beginnings(self, term: QueryTerm, prefixes: tuple[str, ...] = OPEN_PREFIXES) -> list[str]:
        """Return the expressions for words that a last word may be the beginning of."""
        beginning = QueryTerm(term.words, is_prefix=True)
        return [self._phrase(beginning, prefix) for prefix in prefixes] if term.is_last else []

    def _any_of(self, forms: list[str]) -> str:
        return f"({self.or_operator.join(forms)})" if len(forms) > 1 else forms[0]

    def _phrase(self, term: QueryTerm, prefix: str) -> str:
        words = [prefix + word for word in term.words]
        return self.phrase.format(self.phrase_separator.join(words)) + (
            self.prefix_suffix if term.is_prefix else ""
        )

    def add_rows(self, connection: Connection, source: MatchTable, low: int, high: int) -> None:
        """Insert rows with ids from `low` to `high` into a match table."""
        statement = self.insert_words_sql if source == "words" else self.insert_titles_sql
        self._change(connection, statement, source, low, high)

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


def _whole_words(term: QueryTerm) -> tuple[str, ...]:
    return term.words[:-1] if term.is_prefix else term.words


def _pair(first: str, second: str) -> int:
    """Return the 16 bits that stand for two neighbours, as PAIRS computes them."""
    digest = hashlib.md5(f"{first} {second}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:4], 16) - (1 << 15)


# Phrases are of the words of the text; what is added to find names and stems is in none.
PAIRS = """
    SELECT array_agg(DISTINCT CAST(CAST(CAST(
        'x' || left(md5(word || ' ' || next_word), 4) AS bit(16)) AS integer) - 32768 AS smallint))
    FROM (
        SELECT word, lead(word) OVER (ORDER BY place) AS next_word
        FROM unnest(string_to_array(body, ' ')) WITH ORDINALITY AS words (word, place)
    ) AS neighbours
    WHERE (strpos(word, '§') = 0 AND strpos(next_word, '§') = 0) OR (word LIKE 'p§%' AND next_word LIKE 'p§%')
"""
# Written out instead of to_tsvector, whose parser would split words in its own way.
VECTOR = """
    SELECT string_agg(quote_literal(word) || chr(58) || place, ' ')
    FROM unnest(string_to_array(body, ' ')) WITH ORDINALITY AS words (word, place)
"""

SQLITE_INSERT = (
    "INSERT INTO {match} (rowid, body) SELECT id, body FROM {table} WHERE id BETWEEN :low AND :high"
)
SQLITE = SqlDialect(
    session_settings="",
    id_column="rowid",
    match_condition="{match} MATCH :{parameter}",
    insert_titles_sql=SQLITE_INSERT,
    insert_words_sql=SQLITE_INSERT,
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
    or_operator=" OR ",
    pairs_condition="",
    strpos_function="instr",
    least_function="min",
    joined_ids="group_concat(id)",
    ids_subquery="SELECT value FROM json_each(:ids)",
    words_of_json="(SELECT value FROM json_each(:words))",
)

POSTGRESQL = SqlDialect(
    # A custom plan for each query: the index for a rare word, a scan from the newest row for a common one.
    # JIT compilation takes longer than any of these queries.
    session_settings=(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)"
    ),
    id_column="id",
    match_condition="{match}.body @@ CAST(:{parameter} AS tsquery)",
    insert_titles_sql=(
        f"INSERT INTO {{match}} (id, body) SELECT id, CAST(({VECTOR}) AS tsvector) "  # noqa: S608
        "FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    insert_words_sql=(
        f"INSERT INTO {{match}} (id, body, pairs) SELECT id, CAST(({VECTOR}) AS tsvector), "  # noqa: S608
        f"({PAIRS}) "
        "FROM {table} WHERE id BETWEEN :low AND :high"
    ),
    delete_sql="DELETE FROM {match} WHERE id BETWEEN :low AND :high",
    optimize_sql="ANALYZE {match}",
    erase_sql=(
        "SET lock_timeout = '10s'",
        *(
            f"VACUUM FULL {table}"
            for table in (
                "search_passages",
                "search_words",
                "search_episodes",
                "search_titles",
                "search_vocabulary",
            )
        ),
        "RESET lock_timeout",
    ),
    needs_autocommit=True,
    phrase="'{}'",
    phrase_separator="' <-> '",
    prefix_suffix=":*",
    and_operator=" & ",
    or_operator=" | ",
    pairs_condition="search_words.pairs @> CAST(:pairs AS smallint[])",
    strpos_function="strpos",
    least_function="least",
    joined_ids="string_agg(CAST(id AS text), ',')",
    ids_subquery="SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))",
    words_of_json="(SELECT value FROM json_array_elements_text(CAST(:words AS json)))",
)

DIALECTS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
