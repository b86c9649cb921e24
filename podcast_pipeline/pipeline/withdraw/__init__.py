"""Take back what was published: a version of the words, a passage with its sound, or an episode.

The order: new objects, catalog, feed, the folder cleaned, old objects removed. From the catalog on nobody is
served the words; what a killed run left is in the catalog's `pending_keys`, and `withdraw` or `release`
finishes it.
"""
