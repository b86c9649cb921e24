"""Finds words in the archive: one interface over SQLite FTS5 and PostgreSQL full text.

    normalize  text to folded words, the same on both databases      query      a visitor's query, parsed
    rows       an episode and its transcript as rows                 results    hits and snippets
    dialects   the full-text SQL of each database                    ranking    BM25 over passages
    index      keeps the index in step with the catalog              run_query  runs one query

The first four (normalize, query, rows, results) are pure.
"""

from podcast_pipeline.search.index import SearchIndex
from podcast_pipeline.search.query import Query, parse_query
from podcast_pipeline.search.results import EpisodeHit, HighlightSpan, PassageHit, SearchResults, Snippet

__all__ = [
    "EpisodeHit",
    "HighlightSpan",
    "PassageHit",
    "Query",
    "SearchIndex",
    "SearchResults",
    "Snippet",
    "parse_query",
]
