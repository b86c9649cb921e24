#!/bin/bash
# gPodder's command line (Debian: gpodder). Updates a second time: the server should see If-None-Match.
. "$(dirname "$0")/common.sh"
export GPODDER_HOME=$work/gpodder GPODDER_DOWNLOAD_DIR=$work/files
mkdir -p "$GPODDER_HOME"
timeout "$limit" gpo subscribe "$feed" </dev/null 2>&1 | grep -v WARNING
timeout "$limit" gpo download </dev/null 2>&1 | tail -3
timeout "$limit" gpo update </dev/null 2>&1 | tail -1
compare
