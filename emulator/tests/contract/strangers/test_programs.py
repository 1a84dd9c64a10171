"""Python programs on the official SDKs of all generations, unchanged.

What they print is what they saw; what the cloud then holds shows that they did it.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.tests.contract.strangers.conftest import PROGRAM_S_MAX, PROGRAMS, Run
from emulator.tests.support.emulator import RunningEmulator

ACCOUNT = "1234567890123456"


def test_an_image_s_life(run: Run, shared_emulator: RunningEmulator) -> None:
    seen = run("image_life.py")
    copied = seen.pop("copied")
    assert seen == {
        "image": ["x86_64", "UEFI", "supported", 1, "self", {"made-by": "python"}],
        "shared": ["5555555555555555"],
    }
    regions = shared_emulator.get("/state")["regions"]
    assert regions["eu-central-1"]["images"] == []
    assert regions["eu-central-1"]["snapshots"] == []
    [image] = regions["us-east-1"]["images"]
    assert image["image_id"] == copied
    disk = bytes(range(256)) * 4096
    assert image["content_sha256"] == hashlib.sha256(disk).hexdigest()
    assert (image["family"], image["tags"]) == ("strangers", {"copied": "yes"})


def test_asynchronous_clients(run: Run) -> None:
    assert run("async_clients.py") == {
        "storage": {"listed": 20, "head": True, "missing": "NoSuchKey"},
        "calls": {
            "regions": 32,
            "functions": [],
            "me": "Account",
            "role": "AliyunECSImageImportDefaultRole",
        },
    }


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_object_storage_with_the_newer_sdk(run: Run, signature: str) -> None:
    assert run("storage_v2.py", signature) == {
        "same": [True, True, True],
        "presigned": {
            "sent": 200,
            "part": [206, "signed"],
            "plain": "presigned",
            "forged": "SignatureDoesNotMatch",
        },
        "anonymous": [403, 200],
        "emptied": 4,
    }


@pytest.mark.parametrize("signature", ["v1", "v2", "v4"])
def test_object_storage_with_the_older_sdk(run: Run, signature: str) -> None:
    assert run("older_storage.py", signature) == {
        "transfers": True,
        "small": {
            "tags": {"k": "v"},
            "link": "one",
            "log": "x,y",
            "folders": ["a/", "b/"],
            "keys": ["a/1", "a/2", "b/link", "b/log", "big"],
        },
        "strangers": {"urls": [200, 206, "url"], "denied": 403, "public": "one"},
        "settings": {
            "acl": "public-read",
            "rule": ["old", "tmp/", 3],
            "location": "oss-ap-northeast-2",
        },
        "emptied": True,
    }


def test_the_rpc_sdk_of_the_generation_before(
    run: Run, shared_emulator: RunningEmulator
) -> None:
    assert run("older_rpc.py") == {
        "images": {
            "copy": ["new", "older", "arm64"],
            "shared": ["ImageUseShared", 403],
            "missing": ["InvalidImageId.NotFound", 404],
        },
        "calls": {
            "regions": 32,
            "post": 32,
            "liar": ["InvalidAccessKeySecret", 400],  # the SDK's name for it,
        },
        "token": {
            "who": f"acs:ram::{ACCOUNT}:assumed-role/older/session",
            "reads": 1,
            "writes": ["Forbidden.RAM", 403],
        },
    }
    image = shared_emulator.get("/state")["regions"]["na-south-1"]["images"][0]
    assert image["content_sha256"] == hashlib.sha256(b"disk" * 1000).hexdigest()


def test_roles_and_their_credentials(run: Run) -> None:
    assert run("roles.py") == {
        "used": {
            "read": "secret",
            "put": "AccessDenied",
            "who": f"acs:ram::{ACCOUNT}:assumed-role/reader/two",
            "images": 0,
            "delete": "Forbidden.RAM",
        },
        "apart": ["DeleteConflict.Role.Policy", "EntityNotExist.Role"],
    }


def test_client_side_encryption_with_keys_from_kms(run: Run) -> None:
    assert run("sealed_storage.py") == {
        "read": True,
        "part": True,
        "stored": False,
        "wrapped_by": "KMS/ALICLOUD",
        "opened_by_others": False,
    }


def test_functions(run: Run) -> None:
    assert run("functions.py") == {
        "answer": {"upper": "HELLO", "region": "cn-shanghai"},
        "logged": True,
        "failed": [200, "UnhandledInvocationError", "ValueError"],
        "later": 202,
        "listed": [["strangers-a", "changed"], ["strangers-b", ""]],
        "missing": "FunctionNotFound",
    }


def test_bare_openapi_calls_with_both_signatures(run: Run) -> None:
    regions = ["Regions", "RequestId"]
    identity = [
        "AccountId",
        "Arn",
        "IdentityType",
        "PrincipalId",
        "RequestId",
        "UserId",
    ]
    assert run("bare_openapi.py") == {
        "DescribeRegions": [regions] * 4,
        "GetCallerIdentity": [identity] * 4,
        "ListRoles": [["IsTruncated", "RequestId", "Roles"]] * 4,
        "ListFunctions": [["functions"]],
        "NoSuchAction": ["InvalidAction.NotFound"] * 4,
    }


def test_exec_runs_a_program_and_reports_what_it_did(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    emulator = [sys.executable, "-m", "alicloud_emulator.cli.main", "exec"]
    program = [sys.executable, str(PROGRAMS / "image_life.py")]
    ended = subprocess.run(
        [*emulator, "--speed", "4", "--report", str(report), "--", *program],
        env={**os.environ, "OSS_SESSION_TOKEN": "misleading"},
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S_MAX,
    )
    assert ended.returncode == 0, ended.stderr
    done = json.loads(report.read_text())
    assert done["requests"]["by_action"]["ecs.ImportImage"] == 2
    images = done["regions"]["us-east-1"]["images"]
    assert [one["name"] for one in images] == ["from-python-copied"]
