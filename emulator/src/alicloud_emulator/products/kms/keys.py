"""Keys, and what they seal.

Keys are made with CreateKey; one more, the key that object storage uses, is there in
every region from the start. Ciphertexts carry the id of their key and can be read in
its region only, with the same encryption context.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.world.facts import Facts
from alicloud_emulator.world.kms import key_id, storage_key_id
from alicloud_emulator.world.world import World

FACTS = Facts(__package__)

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

    @property
    def cipher(self) -> AESGCM:
        """Return what seals with the key; there are no secrets in an emulated cloud."""
        return AESGCM(hashlib.sha256(self.arn.encode()).digest())


class Keys:
    """Keys of every account in every region."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: dict[str, Key] = {}

    def make(self, call: Call, description: str) -> Key:
        """Make a key.

        Raises:
            ServiceError: NoPermission; Rejected.LimitExceeded.
        """
        account_id, region = call.caller.account_id, call.host_region
        resource = f"acs:kms:{region}:{account_id}:key/*"
        self._world.ram.authorize(call.caller, "kms:CreateKey", resource)
        if len(self._made) >= _KEYS_MAX:
            raise FACTS.refusal("Rejected.LimitExceeded")
        key = Key(
            id=key_id(self._world.rng.randbytes(16)),
            account_id=account_id,
            region=region,
            description=description,
            created_at=self._world.agenda.now,
        )
        self._made[key.id] = key
        return key

    def of(self, account_id: str, region: str) -> list[Key]:
        """Return the keys that an account made in a region."""
        where = (account_id, region)
        return [k for k in self._made.values() if (k.account_id, k.region) == where]

    def find(self, call: Call, wanted: str) -> Key:
        """Return the key of an id, if the caller may do with it what the call asks.

        Raises:
            ServiceError: Forbidden.KeyNotFound; NoPermission.
        """
        here = (call.caller.account_id, call.host_region)
        key = self._made.get(wanted)
        if wanted == storage_key_id(*here):
            key = Key(id=wanted, account_id=here[0], region=here[1])
        if key is None or (key.account_id, key.region) != here:
            raise FACTS.refusal("Forbidden.KeyNotFound")
        self._world.ram.authorize(call.caller, f"kms:{call.action}", key.arn)
        return key

    def sealed(self, key: Key, plaintext: bytes, context: bytes) -> str:
        """Return a ciphertext, which names its key."""
        nonce = self._world.rng.randbytes(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, plaintext, context)
        return b64encode(key.id.encode() + nonce + sealed).decode()

    def opened(self, call: Call, ciphertext: str, context: bytes) -> tuple[Key, bytes]:
        """Return a ciphertext's key, and what it sealed.

        Raises:
            ServiceError: As ``find``; InvalidCiphertext: changed, of another region, or
                of another context.
        """
        try:
            whole = b64decode(ciphertext, validate=True)
            wanted = whole[:_ID_BYTES].decode("ascii")
        except ValueError:
            raise FACTS.refusal("InvalidCiphertext") from None
        key = self.find(call, wanted)
        nonce, sealed = whole[_ID_BYTES:][:_NONCE_BYTES], whole[_ID_BYTES:]
        try:
            opened = key.cipher.decrypt(nonce, sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise FACTS.refusal("InvalidCiphertext") from None
        return key, opened


def state(world: World, region: str, account_id: str) -> dict[str, list[Any]]:
    """Return the keys that an account made in a region, for the state document."""
    return {
        "kms_keys": [
            {"key_id": key.id, "description": key.description}
            for key in world.part(Keys).of(account_id, region)
        ]
    }
