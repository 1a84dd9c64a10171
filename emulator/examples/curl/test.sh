#!/bin/sh
# The test: it runs itself again inside a cloud, which is gone afterwards.
set -eu
cd "$(dirname "$0")"
[ -n "${ALICLOUD_EMULATOR_CONSOLE:-}" ] || exec alicloud-emulator exec -- ./test.sh

file=$(mktemp)
trap 'rm -f "$file"' EXIT
echo important >"$file"

./backup.sh "$file" backups first
curl --silent "$ALICLOUD_EMULATOR_CONSOLE/state" | grep -q '"key": "first"'
echo "ok: the file is there"

curl --silent --output /dev/null "$ALICLOUD_EMULATOR_CONSOLE/faults" \
  --data '{"do": "refuse", "action": "PutObject", "code": "QuotaExceeded", "status": 403}'
if ./backup.sh "$file" backups second >/dev/null 2>&1; then
  echo "not ok: a refused upload passes for a good one"
  exit 1
fi
echo "ok: a refusal is told"
