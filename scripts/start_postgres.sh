#!/usr/bin/env bash
# A throw-away PostgreSQL (Debian's: apt-get install postgresql) on 127.0.0.1.
#   scripts/start_postgres.sh DIR PORT start|stop
# Then: PODCAST_DATABASE_URL=postgresql://pod@127.0.0.1:PORT/postgres
# Its data is not safe (no fsync), and anybody on this machine may log in: for tests only.
set -euo pipefail

if [ $# -ne 3 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
dir=$1 port=$2 action=$3
PATH=$PATH:/usr/sbin  # runuser, where a short PATH leaves it out

bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ]; then
    echo "no PostgreSQL here; apt-get install postgresql" >&2
    exit 1
fi

# initdb refuses root, so root works as user postgres, who must be able to enter DIR.
if [ "$(id -u)" -eq 0 ]; then
    as() { (cd / && runuser -u postgres -- "$@"); }
    install -d -o postgres -g postgres -m 0700 "$dir"
else
    as() { "$@"; }
    mkdir -p "$dir"
fi

case $action in
start)
    as test -d "$dir/data" || as "$bin/initdb" -D "$dir/data" -A trust -U pod -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    options="-p $port -k $dir -c listen_addresses=127.0.0.1"
    options="$options -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    as "$bin/pg_ctl" -D "$dir/data" -w -t 30 -l "$dir/log" -o "$options" start >/dev/null
    ;;
stop)
    as "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
    ;;
*)
    echo "$action: start or stop" >&2
    exit 2
    ;;
esac
