"""KMS on the wire: what SDKs need to encrypt on their own side."""

import json
from base64 import b64encode
from typing import Any

from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text
from alicloud_emulator.world.kms import Key, invalid

_SIZES = {"": 32, "AES_256": 32, "AES_128": 16}


@action(
    "CreateKey",
    accepted={
        "KeyUsage": "",
        "DKMSInstanceId": "there are no instances",
        "EnableAutomaticRotation": "keys have one version",
        "KeyStorageMechanism": "",
        "Policy": "every user of the account may use a key, as far as RAM lets",
        "RotationInterval": "keys have one version",
        "Tags": "",
        "Origin": "",
        "KeySpec": "every key is Aliyun_AES_256",
        "ProtectionLevel": "",
    },
)
def create_key(call: Call) -> Document:
    """Carry out CreateKey."""
    description = call.text("Description")[:8192]
    key = call.world.kms.create(call.caller, call.host_region, description)
    return {"KeyMetadata": _metadata(key)}


@action("DescribeKey", resource=("KeyId",))
def describe_key(call: Call) -> Document:
    """Carry out DescribeKey."""
    key_id = call.text("KeyId")
    key = call.world.kms.find(call.caller, call.host_region, key_id, "DescribeKey")
    return {"KeyMetadata": _metadata(key)}


@action(
    "GenerateDataKey",
    resource=("KeyId",),
    accepted={"DryRun": "", "Recipient": "there are no enclaves"},
)
def generate_data_key(call: Call) -> Document:
    """Carry out GenerateDataKey."""
    spec = call.text("KeySpec")
    if spec not in _SIZES:
        raise invalid("KeySpec")
    size = call.arguments.number_or_none("NumberOfBytes")
    key, data_key, sealed = call.world.kms.new_data_key(
        call.caller,
        call.host_region,
        call.text("KeyId"),
        _SIZES[spec] if size is None else size,
        _context(call),
    )
    return {**_of(key), "CiphertextBlob": sealed, "Plaintext": _base64(data_key)}


@action("Encrypt", resource=("KeyId",), accepted={"DryRun": ""})
def encrypt(call: Call) -> Document:
    """Carry out Encrypt."""
    plaintext = call.text("Plaintext").encode(errors="replace")
    key, sealed = call.world.kms.encrypt(
        call.caller, call.host_region, call.text("KeyId"), plaintext, _context(call)
    )
    return {**_of(key), "CiphertextBlob": sealed}


@action("Decrypt", accepted={"DryRun": "", "Recipient": "there are no enclaves"})
def decrypt(call: Call) -> Document:
    """Carry out Decrypt: a data key comes back in base64, a text as it was."""
    key, plaintext = call.world.kms.decrypt(
        call.caller, call.host_region, call.text("CiphertextBlob"), _context(call)
    )
    return {**_of(key), "Plaintext": plaintext.decode("utf-8", "replace")}


def _context(call: Call) -> bytes:
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
