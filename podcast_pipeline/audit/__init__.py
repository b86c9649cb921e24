"""Checks a running site from outside: nothing leaks, and subscribers get everything they paid for.

    secrets        restricted transcript text and tokens, and the search for leaks of them
    visitors       visitors without a token, with a made-up one, and with real ones in every state
    pages          every page, file and guessed URL, and every link on them
    feeds          private feeds: rules P2, P5, P6
    episode_links  one-episode links: whom they let read what, where they stand
    storage        the bucket without credentials; all public bytes
    logs_and_mail  log files and folders of mail
    run            the whole audit

The audit creates nothing: `cli` passes the transcripts, the canaries' tokens and `store.anonymous()`. The
expected answers for each visitor are written here a second time, independent of `access`.
"""

from podcast_pipeline.audit.finding import AuditFinding
from podcast_pipeline.audit.run import AuditTarget, run_audit
from podcast_pipeline.audit.secrets import RestrictedText
from podcast_pipeline.audit.visitors import AuditResponse, AuditVisitor, VisitorKind

__all__ = [
    "AuditFinding",
    "AuditResponse",
    "AuditTarget",
    "AuditVisitor",
    "RestrictedText",
    "VisitorKind",
    "run_audit",
]
