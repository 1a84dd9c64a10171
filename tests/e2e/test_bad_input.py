"""Bad input: one clear line, exit status 2, and nothing changed in the cloud."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from tests.support.tool import BIN, ali_import, run

pytestmark = pytest.mark.e2e

READS = ("Describe", "List", "Get", "Head")


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with emulator() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


def refused(cloud: RunningEmulator, *arguments: object, **env: str) -> str:
    """Run the tool, which must refuse; return its complaint."""
    ended = ali_import(*arguments, env={**cloud.env, **env})
    assert ended.status == 2, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    complaint = [x for x in ended.err.splitlines() if x.startswith("ali-import: error")]
    assert complaint, ended.err
    actions = cloud.get("/requests")["requests"]["by_action"]
    assert all(a.split(".")[1].startswith(READS) for a in actions), actions
    return "\n".join(complaint)


def test_files_that_will_not_do(cloud: RunningEmulator, tmp_path: Path) -> None:
    empty = tmp_path / "empty.img"
    empty.touch()
    text = tmp_path / "notes.txt"
    text.write_text("Dear all,\n" * 100, encoding="utf-8")
    qcow2 = tmp_path / "disk.qcow2"
    qcow2.write_bytes(b"QFI\xfb\0\0\0\x03" + bytes(16) + (1 << 30).to_bytes(8, "big"))
    qcow2.write_bytes(qcow2.read_bytes() + bytes(4096))
    huge = tmp_path / "huge.img"
    with huge.open("wb") as file:
        file.seek(510)
        file.write(b"\x55\xaa")
        file.truncate((2 << 40) + 512)
    for path in (tmp_path / "missing.img", empty, text, qcow2, huge, tmp_path):
        assert str(path) in refused(cloud, path)


def test_an_unknown_region(cloud: RunningEmulator, disks: list[Path]) -> None:
    wrong = refused(cloud, "-r", "xx-nowhere-1", "-r", "cn-beijng", disks[0])
    assert "--region xx-nowhere-1, cn-beijng: no such region" in wrong
    assert "did you mean cn-beijing?" in wrong
    forgiven = refused(cloud, "--allow-failure", "us-weest-1", disks[0])
    assert "--allow-failure us-weest-1: no such region" in forgiven


def test_two_images_of_one_name(cloud: RunningEmulator, disks: list[Path]) -> None:
    complaint = refused(cloud, disks[0], disks[0])
    assert str(disks[0]) in complaint


@pytest.mark.parametrize("name", ["1st", "aliyun-x", "has space", "http://x", "a", ""])
def test_a_name_the_api_would_refuse(
    cloud: RunningEmulator, disks: list[Path], name: str
) -> None:
    assert "name" in refused(cloud, "--name", name, disks[0])


def test_too_few_open_files(cloud: RunningEmulator, disks: list[Path]) -> None:
    command = 'ulimit -n 28; exec "$0" "$1"'
    ended = run("sh", "-c", command, BIN / "ali-import", disks[0], env=cloud.env)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert "the limit of open files is 28" in line
    assert "ulimit -n" in line
    assert cloud.get("/requests")["requests"]["by_action"] == {}


def test_no_credentials(cloud: RunningEmulator, disks: list[Path]) -> None:
    env = {k: v for k, v in cloud.env.items() if not k.endswith(("_ID", "_SECRET"))}
    ended = ali_import(disks[0], env={**env, "HOME": "/nonexistent"})
    assert ended.status == 2, ended.err
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in ended.err


def test_wrong_credentials(cloud: RunningEmulator, disks: list[Path]) -> None:
    secret = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    assert "SignatureDoesNotMatch" in refused(cloud, disks[0], **secret)
    unknown = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-nobody"}
    assert "InvalidAccessKeyId.NotFound" in refused(cloud, disks[0], **unknown)


def test_an_untrusted_certificate(cloud: RunningEmulator, disks: list[Path]) -> None:
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    untrusted = dict.fromkeys(
        ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), bundle
    )
    complaint = refused(cloud, disks[0], PYTHONPATH="", **untrusted)
    assert "SSL_CERT_FILE" in complaint
    assert "certificate" in complaint.lower()


def test_a_proxy_that_is_not_there(cloud: RunningEmulator, disks: list[Path]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
        complaint = refused(cloud, disks[0], HTTPS_PROXY=proxy, https_proxy=proxy)
    assert "proxy" in complaint.lower()


def test_no_secret_is_ever_shown(cloud: RunningEmulator, disks: list[Path]) -> None:
    ended = ali_import(
        "-vv", "-r", "cn-hangzhou", "-r", "us-west-1", *disks, env=cloud.env
    )
    assert ended.status == 0, ended.err
    key, secret = cloud.keys
    for text in (
        secret,
        "Signature=",
        "x-oss-signature",
        "OSS4-HMAC",
        "security-token",
    ):
        assert text not in ended.err + ended.out
    assert key not in ended.err


def test_help_is_quick_and_needs_no_cloud() -> None:
    code = "import sys; from ali_import.cli.main import main\ntry: main(['--help'])\n"
    code += "except SystemExit: pass\n"
    code += (
        "print(sorted(m for m in sys.modules if m in {'anyio', 'rich', 'requests'}))"
    )
    env = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [BIN / "python", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    assert done.stdout.endswith("[]\n")
    assert "usage: ali-import" in done.stdout
    assert sys.version_info >= (3, 11)
