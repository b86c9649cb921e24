"""Proves from outside that nothing leaks and that what was paid for can be had.

    secrets     which text and tokens nobody, or not everybody, may see; where they were found
    asking      visitors: nobody, made-up and real tokens in every state; what they were answered
    pages       every page, file and guess, and every link on them
    feeds       private feeds: rules P2, P5, P6
    storage     the bucket without credentials; every byte that is public
    papers      log files and mails that the audit is pointed at

The audit makes nothing and decides nothing: `cli` hands it the transcripts, the canaries' tokens and
`store.anonymous()`. What each visitor is to get stands here a second time, apart from `access`.
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
