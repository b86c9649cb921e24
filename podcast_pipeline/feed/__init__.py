"""RSS feeds: rendering, checking, comparing and parsing; one document for one audience.

rss renders a feed (feedgen_extension adds the itunes: and podcast: tags, show_notes converts Markdown,
private builds the addresses behind a token, notice builds the item of a lapsed subscriber, paging splits a
long archive); conformance checks a feed against the rules; app_impact predicts how apps react to a change;
visible_changes lists the differences that a listener sees; parse reads another host's feed.
"""
