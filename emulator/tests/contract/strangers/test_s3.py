"""Programs for S3, unchanged: boto3, rclone, restic and s3cmd.

They come to ``s3.oss-REGION.aliyuncs.com``, which OSS documents for them, and to the
door, where buckets may be named by path.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import oss2
import pytest

from emulator.tests.contract.strangers.conftest import PROGRAM_S_MAX, Run
from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.programs import need

REGION = "eu-central-1"
HOST = f"s3.oss-{REGION}.aliyuncs.com"
MEBIBYTE = 1024 * 1024


@pytest.fixture(params=["host", "door"])
def endpoint(request: pytest.FixtureRequest, cloud: RunningEmulator) -> str:
    """The real host, or the door by its address."""
    return f"https://{HOST}" if request.param == "host" else cloud.proxy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files, one of them to go up in parts."""
    made = tmp_path / "files"
    (made / "sub").mkdir(parents=True)
    (made / "small").write_bytes(b"hello")
    (made / "sub" / "büro & more").write_bytes(bytes(range(256)) * 1000)
    (made / "big").write_bytes(os.urandom(MEBIBYTE) * 11)
    return made


Program = Callable[..., str]


@pytest.fixture
def program(cloud: RunningEmulator, tmp_path: Path) -> Program:
    """Run a program that must succeed, in a home of its own, and return what it says."""

    def run_program(*command: str, **env: str) -> str:
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env={**cloud.env, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", **env},
            check=False,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S_MAX,
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    return run_program


def same(left: Path, right: Path) -> bool:
    """Whether two folders hold the same files."""

    def files(root: Path) -> dict[str, bytes]:
        return {
            str(file.relative_to(root)): file.read_bytes()
            for file in root.rglob("*")
            if file.is_file()
        }

    return files(left) == files(right)


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_boto3(run: Run, cloud: RunningEmulator, endpoint: str, signature: str) -> None:
    style = "path" if endpoint == cloud.proxy else "virtual"
    assert run("s3.py", endpoint, signature, style) == {
        "objects": {
            "read": "hello",
            "told": [{"color": "blue"}, "text/plain", "STANDARD_IA"],
            "etag": '"5d41402abc4b2a76b9719d911017c592"',
            "tags": [{"Key": "k", "Value": "v"}],
            "part": "el",
        },
        "transfers": [True, True],
        "listings": {
            "buckets": ["pail-of-boto3"],
            "keys": ["big", "bigger", "copy", "dir/a b+c~é&.txt", "stream"],
            "folders": ["dir/"],
            "head": 200,
            "missing": ["404", "NoSuchKey", "404"],
        },
        "strangers": {
            "down": "hello",
            "up": 200,
            "form": [204, "by form", {"color": "red"}],
            "grants": ["FULL_CONTROL", "READ"],
        },
        "versions": {"versions": 2, "markers": 1},
        "emptied": 9,
    }
    assert buckets(cloud) == []


def buckets(cloud: RunningEmulator) -> list[str]:
    regions = cloud.get("/state")["regions"]
    return [one["name"] for region in regions.values() for one in region["buckets"]]


def test_rclone(
    program: Program,
    cloud: RunningEmulator,
    endpoint: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    need("rclone", "rclone")
    by_path = endpoint == cloud.proxy
    key, secret = cloud.keys
    (tmp_path / "rclone.conf").write_text(
        "[oss]\ntype = s3\n"
        f"provider = {'Other' if by_path else 'Alibaba'}\n"
        f"access_key_id = {key}\nsecret_access_key = {secret}\n"
        f"endpoint = {endpoint}\nchunk_size = 5Mi\nupload_cutoff = 5Mi\n"
    )

    def rclone(*words: str) -> str:
        once = ("--retries", "1", "--low-level-retries", "1")
        return program("rclone", "--config", "rclone.conf", *once, *words)

    rclone("mkdir", "oss:pail")
    rclone("copy", str(folder), "oss:pail/files")
    rclone("check", str(folder), "oss:pail/files", "--download")
    rclone("copyto", "oss:pail/files/big", "oss:pail/copies/big")
    (folder / "small").write_bytes(b"changed")
    rclone("sync", str(folder), "oss:pail/files")
    back = tmp_path / "back"
    rclone("copy", "oss:pail/files", str(back))
    assert same(folder, back)
    listed = rclone("lsf", "--recursive", "--files-only", "oss:pail").splitlines()
    assert sorted(listed) == [
        "copies/big",
        "files/big",
        "files/small",
        "files/sub/büro & more",
    ]
    rclone("deletefile", "oss:pail/copies/big")
    rclone("purge", "oss:pail")
    assert buckets(cloud) == []


def test_restic(
    program: Program,
    cloud: RunningEmulator,
    endpoint: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    need("restic", "restic")
    by_path = endpoint == cloud.proxy
    if not by_path:
        make_bucket(cloud, "pail")  # restic makes one by path alone, which OSS refuses
    key, secret = cloud.keys

    def restic(*words: str) -> str:
        lookup = f"s3.bucket-lookup={'path' if by_path else 'dns'}"
        return program(
            *("restic", "-r", f"s3:{endpoint}/pail", "-o", lookup, "--no-cache"),
            *words,
            AWS_ACCESS_KEY_ID=key,
            AWS_SECRET_ACCESS_KEY=secret,
            RESTIC_PASSWORD="a word",
        )

    restic("init")
    restic("backup", "files")
    (folder / "small").write_bytes(b"changed")
    restic("backup", "files")
    assert "no errors were found" in restic("check", "--read-data")
    restic("restore", "latest", "--target", "restored")
    assert same(folder, tmp_path / "restored" / "files")
    restic("forget", "--keep-last", "1", "--prune")
    assert "1 snapshots" in restic("snapshots")
    assert buckets(cloud) == ["pail"]


def make_bucket(cloud: RunningEmulator, name: str) -> None:
    auth = oss2.Auth(*cloud.keys)
    oss2.Bucket(auth, f"https://oss-{REGION}.aliyuncs.com", name).create_bucket()


def test_s3cmd(
    program: Program,
    cloud: RunningEmulator,
    endpoint: str,
    folder: Path,
) -> None:
    """The real host with the newer signature, the door with the older."""
    need("s3cmd", "s3cmd")
    home = folder.parent
    by_path = endpoint == cloud.proxy
    host = endpoint.partition("://")[2]
    key, secret = cloud.keys
    (home / ".s3cfg").write_text(
        "[default]\n"
        f"access_key = {key}\nsecret_key = {secret}\nhost_base = {host}\n"
        f"host_bucket = {host if by_path else f'%(bucket)s.{host}'}\n"
        f"use_https = {not by_path}\nca_certs_file = {cloud.ca_bundle}\n"
        f"signature_v2 = {by_path}\nmultipart_chunk_size_mb = 5\n"
    )

    def s3cmd(*words: str) -> str:
        # It minds no proxy, but is a Python program, which the start-up hook leads.
        return program("s3cmd", "--no-progress", *words)

    s3cmd("mb", "s3://pail")
    s3cmd("sync", f"{folder}/", "s3://pail/files/")
    s3cmd("put", str(folder / "small"), "s3://pail/small")
    s3cmd("cp", "s3://pail/small", "s3://pail/copy")
    s3cmd("mv", "s3://pail/copy", "s3://pail/moved")
    s3cmd("setacl", "--acl-public", "s3://pail/moved")
    assert "*anon*: READ" in s3cmd("info", "s3://pail/moved")
    s3cmd("sync", "s3://pail/files/", "back/")
    assert same(folder, home / "back")
    listed = [
        line.split("s3://pail/")[1]
        for line in s3cmd("ls", "-r", "s3://pail").splitlines()
    ]
    assert listed == [
        *("files/big", "files/small", "files/sub/büro & more", "moved", "small"),
    ]
    s3cmd("del", "s3://pail/moved")
    s3cmd("del", "--recursive", "--force", "s3://pail")
    s3cmd("rb", "s3://pail")
    assert buckets(cloud) == []


def test_the_real_cloud_refuses_what_boto3_sends_of_itself(tmp_path: Path) -> None:
    """So does the emulator, where the profile says that it is as in life."""
    profile = tmp_path / "as-in-life.toml"
    profile.write_text('extends = "fast"\n[habits]\ns3_like = false\n')
    code = (
        "import boto3, os, sys\n"
        "from botocore.config import Config\n"
        f"client = boto3.client('s3', endpoint_url='https://{HOST}',\n"
        "  region_name='eu-central-1',\n"
        "  aws_access_key_id=os.environ['OSS_ACCESS_KEY_ID'],\n"
        "  aws_secret_access_key=os.environ['OSS_ACCESS_KEY_SECRET'],\n"
        "  config=Config(s3={'addressing_style': 'virtual'},\n"
        "    request_checksum_calculation=sys.argv[1]))\n"
        "client.create_bucket(Bucket='pail')\n"
        "try:\n"
        "  print(client.put_object(Bucket='pail', Key='a', Body=b'hello')['ETag'])\n"
        "except client.exceptions.ClientError as error:\n"
        "  print(error.response['Error']['Code'], error.response['Error']['EC'])\n"
    )
    with emulator("--profile", str(profile)) as running:
        said = [
            subprocess.run(
                [sys.executable, "-c", code, when],
                env=dict(running.env),
                check=True,
                capture_output=True,
                text=True,
                timeout=PROGRAM_S_MAX,
            ).stdout.strip()
            for when in ("when_supported", "when_required")
        ]
    assert said == [
        "InvalidArgument 0017-00000804",
        '"5D41402ABC4B2A76B9719D911017C592"',
    ]
