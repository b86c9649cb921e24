"""The feed, one RSS document for one audience.

rss renders it (namespace adds the itunes: and podcast: tags to feedgen, notes turns Markdown into what
apps show, private holds the addresses behind a token, notice the item a lapsed subscriber sees);
conformance says which rule a feed breaks and where; history says what apps would do with a change.
"""
