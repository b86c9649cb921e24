"""Feeds of other hosts: checked over HTTP, and imported with their items unchanged.

`importer` runs an import: `item` imports one item, `files` its audio, pictures and chapters into storage,
`show` the channel into show.toml. The import writes no feed; `podcast rebuild` does.
"""
