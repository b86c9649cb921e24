#!/bin/bash
# podget (Debian: podget), which fetches with wget.
. "$(dirname "$0")/common.sh"
timeout 20 podget -d "$work/podget" --create-config podgetrc </dev/null >/dev/null 2>&1
sed -i -e "s#^DIR_LIBRARY=.*#DIR_LIBRARY=$work/files#" -e "s#^MIN_SPACE=.*#MIN_SPACE=10000#" \
  -e "s#^NO_PLAYLIST=.*#NO_PLAYLIST=1#" "$work/podget/podgetrc"
echo "$feed Category Show" > "$work/podget/serverlist"
timeout "$limit" podget -d "$work/podget" -c podgetrc </dev/null >"$work/log" 2>&1
compare
