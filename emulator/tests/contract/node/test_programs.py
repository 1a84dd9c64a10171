"""Node.js programs that know nothing of the emulator, unchanged, under ``exec``.

They use ``ali-oss`` and the official SDKs of three generations. Node's own ``https`` and
``fetch`` ignore proxies; the preload of ``exec`` is all the help they get.
"""

import json

import pytest

from emulator.tests.contract.node.conftest import LOCK_FILE, Run

ACCOUNT = "1234567890123456"


def test_the_lock_file_pins_content_and_names_no_registry() -> None:
    text = LOCK_FILE.read_text()
    assert '"resolved"' not in text
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all("integrity" in found for path, found in packages.items() if path)


OBJECTS = {
    "etag": True,
    "crc": "string",
    "meta": {"maker": "me"},
    "cache": "no-cache",
    "same": [True, True, True],
    "range": [206, True],
    "fromFile": 200,
    "notModified": 304,
    "forbidden": ["FileAlreadyExists", 409],
    "missing": ["NoSuchKey", 404],
    "missingHead": ["NoSuchKey", 404],
    "streams": [True, True],
    "attributes": {
        "acl": "public-read",
        "tags": {"colour": "green", "size": "small"},
        "untagged": 204,
        "meta": {"changed": "yes"},
        "copied": "plain",
        "other": ["x/y", {"a": "1"}],
        "link": "plain.txt",
        "through": "plain",
        "log": "one,two",
        "next": "7",
        "misplaced": ["PositionNotEqualToLength", 409],
        "size": "7",
    },
    "listings": {
        "paged": ["l/1", "l/2", "l/sub/3", "l/sub/4", "l/ü&<"],
        "folded": [["l/1", "l/2", "l/ü&<"], ["l/sub/"], 4],
        "v2": [3, True, ["l/sub/4", "l/ü&<"]],
        "owner": "string",
        "deleted": ["l/1", "l/2", "l/sub/3"],
        "quiet": [],
        "left": [],
    },
}


def test_ali_oss_with_every_signature_and_with_a_role_s_token(run: Run) -> None:
    seen = run("objects.js")
    assert seen.pop("reader") == ["AccessDenied", 403]
    assert sorted(seen) == ["https", "session", "sessionV4", "v1", "v4"]
    for way, found in seen.items():
        assert found == OBJECTS, way


@pytest.mark.parametrize(
    ("region", "signature"), [("oss-us-west-1", "v1"), ("oss-cn-hongkong", "v4")]
)
def test_ali_oss_uploads_in_parts(run: Run, region: str, signature: str) -> None:
    seen = run("multipart.js", region, signature)
    broken_off = seen.pop("brokenOff")
    assert broken_off.pop("partsKept") in {3, 4}  # one may have been on its way
    assert broken_off == {
        "cancelled": "cancel",
        "uploads": ["resumed"],
        "partsResent": 3,
        "status": 200,
    }
    assert seen == {
        "whole": [200, True],
        "stream": [200, True],
        "small": 200,
        "byHand": {"etag": True, "type": "x/parts", "same": True},
        "copied": 200,
        "same": True,
        "refused": [
            ["InvalidPart", 400],
            ["EntityTooSmall", 400],
            ["NoSuchUpload", 404],
        ],
        "leftUploads": [],
    }


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_ali_oss_sets_up_buckets(run: Run, signature: str) -> None:
    seen = run("buckets.js", signature)
    errors = seen.pop("errors")
    assert seen == {
        "made": 200,
        "info": ["buckets-of-node", "oss-ap-northeast-1", "IA", "private"],
        "location": "oss-ap-northeast-1",
        "listed": [["buckets-of-node", "oss-ap-northeast-1"]],
        "acl": "private",
        "stat": "0",
        "settings": {
            "acl": "public-read",
            "tags": {"team": "images", "stage": "test"},
            "lifecycle": [["expire", "tmp/", "Enabled"]],
            "cors": 1,
            "referer": ["https://example.com"],
            "website": "index.html",
            "encryption": {"SSEAlgorithm": "AES256"},
            "policy": "Deny",
            "versioning": None,
            "tagsAfter": {},
            "gone": "NoSuchLifecycle",
        },
    }
    assert {
        what: (error["code"], error["status"]) for what, error in errors.items()
    } == {
        "missing": ("NoSuchBucket", 404),
        "notEmpty": ("BucketNotEmpty", 409),
        "stranger": ("InvalidAccessKeyId", 403),
        "liar": ("SignatureDoesNotMatch", 403),
        "elsewhere": ("AccessDenied", 403),
        "closed": ("ForbidCreateNewBucket", 403),
        "mainland": ("PublicEndpointForbidden", 400),
    }
    for error in errors.values():
        assert error["name"] == f"{error['code']}Error"
        assert error["id"]
        assert error["host"].endswith(".aliyuncs.com")


