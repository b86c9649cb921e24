"""Finds words in the archive: one interface over SQLite FTS5 and PostgreSQL full text.

    normalize  text to folded words, the same on both databases      query      a visitor's query, parsed
    stems      other forms of a word, by language                    results    hits and snippets
    rows       an episode and its transcript as rows                 ranking    BM25 over passages
    dialects   the full-text SQL of each database                    run_query  runs one query
    vocabulary words to suggest                                      editions   what searches keep
    index      keeps the index in step with the catalog, and searches it

Those of normalize, stems, query, rows and results are pure.
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
