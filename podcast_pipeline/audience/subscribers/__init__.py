"""Who may read: subscribers, their feed tokens and their sessions.

`repository` adds and changes subscribers, `tokens` makes and reads feed tokens, `sessions` and `signin`
are for browsers, `importers` and `exports` speak CSV, `retention` forgets, `dossier` tells all.
Every change is a function that takes `now` and its origin and leaves an entry in the audit log.
"""

from podcast_pipeline.audience.subscribers.repository import Subscribers

__all__ = ["Subscribers"]
