"""Key Management Service, as far as encryption on the client's side goes.

Keys are made with CreateKey; one more, the key that object storage uses, is there in
every region from the start. Ciphertexts carry the id of their key and can be read in
its region only, with the same encryption context.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

PLAINTEXT_BYTES_MAX = 6 * 1024
_ID_BYTES = 36
_NONCE_BYTES = 12
_KEYS_MAX = 10_000


@dataclass(frozen=True, kw_only=True)
class Key:
    """A customer master key; ``created_at`` in Unix seconds."""

    id: str
    account_id: str
    region: str
    description: str = ""
    created_at: float = 0.0

    @property
    def arn(self) -> str:
        """Return the key's resource name."""
        return f"acs:kms:{self.region}:{self.account_id}:key/{self.id}"


class Kms:
    """Keys of every account in every region."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._keys: dict[str, Key] = {}

    def create(self, caller: Caller, region: str, description: str) -> Key:
        """Make a key.

        Raises:
            ServiceError: NoPermission; Rejected.LimitExceeded.
        """
        account = caller.account_id
        resource = f"acs:kms:{region}:{account}:key/*"
        self._world.ram.authorize(caller, "kms:CreateKey", resource)
        if len(self._keys) >= _KEYS_MAX:
            raise ServiceError("Rejected.LimitExceeded", 409, "Too many keys.")
        name = self._world.rng.randbytes(16).hex()
        key = Key(
            id=_dashed(name),
            account_id=account,
            region=region,
            description=description,
            created_at=self._world.agenda.now,
        )
        self._keys[key.id] = key
        return key

    def find(self, caller: Caller, region: str, key_id: str, action: str) -> Key:
        """Return a key that the caller may do ``action`` with.

        Raises:
            ServiceError: Forbidden.KeyNotFound; NoPermission.
        """
        own = Key(
            id=storage_key_id(caller.account_id, region),
            account_id=caller.account_id,
            region=region,
        )
        key = own if key_id == own.id else self._keys.get(key_id)
        if key is None or (key.account_id, key.region) != (own.account_id, region):
            raise ServiceError(
                "Forbidden.KeyNotFound", 404, "The specified Key is not found."
            )
        self._world.ram.authorize(caller, f"kms:{action}", key.arn)
        return key

    def new_data_key(
        self, caller: Caller, region: str, key_id: str, size: int, context: bytes
    ) -> tuple[Key, bytes, str]:
        """Return the key, a new data key of ``size`` bytes, and its ciphertext.

        What is encrypted is the data key in base64, which is how Decrypt gives it back.

        Raises:
            ServiceError: As ``find``; InvalidParameter: 1 to 1024 bytes.
        """
        key = self.find(caller, region, key_id, "GenerateDataKey")
        if not 1 <= size <= 1024:
            raise invalid("NumberOfBytes")
        data_key = self._world.rng.randbytes(size)
        return key, data_key, self._sealed(key, b64encode(data_key), context)

    def encrypt(
        self, caller: Caller, region: str, key_id: str, plaintext: bytes, context: bytes
    ) -> tuple[Key, str]:
        """Return the key, and the ciphertext.

        Raises:
            ServiceError: As ``find``; InvalidParameter: too long.
        """
        key = self.find(caller, region, key_id, "Encrypt")
        if len(plaintext) > PLAINTEXT_BYTES_MAX:
            raise invalid("Plaintext")
        return key, self._sealed(key, plaintext, context)

    def decrypt(
        self, caller: Caller, region: str, ciphertext: str, context: bytes
    ) -> tuple[Key, bytes]:
        """Return the key, and the plaintext.

        Raises:
            ServiceError: As ``find``; InvalidCiphertext: changed, of another region,
                or of another context.
        """
        wrong = ServiceError(
            "InvalidCiphertext", 400, "The specified ciphertext is invalid."
        )
        try:
            whole = b64decode(ciphertext, validate=True)
            key_id = whole[:_ID_BYTES].decode("ascii")
        except ValueError:
            raise wrong from None
        key = self.find(caller, region, key_id, "Decrypt")
        nonce = whole[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        try:
            plaintext = self._cipher(key).decrypt(
                nonce, whole[_ID_BYTES + _NONCE_BYTES :], context
            )
        except (InvalidTag, ValueError):
            raise wrong from None
        return key, plaintext

    def _sealed(self, key: Key, plaintext: bytes, context: bytes) -> str:
        nonce = self._world.rng.randbytes(_NONCE_BYTES)
        sealed = self._cipher(key).encrypt(nonce, plaintext, context)
        return b64encode(key.id.encode() + nonce + sealed).decode()

    @staticmethod
    def _cipher(key: Key) -> AESGCM:
        """Return what seals with a key; there are no secrets in an emulated cloud."""
        return AESGCM(hashlib.sha256(key.arn.encode()).digest())


def storage_key_id(account_id: str, region: str) -> str:
    """Return the id of the key that object storage makes for an account."""
    text = f"{account_id}:{region}:oss".encode()
    return _dashed(hashlib.sha256(text).hexdigest()[:32])


def invalid(name: str) -> ServiceError:
    """Return the error for a parameter's value."""
    return ServiceError(
        "InvalidParameter", 400, f"The specified parameter {name} is not valid."
    )


def _dashed(digits: str) -> str:
    return "-".join(
        (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32])
    )
