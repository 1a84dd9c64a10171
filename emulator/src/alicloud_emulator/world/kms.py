"""The key that object storage makes for itself; the rest of KMS is ``products/kms``."""

import hashlib


def storage_key_id(account_id: str, region: str) -> str:
    """Return the id of the key that object storage makes for an account."""
    text = f"{account_id}:{region}:oss".encode()
    return key_id(hashlib.sha256(text).digest()[:16])


def key_id(data: bytes) -> str:
    """Return a key's id of 16 bytes."""
    digits = data.hex()
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32])
    return "-".join(parts)
