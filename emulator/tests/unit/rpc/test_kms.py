"""Keys, data keys, and ciphertexts that only their own region and context can read."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.front.documents import state
from alicloud_emulator.testing.values import Thing, things
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.kms import storage_key_id
from emulator.tests.support.image_cloud import OTHER_ACCOUNT, Cloud
from emulator.tests.support.rpc_calls import Answer, answer, request_of, service_of

LONDON, TOKYO = "eu-west-1", "ap-northeast-1"


class Keys:
    """KMS in one region, as the main account calls it."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.service = service_of("kms", self.cloud.world)

    def call(self, action: str, region: str = LONDON, **params: Any) -> Answer:
        caller = params.pop("caller", self.cloud.main)
        request = request_of(self.service, action, params, caller=caller, region=region)
        return answer(self.service, request)

    def make(self) -> str:
        return str(self.call("CreateKey").json["KeyMetadata"]["KeyId"])


@pytest.fixture
def keys() -> Keys:
    return Keys()


def test_a_data_key_comes_back_from_its_ciphertext(keys: Keys) -> None:
    key_id = keys.make()
    made = keys.call("GenerateDataKey", KeyId=key_id, KeySpec="AES_256").json
    assert len(base64.b64decode(made["Plaintext"])) == 32
    read = keys.call("Decrypt", CiphertextBlob=made["CiphertextBlob"]).json
    assert (read["Plaintext"], read["KeyId"]) == (made["Plaintext"], key_id)
    again = keys.call("GenerateDataKey", KeyId=key_id).json
    assert again["Plaintext"] != made["Plaintext"]
    short = keys.call("GenerateDataKey", KeyId=key_id, NumberOfBytes=7).json
    assert len(base64.b64decode(short["Plaintext"])) == 7


def test_keys_are_left_behind(keys: Keys) -> None:
    key_id = keys.make()
    found = state(keys.cloud.world, seed=0)
    assert found["regions"][LONDON]["kms_keys"] == [
        {"key_id": key_id, "description": ""}
    ]
    assert found["regions"][TOKYO]["kms_keys"] == []
    left = {"region": LONDON, "kind": "kms_keys", "id": key_id, "name": ""}
    assert left in found["left_behind"]
    assert Thing(kind="kms_key", region=LONDON, name=key_id, id=key_id, facts={}) in [
        replace(thing, facts={}) for thing in things(found)
    ]
    assert (
        state(keys.cloud.world, seed=0, account_id=OTHER_ACCOUNT)["left_behind"] == []
    )


def test_texts_are_read_in_their_own_context_only(keys: Keys) -> None:
    context = '{"b": "2", "a": "1"}'
    sealed = keys.call(
        "Encrypt", KeyId=keys.make(), Plaintext="geheim", EncryptionContext=context
    ).json["CiphertextBlob"]

    def read(**more: Any) -> Answer:
        return keys.call("Decrypt", CiphertextBlob=sealed, **more)

    # The order of its keys is no part of a context.
    same = read(EncryptionContext='{"a":"1","b":"2"}')
    assert same.json["Plaintext"] == "geheim"
    assert read().code == "InvalidCiphertext"
    assert read(EncryptionContext="[]").code == "InvalidParameter"
    assert keys.call("Decrypt", CiphertextBlob="no base64").code == "InvalidCiphertext"
    flipped = base64.b64decode(sealed)[:-1] + b"\0"
    changed = keys.call("Decrypt", CiphertextBlob=base64.b64encode(flipped).decode())
    assert changed.code == "InvalidCiphertext"


def test_keys_are_of_one_account_in_one_region(keys: Keys) -> None:
    key_id = keys.make()
    sealed = keys.call("Encrypt", KeyId=key_id, Plaintext="x").json["CiphertextBlob"]
    for refused in (
        keys.call("DescribeKey", region=TOKYO, KeyId=key_id),
        keys.call("Decrypt", region=TOKYO, CiphertextBlob=sealed),
        keys.call("DescribeKey", KeyId=key_id, caller=Caller(account_id="2")),
        keys.call("Encrypt", KeyId="no-such-key", Plaintext="x"),
    ):
        assert (refused.status, refused.code) == (404, "Forbidden.KeyNotFound")
    shown = keys.call("DescribeKey", KeyId=key_id).json["KeyMetadata"]
    assert (shown["KeyState"], shown["KeyId"]) == ("Enabled", key_id)


def test_object_storage_has_a_key_everywhere(keys: Keys) -> None:
    for region in (LONDON, TOKYO):
        key_id = storage_key_id(keys.cloud.main.account_id, region)
        assert keys.call("DescribeKey", region=region, KeyId=key_id).status == 200


def test_policies_decide(keys: Keys) -> None:
    key_id = keys.make()
    nobody = Caller(account_id=keys.cloud.main.account_id, policies=())
    refused = keys.call("Encrypt", KeyId=key_id, Plaintext="x", caller=nobody)
    assert (refused.status, refused.code) == (403, "Forbidden.NoPermission")


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("GenerateDataKey", {"KeySpec": "DES"}),
        ("GenerateDataKey", {"NumberOfBytes": 0}),
        ("GenerateDataKey", {"NumberOfBytes": 1025}),
        ("Encrypt", {"Plaintext": "x" * 6145}),
    ],
)
def test_impossible_wishes_are_refused(
    keys: Keys, action: str, params: dict[str, Any]
) -> None:
    refused = keys.call(action, KeyId=keys.make(), **params)
    assert (refused.status, refused.code) == (400, "InvalidParameter")
