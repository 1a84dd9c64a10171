"""What signatures of version 4 have in common, of requests and of forms.

Source: https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
"""

import hmac
from hashlib import sha256

ALGORITHM = "OSS4-HMAC-SHA256"
TERMINAL = "aliyun_v4_request"
"""The last part of a credential's scope."""


def signing_key(secret: str, day: str, region: str) -> bytes:
    """Return the key that signs for a day (``20261122``) and a region."""
    key = f"aliyun_v4{secret}".encode()
    for step in (day, region, "oss", TERMINAL):
        key = hmac.new(key, step.encode(), sha256).digest()
    return key
