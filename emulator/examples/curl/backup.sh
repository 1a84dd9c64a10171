#!/bin/sh
# Put a file into a bucket: backup.sh FILE BUCKET KEY
set -eu

call() { # METHOD BUCKET KEY [curl options]
  method=$1 bucket=$2 key=$3
  shift 3
  date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
  signature=$(printf '%s\n\n\n%s\n/%s/%s' "$method" "$date" "$bucket" "$key" |
    openssl dgst -sha1 -hmac "$OSS_ACCESS_KEY_SECRET" -binary | base64)
  curl --fail-with-body --silent --show-error --request "$method" \
    --header "Date: $date" --header "Content-Type:" \
    --header "Authorization: OSS $OSS_ACCESS_KEY_ID:$signature" \
    "$@" "https://$bucket.oss-eu-central-1.aliyuncs.com/$key"
}

call PUT "$2" ''
call PUT "$2" "$3" --upload-file "$1"
call GET "$2" "$3" | cmp - "$1"
