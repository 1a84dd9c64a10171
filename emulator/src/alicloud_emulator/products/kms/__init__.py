"""KMS on the wire: what SDKs need to encrypt on their own side."""

import json
from base64 import b64encode
from typing import Any, ClassVar

from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.products.rpc.parameters import Param, accepted, integer, required
from alicloud_emulator.products.rpc.service import Action, RpcCall, RpcService
from alicloud_emulator.world.kms import Key, invalid
from alicloud_emulator.world.world import World

_SIZES = {"": 32, "AES_256": 32, "AES_128": 16}


def create_key(call: RpcCall) -> Document:
    """Carry out CreateKey."""
    description = call.text("Description")[:8192]
    key = call.world.kms.create(call.caller, call.region, description)
    return {"KeyMetadata": _metadata(key)}


def describe_key(call: RpcCall) -> Document:
    """Carry out DescribeKey."""
    key_id = call.text("KeyId")
    key = call.world.kms.find(call.caller, call.region, key_id, "DescribeKey")
    return {"KeyMetadata": _metadata(key)}


def generate_data_key(call: RpcCall) -> Document:
    """Carry out GenerateDataKey."""
    spec = call.text("KeySpec")
    if spec not in _SIZES:
        raise invalid("KeySpec")
    size = call.arguments.number_or_none("NumberOfBytes")
    key, data_key, sealed = call.world.kms.new_data_key(
        call.caller,
        call.region,
        call.text("KeyId"),
        _SIZES[spec] if size is None else size,
        _context(call),
    )
    return {**_of(key), "CiphertextBlob": sealed, "Plaintext": _base64(data_key)}


def encrypt(call: RpcCall) -> Document:
    """Carry out Encrypt."""
    plaintext = call.text("Plaintext").encode()
    key, sealed = call.world.kms.encrypt(
        call.caller, call.region, call.text("KeyId"), plaintext, _context(call)
    )
    return {**_of(key), "CiphertextBlob": sealed}


def decrypt(call: RpcCall) -> Document:
    """Carry out Decrypt: a data key comes back in base64, a text as it was."""
    key, plaintext = call.world.kms.decrypt(
        call.caller, call.region, call.text("CiphertextBlob"), _context(call)
    )
    return {**_of(key), "Plaintext": plaintext.decode("utf-8", "replace")}


def _context(call: RpcCall) -> bytes:
    """Return the encryption context in one spelling, whatever the order of its keys."""
    text = call.text("EncryptionContext")
    try:
        context = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        raise invalid("EncryptionContext") from None
    if not isinstance(context, dict):
        raise invalid("EncryptionContext")
    return json.dumps(context, sort_keys=True).encode()


def _of(key: Key) -> dict[str, Any]:
    # Rotation is not emulated: a key has one version, named after it.
    return {"KeyId": key.id, "KeyVersionId": key.id}


def _metadata(key: Key) -> dict[str, Any]:
    return {
        "Arn": key.arn,
        "AutomaticRotation": "Disabled",
        "CreationDate": time_text(key.created_at),
        "Creator": key.account_id,
        "DeletionProtection": "Disabled",
        "Description": key.description,
        "KeyId": key.id,
        "KeySpec": "Aliyun_AES_256",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT/DECRYPT",
        "Origin": "Aliyun_KMS",
        "PrimaryKeyVersion": key.id,
        "ProtectionLevel": "SOFTWARE",
    }


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


_NOT_FOUND = ("Forbidden.KeyNotFound",)

ACTIONS = (
    Action(
        name="CreateKey",
        run=create_key,
        params=(
            Param("Description"),
            accepted("KeyUsage"),
            accepted("Origin"),
            accepted("KeySpec", note="every key is Aliyun_AES_256"),
            accepted("ProtectionLevel"),
        ),
        errors=("Rejected.LimitExceeded",),
    ),
    Action(
        name="DescribeKey",
        run=describe_key,
        resource=("KeyId",),
        params=(required("KeyId"),),
        errors=_NOT_FOUND,
    ),
    Action(
        name="GenerateDataKey",
        run=generate_data_key,
        resource=("KeyId",),
        params=(
            required("KeyId"),
            Param("KeySpec"),
            integer("NumberOfBytes"),
            Param("EncryptionContext"),
        ),
        errors=_NOT_FOUND,
    ),
    Action(
        name="Encrypt",
        run=encrypt,
        resource=("KeyId",),
        params=(required("KeyId"), required("Plaintext"), Param("EncryptionContext")),
        errors=_NOT_FOUND,
    ),
    Action(
        name="Decrypt",
        run=decrypt,
        params=(required("CiphertextBlob"), Param("EncryptionContext")),
        errors=(*_NOT_FOUND, "InvalidCiphertext"),
    ),
)


class KmsService(RpcService):
    """KMS, version 2016-01-20."""

    PRODUCT: ClassVar[str] = "Kms"
    VERSION: ClassVar[str] = "2016-01-20"
    FORBIDDEN: ClassVar[tuple[str, str]] = ("Forbidden.NoPermission", "")

    def __init__(self, world: World) -> None:
        super().__init__(world, ACTIONS)
