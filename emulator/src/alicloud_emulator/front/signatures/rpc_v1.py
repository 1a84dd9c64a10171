"""The older RPC signature: HMAC-SHA1 over all parameters, in query or form.

Source: the RPC signature page ("Request signatures"); fact sheet 0.1.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha1, sha256

from alicloud_emulator.front.signatures.acs3 import check_time
from alicloud_emulator.front.signatures.claim import (
    Claim,
    canonical_query,
    percent_encoded,
    same,
)
from alicloud_emulator.world.errors import ServiceError

_DIGESTS = {"HMAC-SHA1": sha1, "HMAC-SHA256": sha256}

Pairs = Sequence[tuple[str, str]]


def is_meant(pairs: Pairs) -> bool:
    """Whether parameters are signed this way (rightly or not)."""
    return any(key in {"Signature", "AccessKeyId"} for key, _ in pairs)


def read(method: str, pairs: Pairs, *, now: float) -> Claim:
    """Return what the parameters claim.

    Args:
        method: HTTP method.
        pairs: Parameters of query and form together.
        now: Unix time in seconds.

    Raises:
        ServiceError: A signature parameter is missing or malformed, or the time stale.
    """
    given = dict(reversed(pairs))
    if not given.get("AccessKeyId"):
        raise missing_access_key()
    digest = _DIGESTS.get(given.get("SignatureMethod", "HMAC-SHA1"))
    if digest is None or not given.get("Signature"):
        raise ServiceError(
            "IncompleteSignature",
            400,
            "The request signature does not conform to Aliyun standards.",
        )
    check_time(given.get("Timestamp", ""), now)

    def mismatch(secret: str) -> ServiceError | None:
        to_sign = _string_to_sign(method, pairs)
        mac = hmac.new(f"{secret}&".encode(), to_sign.encode(), digest)
        expected = b64encode(mac.digest()).decode()
        # A client that forgot to encode the signature turns "+" into a space.
        if same(expected, given["Signature"].replace(" ", "+")):
            return None
        return ServiceError(
            "SignatureDoesNotMatch",
            400,
            "Specified signature is not matched with our calculation."
            f" server string to sign is:{to_sign}",
        )

    return Claim(
        way="rpc",
        access_key_id=given["AccessKeyId"],
        security_token=given.get("SecurityToken", ""),
        nonce=given.get("SignatureNonce", ""),
        mismatch=mismatch,
    )


def missing_access_key() -> ServiceError:
    """Return the error of an RPC call that is not signed at all."""
    return ServiceError(
        "MissingAccessKeyId", 400, "AccessKeyId is mandatory for this action."
    )


def _string_to_sign(method: str, pairs: Pairs) -> str:
    query = canonical_query(pair for pair in pairs if pair[0] != "Signature")
    return f"{method}&%2F&{percent_encoded(query)}"
