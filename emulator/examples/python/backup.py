"""Keep the newest backups of a file in object storage: backup.py FILE BUCKET."""

import base64
import hashlib
import hmac
import os
import sys
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from email.utils import formatdate
from pathlib import Path

KEPT = 3
TRIES = 4
HOST = "oss-eu-central-1.aliyuncs.com"


def call(
    method: str, bucket: str, key: str = "", query: str = "", body: bytes = b""
) -> bytes:
    """Make a call to object storage, again where that may help."""
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(
                _request(method, bucket, key, query, body)
            ) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == TRIES - 1:
                raise
        except OSError:  # no answer: nobody knows whether it was done
            if attempt == TRIES - 1:
                raise
        time.sleep(0.1 * 2**attempt)
    raise AssertionError("not reached")


def _request(
    method: str, bucket: str, key: str, query: str, body: bytes
) -> urllib.request.Request:
    date = formatdate(usegmt=True)
    kind = "application/octet-stream"
    text = f"{method}\n\n{kind}\n{date}\n/{bucket}/{key}"
    secret = os.environ["OSS_ACCESS_KEY_SECRET"].encode()
    signature = base64.b64encode(
        hmac.digest(secret, text.encode(), hashlib.sha1)
    ).decode()
    headers = {
        "Date": date,
        "Content-Type": kind,
        "Authorization": f"OSS {os.environ['OSS_ACCESS_KEY_ID']}:{signature}",
    }
    url = f"https://{bucket}.{HOST}/{key}{query}"
    return urllib.request.Request(
        url, data=body or None, headers=headers, method=method
    )


def backups(bucket: str) -> list[str]:
    """Return the keys of the backups, the oldest first."""
    listing = ET.fromstring(call("GET", bucket, query="?prefix=backup-"))
    return sorted(key.text or "" for key in listing.iter("Key"))


def backup(file: Path, bucket: str) -> str:
    """Put a file into the bucket, remove all but the newest, and return its key."""
    call("PUT", bucket)
    key = f"backup-{time.time_ns():020d}"
    call("PUT", bucket, key, body=file.read_bytes())
    for old in backups(bucket)[:-KEPT]:
        call("DELETE", bucket, old)
    return key


if __name__ == "__main__":
    print(backup(Path(sys.argv[1]), sys.argv[2]))
