"""Server-side encryption: what requests ask for, and what is said of objects."""

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.world.oss.encryption import EncryptionWish
from alicloud_emulator.world.oss.values import Encryption

_HEADER = "x-oss-server-side-encryption"
_DATA_HEADER = "x-oss-server-side-data-encryption"
_KEY_HEADER = "x-oss-server-side-encryption-key-id"


def asked(call: Call) -> Encryption | None:
    """Return the encryption that the headers ask for.

    Raises:
        ServiceError: InvalidEncryptionAlgorithmError, InvalidArgument.
    """
    return EncryptionWish(
        algorithm=call.header(_HEADER),
        data=call.header(_DATA_HEADER),
        key_id=call.header(_KEY_HEADER),
    ).settled()


def refuse(call: Call) -> None:
    """Refuse encryption headers where they have no place: with parts of an upload.

    Raises:
        ServiceError: InvalidArgument.
    """
    for name in (_HEADER, _DATA_HEADER, _KEY_HEADER):
        if call.header(name):
            call.bad_argument(name, call.header(name))


def headers(encryption: Encryption | None) -> dict[str, str]:
    """Return the headers that tell of an object's encryption."""
    if encryption is None:
        return {}
    told = {
        _HEADER: encryption.algorithm,
        _DATA_HEADER: encryption.data,
        _KEY_HEADER: encryption.key_id,
    }
    return {name: value for name, value in told.items() if value}


def rule(encryption: Encryption) -> list[xml.Node]:
    """Return the elements of a bucket's rule; an absent key id is left out."""
    return [
        ("SSEAlgorithm", encryption.algorithm),
        ("KMSMasterKeyID", encryption.key_id or None),
        ("KMSDataEncryption", encryption.data or None),
    ]
