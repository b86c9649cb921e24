#!/bin/sh
# The main job on the sample episode, with the embedded defaults; a second run finds nothing to do.
set -eu
cd "$(dirname "$0")/.."
podcast=.venv/bin/podcast
address=reader@example.org

[ -n "${PODCAST_DATABASE_URL:-}" ] || [ -e .podcast/podcast.db ] || $podcast --quiet db init
$podcast publish --yes two-winters-and-a-will
$podcast --quiet subscribers add "$address"
echo
$podcast subscribers link "$address"
echo
echo "Now run: $podcast serve"
echo "and open the links above: the feed in any podcast app, the page in a browser."
