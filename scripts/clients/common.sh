# Sourced by the scripts beside it. Each is called as NAME.sh FEED_URL and leaves with 0 only when a real podcast
# app has fetched every enclosure of the feed byte for byte, and the feed's lengths are right.
# PYTHON: an interpreter with httpx. SECONDS_EACH: the longest that one run of the app may take.
set -u
feed=${1:?usage: $0 FEED_URL}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work XDG_CONFIG_HOME=$work/.config XDG_DATA_HOME=$work/.local/share XDG_CACHE_HOME=$work/.cache
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
mkdir -p "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" "$XDG_CACHE_HOME" "$work/files"
limit=${SECONDS_EACH:-60}
compare() { "${PYTHON:-python3}" "$here/compare.py" "$feed" "$work/files"; }
