#!/bin/bash
# newsboat (Debian: newsboat, tmux) fetches the feed, podboat, which needs a terminal, the enclosures.
. "$(dirname "$0")/common.sh"
rm -rf "$XDG_CONFIG_HOME"
boat=$work/.newsboat
mkdir -p "$boat"
echo "\"$feed\"" > "$boat/urls"
cat > "$boat/config" <<CONFIG
podcast-auto-enqueue yes
download-path "$work/files/"
download-filename-format "%u"
max-downloads 2
download-timeout 20
CONFIG
timeout "$limit" newsboat -C "$boat/config" -u "$boat/urls" -c "$boat/cache.db" -x reload </dev/null
tmux="tmux -L podboat$$"
$tmux new-session -d -x 100 -y 30 "TERM=screen podboat -C $boat/config -q $boat/queue -a"
for _ in $(seq "$limit"); do
  sleep 1
  compare >/dev/null 2>&1 && break
done
$tmux kill-session 2>/dev/null
compare
