"""Programs in a network of their own, where the emulator is all there is.

Nothing is set for them there but keys: most run with an empty environment.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.tests.contract.strangers.conftest import PROGRAM_S_MAX, PROGRAMS
from emulator.tests.support.programs import need

EXEC = [sys.executable, "-m", "alicloud_emulator.cli.main", "exec"]
FORBIDDEN = [sys.executable, "-m", "emulator.tests.support.forbidden"]
ROOT = Path(__file__).parents[4]
# As a user of the machine has it, who is not root: namespaces within one of users.
UNPRIVILEGED = ["setpriv", "--bounding-set=-sys_admin"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S_MAX,
    )


def test_where_namespaces_are_not_allowed_it_says_so() -> None:
    ended = run(*FORBIDDEN, *EXEC, "--isolated", "--", "true")
    assert ended.returncode == 2
    assert ended.stdout == ""
    (said,) = ended.stderr.splitlines()
    for words in ("--isolated", "namespaces", "not permitted", "--cap-add SYS_ADMIN"):
        assert words in said


@pytest.fixture(params=["as who it is", "unprivileged"])
def isolated(request: pytest.FixtureRequest) -> Run:
    """Run a command in the emulator's own network; skip where that is not allowed."""
    before: list[str] = []
    if request.param == "unprivileged":
        need("setpriv", "util-linux")
        if run(*UNPRIVILEGED, "true").returncode != 0:
            pytest.skip("only root can lay down what it may")
        before = UNPRIVILEGED

    def isolate(*command: str) -> subprocess.CompletedProcess[str]:
        ended = run(*before, *EXEC, "--seed", "1", "--isolated", "--", *command)
        if ended.returncode == 2 and "namespaces" in ended.stderr:
            pytest.skip(ended.stderr.strip())
        return ended

    return isolate


LOOK = """
import errno, json, socket

def names(name):
    try:
        return sorted({one[4][0] for one in socket.getaddrinfo(name, 443)})
    except socket.gaierror as error:
        return error.errno == socket.EAI_NONAME

def way_out(address):
    try:
        socket.create_connection((address, 80), timeout=5).close()
    except OSError as error:
        return errno.errorcode.get(error.errno)

print(json.dumps({
    "cloud": names("ecs.aliyuncs.com"),
    "bucket": names("a-pail.oss-eu-central-1.aliyuncs.com"),
    "inside": names("oss-eu-central-1-internal.aliyuncs.com"),
    "nowhere": names("fcv3.cn-nanjing.aliyuncs.com"),
    "others": names("example.com"),
    "here": names("localhost"),
    "out": [way_out(one) for one in ("192.0.2.1", "100.100.100.200", "2001:db8::1")],
}))
"""


def test_names_lead_to_the_emulator_and_nothing_leads_out(isolated: Run) -> None:
    before = Path("/etc/resolv.conf").read_text()
    ended = isolated("env", "-i", "/usr/bin/env", sys.executable, "-c", LOOK)
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout)
    assert set(seen.pop("here")) <= {"127.0.0.1", "::1"}
    assert seen == {
        "cloud": ["198.18.0.1"],
        "bucket": ["198.18.0.1"],
        "inside": True,
        "nowhere": True,
        "others": True,
        "out": ["ENETUNREACH"] * 3,
    }
    assert Path("/etc/resolv.conf").read_text() == before


def test_the_machine_s_own_trust_is_enough(isolated: Run) -> None:
    """curl is told nothing: neither a proxy, nor whom to trust, nor where to go."""
    need("curl", "curl")
    url = "https://no-such-pail.oss-eu-central-1.aliyuncs.com/key"
    ended = isolated("env", "-i", "/usr/bin/curl", "--silent", "--show-error", url)
    assert ended.returncode == 0, ended.stderr
    assert "<Code>NoSuchBucket</Code>" in ended.stdout


def test_openssl_finds_the_authority_in_its_folder(isolated: Run) -> None:
    need("openssl", "openssl")
    host = "ecs.aliyuncs.com"
    command = f"openssl s_client -connect {host}:443 -verify_return_error -brief"
    ended = isolated("env", "-i", "/bin/sh", "-c", f"{command} </dev/null")
    assert ended.returncode == 0, ended.stderr
    assert "Verification: OK" in ended.stderr


def test_a_java_program_is_told_nothing(isolated: Run) -> None:
    need("java", "default-jdk-headless")
    program = str(PROGRAMS / "Storage.java")
    ended = isolated("env", "-u", "JAVA_TOOL_OPTIONS", "java", program)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n") == STORED


STORED = ["200 ", "200 ", "200 hello", "true", "403", "204 ", "204 ", ""]


def test_a_java_program_in_ordinary_exec() -> None:
    need("java", "default-jdk-headless")
    ended = run(*EXEC, "--seed", "1", "--", "java", str(PROGRAMS / "Storage.java"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split("\n") == STORED


def test_a_go_program_is_told_nothing(isolated: Run, tmp_path: Path) -> None:
    """Its own resolver asks the name server itself, and it reads its own trust."""
    need("rclone", "rclone")
    config = tmp_path / "rclone.conf"
    config.write_text(
        "[oss]\ntype = s3\nprovider = Alibaba\nenv_auth = false\n"
        "endpoint = oss-eu-central-1.aliyuncs.com\n"
    )
    (tmp_path / "file").write_bytes(b"hello")
    script = (
        "rclone() { env -i GODEBUG=netdns=go RCLONE_S3_ACCESS_KEY_ID=$OSS_ACCESS_KEY_ID"
        " RCLONE_S3_SECRET_ACCESS_KEY=$OSS_ACCESS_KEY_SECRET"
        f' /usr/bin/rclone --config {config} --retries 1 --low-level-retries 1 "$@"; }}\n'
        "rclone mkdir oss:go-pail\n"
        f"rclone copy {tmp_path / 'file'} oss:go-pail\n"
        "rclone cat oss:go-pail/file\n"
    )
    ended = isolated("/bin/sh", "-e", "-c", script)
    assert (ended.returncode, ended.stdout) == (0, "hello"), ended.stderr


def test_functions_and_sdks_run_there(isolated: Run) -> None:
    ended = isolated(sys.executable, str(PROGRAMS / "functions.py"))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)


def test_the_command_s_status_is_kept(isolated: Run) -> None:
    assert isolated("/bin/sh", "-c", "exit 7").returncode == 7
