"""What signatures of version 4 have in common, of requests and of forms.

Source: https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
"""

import hmac
from functools import reduce
from hashlib import sha256

ALGORITHM = "OSS4-HMAC-SHA256"
TERMINAL = "aliyun_v4_request"
"""The last part of a credential's scope."""


AWS_ALGORITHM = "AWS4-HMAC-SHA256"
AWS_TERMINAL = "aws4_request"
"""The same of the S3-compatible API."""


def signing_key(secret: str, day: str, region: str) -> bytes:
    """Return the key that signs for a day (``20261122``) and a region."""
    return _derived(f"aliyun_v4{secret}", day, region, "oss", TERMINAL)


def aws_signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """Return the key that AWS's clients sign with."""
    return _derived(f"AWS4{secret}", day, region, service, AWS_TERMINAL)


def _derived(secret: str, *steps: str) -> bytes:
    return reduce(
        lambda key, step: hmac.new(key, step.encode(), sha256).digest(),
        steps,
        secret.encode(),
    )
