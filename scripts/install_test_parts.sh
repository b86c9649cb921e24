#!/bin/sh
# What some tests drive and the project itself never needs; without one, its tests say so and are skipped.
#   chromium                  the reader's pages in a real browser
#   gpodder newsboat podget   real podcast clients (podboat needs tmux, podget wget)
#   podcast-archiver          one more, from PyPI, in an environment of its own
#   localstripe               a stateful fake of Stripe (GPL), from PyPI, in an environment of its own
#   postgresql                the database of a larger show
#   nginx-light               the proxy of docs/how-to/privacy.md
#   epubcheck                 W3C's judge of an EPUB
#   gcc                       compiles the library that cuts the power
#   nodejs npm                podcast-partytime, Podcast Index's feed parser; oidc-provider, for sign-in
set -eu
cd "$(dirname "$0")/.."
missing=""
for package in chromium gpodder newsboat podget tmux wget postgresql nginx-light epubcheck gcc; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' \
    || missing="$missing $package"
done
command -v npm >/dev/null || missing="$missing nodejs npm"
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || { echo "run as root: apt-get has to install$missing" >&2; exit 1; }
  apt-get update --quiet --quiet
  # shellcheck disable=SC2086  (a list of names)
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends $missing
fi
[ -x .venv-archiver/bin/podcast-archiver ] || {
  "${PYTHON:-python3}" -m venv .venv-archiver
  .venv-archiver/bin/pip install --quiet --disable-pip-version-check podcast-archiver==2.3.5
}
[ -x .venv-localstripe/bin/localstripe ] || {
  "${PYTHON:-python3}" -m venv .venv-localstripe
  .venv-localstripe/bin/pip install --quiet --disable-pip-version-check localstripe==1.15.10
}
scripts/check_partytime.sh >/dev/null
scripts/oidc_provider.sh
