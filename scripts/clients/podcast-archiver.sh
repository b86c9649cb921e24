#!/bin/bash
# podcast-archiver, from .venv-archiver where scripts/install_test_parts.sh has put it, else from the PATH.
. "$(dirname "$0")/common.sh"
PATH="$here/../../.venv-archiver/bin:$PATH"
timeout "$limit" podcast-archiver -f "$feed" -d "$work/files" \
  --database "$work/archive.db" </dev/null 2>&1 | tail -5
compare
