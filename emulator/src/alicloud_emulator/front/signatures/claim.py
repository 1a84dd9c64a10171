"""What a signed request claims, and how the claim is checked."""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from alicloud_emulator.world.errors import ServiceError

if TYPE_CHECKING:
    from alicloud_emulator.front.signatures.aws_v4 import Parts

SKEW_S_MAX = 15 * 60
"""A request may be this old, or this far in the future. [fact sheet 2.5]"""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A request's signature, taken apart.

    Attributes:
        way: ``acs3``, ``rpc``, ``oss-v4``, ``oss-v2``, ``oss-v1``, ``aws-v4`` or
            ``aws-v2``.
        nonce: Must not be used twice; "" where the way of signing has none.
        mismatch: Given the secret, returns None if the signature is right, else the
            error to raise.
        body: What the body must be, where the signature covers it.
        aws: AWS's signature of version 4, from which those of a body's chunks go on.
    """

    way: str
    access_key_id: str
    security_token: str
    mismatch: Callable[[str], ServiceError | None]
    nonce: str = ""
    body: "SignedBody | None" = None
    aws: "Parts | None" = None


@dataclass(frozen=True, kw_only=True)
class SignedBody:
    """What a signature says of the body, which is checked as it comes.

    Attributes:
        sha256: In hex.
        refusal: Returns the error to raise where it is another.
    """

    sha256: str
    refusal: Callable[[], ServiceError]


def percent_encoded(text: str, *, safe: str = "") -> str:
    """Encode as RFC 3986 says: all but unreserved characters."""
    if text.isascii() and text.isalnum():  # most are, and ``quote`` is slow
        return text
    return quote(text, safe=f"~{safe}")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs encoded, sorted and joined, each with its ``=``."""
    encoded = sorted((percent_encoded(k), percent_encoded(v)) for k, v in pairs)
    return "&".join(f"{key}={value}" for key, value in encoded)


def same(expected: str, given: str) -> bool:
    """Compare two signatures in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())


@lru_cache(maxsize=64)  # clients that call often send the same second often
def unix_time(text: str) -> float | None:
    """Return the Unix time of an ISO 8601 (either form) or RFC 1123 date, or None.

    Fractions of a second are taken: JavaScript's ``toISOString`` writes them, and
    ``ali-oss`` sends that to STS.
    """
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp()
    except (OverflowError, ValueError):
        return None


def iso_time(unix_s: float) -> str:
    """Return a Unix time as OSS writes it in error bodies."""
    # Not strftime, which writes the year 1 with one digit.
    return f"{datetime.fromtimestamp(int(unix_s), UTC).isoformat()[:19]}.000Z"
