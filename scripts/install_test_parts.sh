#!/bin/sh
# Debian packages that some tests drive; without one, its tests say so and are skipped.
#   chromium                  the reader's pages in a real browser
#   gpodder newsboat podget   real podcast clients (tmux: podboat needs a terminal)
#   postgresql                the database of a larger show
#   nodejs npm                Podcast Index's feed parser
set -eu
[ "$(id -u)" = 0 ] || { echo "run as root: apt-get installs packages" >&2; exit 1; }
missing=""
for package in chromium gpodder newsboat podget tmux postgresql; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' \
    || missing="$missing $package"
done
command -v npm >/dev/null || missing="$missing nodejs npm"
[ -z "$missing" ] && exit 0
apt-get update --quiet --quiet
# shellcheck disable=SC2086  (a list of names)
DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends $missing
