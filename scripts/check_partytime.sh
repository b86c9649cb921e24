#!/bin/sh
# Read a feed with Podcast Index's own parser and print what it understood, as JSON.
# The first run installs the parser into node_modules, which git ignores.
# Usage: scripts/check_partytime.sh FEED.xml
set -eu
cd "$(dirname "$0")/.."
test -d node_modules/podcast-partytime ||
  npm install --no-save --no-package-lock --no-audit --no-fund --silent podcast-partytime@5.0.0 >&2
LOG=silent exec node scripts/partytime.cjs "${1:-tests/data/feeds/ordinary.public.xml}"
