"""Finds words in the archive: one interface over SQLite FTS5 and PostgreSQL full text.

    words     text into folded words, the same on both databases     query     what a visitor typed
    layout    an episode and its transcript as rows                  results   snippets
    matching  the full text of each database                         ranking   who comes first
    index     keeps the index up to the catalog                      asking    one question

The first four are pure.
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
