"""KMS on the wire: what SDKs need to encrypt on their own side."""

import json
from base64 import b64encode
from typing import Any

from alicloud_emulator.products.kms.keys import FACTS, Key, Keys
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document, time_text

PLAINTEXT_BYTES_MAX = 6 * 1024
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
    key = call.world.part(Keys).make(call, call.text("Description")[:8192])
    return {"KeyMetadata": _metadata(key)}


@action("DescribeKey", resource=("KeyId",))
def describe_key(call: Call) -> Document:
    """Carry out DescribeKey."""
    key = call.world.part(Keys).find(call, call.text("KeyId"))
    return {"KeyMetadata": _metadata(key)}


@action(
    "GenerateDataKey",
    resource=("KeyId",),
    accepted={"DryRun": "", "Recipient": "there are no enclaves"},
)
def generate_data_key(call: Call) -> Document:
    """Carry out GenerateDataKey."""
    spec, context = call.text("KeySpec"), _context(call)
    if spec not in _SIZES:
        raise FACTS.refusal("InvalidParameter", "KeySpec")
    keys = call.world.part(Keys)
    key = keys.find(call, call.text("KeyId"))
    size = call.arguments.number("NumberOfBytes", _SIZES[spec])
    if not 1 <= size <= 1024:
        raise FACTS.refusal("InvalidParameter", "NumberOfBytes")
    data_key = b64encode(call.world.rng.randbytes(size))
    # What is sealed is the text, which is how Decrypt gives it back.
    sealed = keys.sealed(key, data_key, context)
    return {**_of(key), "CiphertextBlob": sealed, "Plaintext": data_key.decode()}


@action("Encrypt", resource=("KeyId",), accepted={"DryRun": ""})
def encrypt(call: Call) -> Document:
    """Carry out Encrypt."""
    plaintext = call.text("Plaintext").encode(errors="replace")
    keys, context = call.world.part(Keys), _context(call)
    key = keys.find(call, call.text("KeyId"))
    if len(plaintext) > PLAINTEXT_BYTES_MAX:
        raise FACTS.refusal("InvalidParameter", "Plaintext")
    return {**_of(key), "CiphertextBlob": keys.sealed(key, plaintext, context)}


@action("Decrypt", accepted={"DryRun": "", "Recipient": "there are no enclaves"})
def decrypt(call: Call) -> Document:
    """Carry out Decrypt: a data key comes back in base64, a text as it was."""
    keys, context = call.world.part(Keys), _context(call)
    key, plaintext = keys.opened(call, call.text("CiphertextBlob"), context)
    return {**_of(key), "Plaintext": plaintext.decode("utf-8", "replace")}


def _context(call: Call) -> bytes:
    """Return the encryption context in one spelling, whatever the order of its keys."""
    text = call.text("EncryptionContext")
    try:
        context = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        raise FACTS.refusal("InvalidParameter", "EncryptionContext") from None
    if not isinstance(context, dict):
        raise FACTS.refusal("InvalidParameter", "EncryptionContext")
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
