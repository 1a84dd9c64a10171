"""The command: exec, serve, env, as processes."""

import json
import os
import pty
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alicloud_emulator import __version__
from alicloud_emulator.cli.session import warn_of_others
from emulator.tests.support.emulator import emulator

COMMAND = [sys.executable, "-m", "alicloud_emulator.cli.main"]
PROFILE = """
extends = "fast"
[[account.users]]
name = "reader"
access_key_id = "LTAI-reader"
access_key_secret = "reader-secret"
"""


def run(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_exec_gives_its_command_everything_it_needs(tmp_path: Path) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    stale = {
        "ALIBABA_CLOUD_SECURITY_TOKEN": "stale",
        "OSS_SESSION_TOKEN": "stale",
        "ALIBABA_CLOUD_PROFILE": "real",
        "NO_PROXY": "*",
        "PYTHONPATH": str(tmp_path),
        "NODE_OPTIONS": "--no-warnings",
    }
    ended = run("exec", "--", *python(code), env=stale)
    assert ended.returncode == 0, ended.stderr
    env = json.loads(ended.stdout)
    assert env["HTTPS_PROXY"] == env["http_proxy"]
    assert env["HTTPS_PROXY"].startswith("http://127.0.0.1:")
    assert env["NO_PROXY"] == "localhost,127.0.0.1,::1"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert env[name] == env["CURL_CA_BUNDLE"]
    for prefix in ("ALIBABA_CLOUD", "ALIBABACLOUD", "OSS", "ALIYUN"):
        assert env[f"{prefix}_ACCESS_KEY_ID"] == "LTAI-emulator"
        assert len(env[f"{prefix}_ACCESS_KEY_SECRET"]) == 30
    assert env["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] == "true"
    assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in env
    assert "OSS_SESSION_TOKEN" not in env
    assert "ALIBABA_CLOUD_PROFILE" not in env
    assert env["PYTHONPATH"].endswith(f"front/hooks:{tmp_path}")
    assert env["NODE_OPTIONS"].startswith("--no-warnings --require ")
    assert not Path(env["SSL_CERT_FILE"]).parent.exists(), "left its folder behind"


@pytest.mark.parametrize(
    ("listen", "proxy"),
    [
        ("localhost", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::", "http://[::1]:"),
    ],
)
def test_programs_are_told_where_the_listener_can_be_reached(
    listen: str, proxy: str
) -> None:
    ended = run("exec", "--listen", listen, "--", *python(FETCH))
    if "cannot listen" in ended.stderr and ":" in listen:
        pytest.skip("this machine has no IPv6")
    assert ended.stdout.startswith(proxy), ended.stderr
    assert ("warning: listening on" in ended.stderr) == (listen != "localhost")
    assert ended.stdout.endswith(" 403\n")


FETCH = """
import http.client, os
connection = http.client.HTTPConnection("oss-cn-hongkong.aliyuncs.com", timeout=20)
connection.request("GET", "/")
print(os.environ["HTTPS_PROXY"], connection.getresponse().status)
"""


def test_nobody_knows_the_secret_unless_the_profile_says_it(tmp_path: Path) -> None:
    code = "import os; print(os.environ['OSS_ACCESS_KEY_SECRET'])"
    first, second = (run("exec", "--", *python(code)).stdout for _ in range(2))
    assert first != second
    profile = tmp_path / "p.toml"
    profile.write_text('extends = "fast"\n[account]\naccess_key_secret = "known"\n')
    known = run("exec", "--profile", str(profile), "--", *python(code))
    assert known.stdout == "known\n"


def test_the_bundle_is_in_a_private_folder() -> None:
    code = "import os; d = os.path.dirname(os.environ['SSL_CERT_FILE']); print(oct(os.stat(d).st_mode & 0o777))"
    assert run("exec", "--", *python(code)).stdout == "0o700\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_exec_keeps_the_exit_status_and_writes_the_report(
    tmp_path: Path, code: str, status: int
) -> None:
    report = tmp_path / "r.json"
    ended = run("exec", "--seed", "5", "--report", str(report), "--", *python(code))
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", "")
    document = json.loads(report.read_text())
    assert document["version"] == 1
    assert document["seed"] == 5
    assert len(document["regions"]) == 32
    assert document["requests"]["total"] == 0
    assert set(document["traffic"]) >= {"uplink_bytes", "cross_region_bytes"}
    assert [file.name for file in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["exec"], "needs a command"),
        (["exec", "--"], "needs a command"),
        (["exec", "--", "/no/such/program"], "/no/such/program"),
        (["exec", "--profile", "mars", "--", "true"], "fast, "),
        (["exec", "--profile", "none.toml", "--", "true"], "none.toml"),
        (["exec", "--speed", "0", "--", "true"], "--speed"),
        (["exec", "--fail-rate", "1.5", "--", "true"], "--fail-rate"),
        (["exec", "--report", "/no/dir/r.json", "--", "true"], "--report"),
        (["exec", "--faults", "none.toml", "--", "true"], "none.toml"),
        (["exec", "--faults", "deep.toml", "--", "true"], "too deep"),
        (["exec", "--faults", "s3.toml", "--", "true"], "no service matches 's3'"),
        (["exec", "--as", "nobody", "--", "true"], "--as nobody"),
        (["exec", "--port", "70000", "--", "true"], "--port"),
        (["exec", "--listen", "203.0.113.1", "--", "true"], "cannot listen"),
        (["exec", "--listen", "example.com", "--", "true"], "IP address"),
        (["exec", "--bogus"], "--bogus"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_wrong_usage_gets_a_line_and_status_2(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "deep.toml").write_text("faults = " + "[" * 100_000)
    (tmp_path / "s3.toml").write_text('[[faults]]\ndo = "refuse"\nservice = "s3"\n')
    ended = run(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("alicloud-emulator: error: ")
    assert says in line


WAITING = """
import signal, sys, time
seen = []
def note(number, frame):
    seen.append(number)
signal.signal(signal.SIGINT, note)
signal.signal(signal.SIGTERM, note)
print("ready", flush=True)
for _ in range(1000):
    if not seen:
        time.sleep(0.02)
time.sleep(0.6)
print(seen, flush=True)
sys.exit(9)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [False, True])
def test_a_signal_reaches_the_command_once_and_exec_outlives_it(
    tmp_path: Path, number: signal.Signals, to_group: bool
) -> None:
    report = tmp_path / "r.json"
    process = subprocess.Popen(
        [*COMMAND, "exec", "--report", str(report), "--", *python(WAITING)],
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    if to_group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert output == f"[{int(number)}]\n"
    assert process.returncode == 9
    assert report.exists()


def test_exec_runs_a_command_under_a_users_keys(tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text(PROFILE)
    code = "import os; print(os.environ['ALIBABA_CLOUD_ACCESS_KEY_ID'])"
    ended = run(
        "exec", "--profile", str(profile), "--as", "reader", "--", *python(code)
    )
    assert ended.stdout == "LTAI-reader\n"


def test_exec_runs_a_command_as_another_account(tmp_path: Path) -> None:
    profile = tmp_path / "p.toml"
    profile.write_text(
        'extends = "fast"\n[[accounts]]\nid = "99"\naccess_key_id = "LTAI-other"\n'
    )
    code = "import os; print(os.environ['ALIBABA_CLOUD_ACCESS_KEY_ID'])"
    ended = run("exec", "--profile", str(profile), "--as", "99", "--", *python(code))
    assert ended.stdout == "LTAI-other\n", ended.stderr


def exports(text: str) -> dict[str, str]:
    words = [shlex.split(line) for line in text.splitlines()]
    pairs = [w[1].partition("=") for w in words if w[0] == "export"]
    return {name: value for name, _, value in pairs}


def test_env_finds_a_running_server_and_prints_exports(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(PROFILE)
    env = {"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": "/mine"}
    with emulator("--profile", str(tmp_path / "p.toml"), env=env) as running:
        found = exports(run("env", env=env).stdout)
        assert found["HTTPS_PROXY"] == running.proxy
        assert found["ALICLOUD_EMULATOR_CONSOLE"] == running.console
        assert found["OSS_ACCESS_KEY_ID"] == "LTAI-emulator"
        assert found["PYTHONPATH"].endswith(":/mine")
        assert (
            exports(run("env", "--as", "reader", env=env).stdout)["OSS_ACCESS_KEY_ID"]
            == "LTAI-reader"
        )
        assert run("env", "--as", "nobody", env=env).returncode == 2
        (file,) = (tmp_path / "alicloud-emulator").iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        bundle = running.ca_bundle
        assert bundle.exists()
    assert not bundle.exists()
    assert list((tmp_path / "alicloud-emulator").iterdir()) == []


def evaluated(text: str, then: str = ":") -> subprocess.CompletedProcess[str]:
    """A shell that evaluates what env printed, and goes on in any case."""
    script = f'eval "$(cat)"; echo "status $?"; {then}; echo alive'
    return subprocess.run(
        ["sh", "-c", script],
        input=text,
        env={"PATH": os.environ["PATH"], "OSS_ACCESS_KEY_SECRET": "a real one"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def leads_nowhere(ended: subprocess.CompletedProcess[str]) -> None:
    """What env printed takes a shell away from the real cloud, and stops scripts."""
    assert ended.stdout.splitlines()[-1] == "false"
    shell = evaluated(ended.stdout, 'echo "$OSS_ACCESS_KEY_SECRET $HTTPS_PROXY"')
    status, keys_and_proxy, last = shell.stdout.splitlines()
    assert status == "status 1"
    assert keys_and_proxy == "no-emulator-runs http://127.0.0.1:1"
    assert last == "alive", "the user's own shell must not end"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 1), timeout=5)


@pytest.mark.parametrize("wrong", [("--bogus",), ("--name",), ("extra",)])
def test_env_leads_nowhere_when_it_is_asked_the_wrong_thing(
    wrong: tuple[str, ...],
) -> None:
    ended = run("env", *wrong)
    assert ended.returncode == 2
    leads_nowhere(ended)


def test_env_waits_for_a_server_that_is_just_starting(tmp_path: Path) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    asking = subprocess.Popen(
        [*COMMAND, "env"],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    with emulator(env=env) as running:
        output, _ = asking.communicate(timeout=30)
        assert exports(output)["HTTPS_PROXY"] == running.proxy
    assert asking.returncode == 0


def test_env_wants_a_name_where_several_servers_run(tmp_path: Path) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with emulator("--name", "one", env=env) as one, emulator(env=env) as two:
        ended = run("env", env=env)
        assert ended.returncode == 2
        assert "one" in ended.stderr
        assert str(two.pid) in ended.stderr
        leads_nowhere(ended)
        for name, server in (("one", one), (str(two.pid), two)):
            found = exports(run("env", "--name", name, env=env).stdout)
            assert found["HTTPS_PROXY"] == server.proxy
        taken = run("serve", "--name", "one", env=env)
        assert taken.returncode == 2
        assert "--name one" in taken.stderr


def test_env_trusts_nobody_on_the_port_of_a_server_that_was_killed(
    tmp_path: Path,
) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    with emulator(env=env) as killed:
        os.kill(killed.pid, signal.SIGKILL)
    console = ("127.0.0.1", int(killed.console.rpartition(":")[2]))
    with socket.create_server(console):
        ended = run("env", env=env)
    assert ended.returncode == 2
    assert "no running server" in ended.stderr
    assert "alicloud-emulator serve" in ended.stderr, "what to do"
    leads_nowhere(ended)
    assert list((tmp_path / "alicloud-emulator").iterdir()) == []


def test_what_a_killed_emulator_left_goes_when_the_next_one_starts(
    tmp_path: Path,
) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    with emulator(env=env) as running, emulator(env=env) as killed:
        os.kill(killed.pid, signal.SIGKILL)
        assert killed.ca_bundle.exists(), "nobody could remove it"
        with emulator(env=env) as another:
            assert not killed.ca_bundle.parent.exists()
            assert running.ca_bundle.exists()
            records = (tmp_path / "alicloud-emulator").glob("*.json")
            pids = {json.loads(file.read_text())["pid"] for file in records}
            assert pids == {running.pid, another.pid}


def test_env_believes_no_folder_that_others_may_write(tmp_path: Path) -> None:
    folder = tmp_path / "alicloud-emulator"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "1.json").write_text(json.dumps({"pid": os.getpid()}))
    ended = run("env", env={"XDG_RUNTIME_DIR": str(tmp_path)})
    assert ended.returncode == 2
    assert "private" in ended.stderr
    leads_nowhere(ended)


def test_env_twice_is_as_good_as_once(tmp_path: Path) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": "/mine"}
    env["NODE_OPTIONS"] = "--no-warnings"
    with emulator(env=env):
        once = exports(run("env", env=env).stdout)
        assert exports(run("env", env={**env, **once}).stdout) == once


def test_nothing_is_loaded_that_a_start_does_not_need() -> None:
    code = "import sys, alicloud_emulator.cli.run; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"http.client", "urllib.request", "multiprocessing", "unittest", "pydoc"}
    heavy |= {"email.parser", "xml.sax", "ali_import", "requests"}
    assert not heavy & set(done.stdout.split())


def test_the_server_starts_and_helps() -> None:
    with emulator() as running:
        state: dict[str, Any] = running.get("/state")
    assert len(state["regions"]) == 32
    assert "serve" in run("--help").stdout
    assert run("--version").stdout == f"alicloud-emulator {__version__}\n"
    assert "loopback" in run("serve", "--help").stdout


def test_ctrl_c_on_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    """The terminal signals the whole foreground group; exec must not signal again."""
    report, output = tmp_path / "r.json", tmp_path / "output"
    code = WAITING.replace("print(seen", f"print(seen, file=open({str(output)!r}, 'w')")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            *python(ON_TERMINAL),
            os.ttyname(theirs),
            *COMMAND,
            "exec",
            *("--report", str(report), "--"),
            *python(code),
        ],
        start_new_session=True,
    )
    try:
        shown = b""
        while b"ready" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"\x03")
        assert process.wait(30) == 9
    finally:
        os.close(ours)
        os.close(theirs)
    assert output.read_text() == f"[{int(signal.SIGINT)}]\n"
    assert report.exists()


# Opening a terminal makes it the controlling one of a new session.
ON_TERMINAL = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)
for number in range(3):
    os.dup2(terminal, number)
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("address", "warned"),
    [("127.0.0.1", False), ("127.0.0.9", False), ("::1", False), ("0.0.0.0", True)],
)
def test_who_listens_to_other_machines_is_warned(
    address: str, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_others(address)
    said = capsys.readouterr().err
    assert ("other machines can reach the cloud" in said) is warned
