#!/bin/bash
# podcast-archiver (pip, in an environment of its own; PODCAST_ARCHIVER names the command).
. "$(dirname "$0")/common.sh"
timeout "$limit" "${PODCAST_ARCHIVER:-podcast-archiver}" -f "$feed" -d "$work/files" \
  --database "$work/archive.db" </dev/null 2>&1 | tail -5
compare
