"""Subscribers, their feed tokens, browser sessions, notifications and personal data.

`repository` adds and changes subscribers, `tokens` makes and parses feed tokens, `sessions` and `signin`
serve browsers, `notifications` and `unsubscribe_token` mail; `csv` imports and exports, `privacy` contains
the data export, retention and the audit log. Every change takes `now` and its origin and writes an entry
into the audit log.
"""

from podcast_pipeline.audience.subscribers.repository import Subscribers

__all__ = ["Subscribers"]