def test_presigned_urls_work_for_fetch_https_and_undici(run: Run) -> None:
    assert run("presigned.mjs") == {
        "older": {
            "sent": 200,
            "got": [200, "x/y", 'attachment; filename="a.bin"', True],
            "tampered": [403, "SignatureDoesNotMatch"],
        },
        "newer": {
            "sent": 200,
            "got": [206, "bytes 1-3/70000", True],
            "late": [403, "AccessDenied"],
            "forged": [403, "SignatureDoesNotMatch"],
        },
        "anonymous": [403, "AccessDenied"],
        "plain": [200, True],
    }


def test_http_clients_of_every_kind_get_there(run: Run) -> None:
    seen = run("clients.js")
    # An OSS that was reached refuses anonymous calls, as the proxy does other hosts.
    assert set(seen.values()) == {403}
    assert len(seen) == 9


def test_the_ecs_sdk_imports_copies_shares_and_deletes_an_image(run: Run) -> None:
    assert run("images.js") == {
        "regions": 32,
        "imported": {
            "same": True,
            "early": "ImageIsImporting",
            "task": "Finished",
            "status": "Available",
        },
        "image": ["arm64", "UEFI", "supported", 1, "self", [["made-by", "node"]]],
        "copied": "Available",
        "copy": ["arm64", "UEFI", "unsupported", 1, "self", [["copied", "yes"]]],
        "shared": ["5555555555555555"],
        "family": True,
        "shown": True,
        "inTheWay": "ImageIsPublic",
        "removed": ["deleted", "deleted"],
        "missing": ["InvalidImageId.NotFound", 404],
    }


@pytest.mark.parametrize(
    "endpoint",
    ["fcv3.cn-hangzhou.aliyuncs.com", f"{ACCOUNT}.cn-hangzhou.fc.aliyuncs.com"],
)
def test_functions_with_the_ali_oss_of_this_machine(run: Run, endpoint: str) -> None:
    # Nobody writes this role's name as the console does; names know no case.
    seen = run("functions.js", endpoint, f"acs:ram::{ACCOUNT}:role/AliyunFcDefaultRole")
    broken = seen.pop("broken")
    assert seen == {
        "made": ["relay", "nodejs20", ""],
        "put": [
            200,
            "",
            {"region": "cn-hangzhou", "objects": [["one", 300_000], ["two", 300_000]]},
        ],
        "log": True,
        "failed": [200, "UnhandledInvocationError", "RangeError"],
        "emptied": "2",
        "later": [202, "", "news"],
        "listed": sorted(["empty", "later", "relay", *broken]),
        "gone": ["FunctionNotFound", 404],
    }
    unhandled = [200, "UnhandledInvocationError"]
    assert broken == {
        "throws": [*unhandled, "TypeError"],
        "hangs": [*unhandled, "FunctionTimeoutError"],
        "grows": [*unhandled, "FunctionOOMError"],
        "exits": [*unhandled, "no type"],
        "tells": [
            200,
            "",
            {
                "region": "cn-hangzhou",
                "account": ACCOUNT,
                "name": "tells",
                "memory": 128,
                "timeout": 30,
                "request": True,
                "keys": "",
                "variable": "green",
                "event": "ping",
            },
        ],
        "outside": [200, "", ["ENOTFOUND", "ENOTFOUND"]],
    }


def test_bare_calls_of_two_generations(run: Run) -> None:
    assert run("calls.js") == {
        "older": {
            "GET": 32,
            "POST": 32,
            "images": [0, []],
            "identity": "Account",
            "role": "AliyunECSImageImportDefaultRole",
            "liar": ["SignatureDoesNotMatch", 400],
            "unknown": ["InvalidAction.NotFound", 404],
            "lacking": ["MissingParameter.DiskDeviceMapping", 403],
            "http": 32,
        },
        "newer": {
            "images": [1, 1, "us-west-1"],
            "functions": [],
            "missing": ["FunctionNotFound", 404],
            "nowhere": True,
        },
    }
