"""The command as a process: speed, exit statuses, signals, pipes, hanging threads."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from ali_import import __version__
from ali_import.cli.arguments import COMMANDS
from emulator.tests.support.waiting import until
from tests.support import disks

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 120
"""Before then a command has ended that does not hang; those that do take 600 s."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return disks.write_image(tmp_path / "a.img")


def start(
    *argv: str | Path,
    script: str = "",
    stdin: int | IO[str] = subprocess.DEVNULL,
    stdout: int | IO[str] = subprocess.PIPE,
    before: tuple[str, ...] = (),
    **environment: str,
) -> subprocess.Popen[str]:
    """Start ``ali-import``, around a scripted run if one is named."""
    module = ["tests.unit.cli.scripted", script] if script else ["ali_import"]
    return subprocess.Popen(
        [*before, sys.executable, "-m", *module, *map(str, argv)],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error."""
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    return process.returncode, out, err


SCREEN_LINES = 54
"""Of a terminal window as people have it on a desk."""


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip() == "ready":
            return
    raise AssertionError("the process ended before it was ready")


def test_help_and_version_are_quick_and_load_nothing_heavy() -> None:
    code = (
        "import sys; from ali_import.cli.main import main; main();"
        "print(*sys.modules, file=sys.stderr)"
    )
    heavy = {
        "anyio",
        "asyncio",
        "rich",
        "requests",
        "ssl",
        "http.client",
        "logging",
        "alibabacloud_oss_v2",
        "alibabacloud_tea_openapi",
        "ali_import.publish",
    }
    for flag in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, flag],
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        assert not heavy & set(done.stderr.split())


def test_help_teaches() -> None:
    _, manual, _ = finish(start("help", "publish"))
    _, out, _ = finish(start("--help"))
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("\n") <= SCREEN_LINES
    for command, purpose in COMMANDS.items():
        assert f"  {command:<12} {purpose}\n" in out
    flags = [
        *("--all-or-nothing", "--allow-failure", "--timeout", "--report"),
        *("--name", "--family", "--public", "--overwrite", "--region", "--role"),
    ]
    assert [flag for flag in flags if flag not in out.replace("[no-]", "")] == []
    taught = [
        "direct",
        "relay",
        "copy",
        "examples:",
        "exit status:",
        "./list",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
        "~/.aliyun",
        "OIDC",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
        "NO_COLOR",
        "REGION NAME (FAMILY) IMAGE_ID",
    ]
    assert [word for word in taught if word not in manual] == []
    assert max(map(len, manual.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_a_screen_and_shows_examples(command: str) -> None:
    status, out, err = finish(start(command, "--help"))
    assert (status, err) == (0, "")
    assert f"usage: ali-import {command}" in out
    assert f"examples:\n  ali-import {command}" in out
    assert "exit status:\n  0  " in out
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("\n") <= SCREEN_LINES
    assert finish(start("help", command)) == (0, out, "")


def test_help_alone_is_that_of_the_publication() -> None:
    assert finish(start("help")) == finish(start("--help"))


COMPLETE = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$(($# - 2))
COMPREPLY=()
_shtab_ali_import
echo "${COMPREPLY[@]}"
"""


def test_a_shell_completes_commands_flags_values_and_files(tmp_path: Path) -> None:
    script = tmp_path / "complete.bash"
    status, out, err = finish(start("completion", "bash"))
    assert (status, err) == (0, "")
    script.write_text(out, encoding="utf-8")
    (tmp_path / "disk.img").touch()

    def completed(*words: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", COMPLETE, "bash", str(script), "ali-import", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        return done.stdout.split()

    assert completed("ch") == ["check"]
    assert completed("") == [*COMMANDS]
    assert "--region" in completed("--re")
    assert completed("check", "--pol") == ["--policy"]
    assert completed("prune", "--ke") == ["--keep"]
    assert completed("--boot-mode", "") == ["bios", "uefi", "uefi-preferred"]
    assert completed("inspect", "di") == ["disk.img"]
    for shell in ("zsh", "fish"):
        status, out, err = finish(start("completion", shell))
        assert (status, err) == (0, "")
        assert "all-or-nothing" in out


def test_version() -> None:
    assert finish(start("--version")) == (0, f"ali-import {__version__}\n", "")


@pytest.mark.parametrize(
    "argv",
    [
        *([], ["--nonsense"], ["none.img"], [os.devnull], ["cleanup", "--all"]),
        *(["--plan"], ["-c", "none.toml"], ["--set", "a=b", os.devnull]),
        *(["check", "--trust", "nobody"], ["check", "--fix"], ["check", "-c", "none"]),
        *(["list", "-r", "X"], ["list", "none.img"], ["inspect"], ["inspect", "none"]),
        *(["prune"], ["prune", "-f", "demo", "--keep", "0", "--deprecate", "-y"]),
        *(["help", "nothing"], ["completion", "csh"]),
    ],
)
def test_bad_usage_exits_with_2_and_one_line(argv: list[str]) -> None:
    status, out, err = finish(start(*argv))
    assert (status, out) == (2, "")
    assert err.startswith("ali-import: error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("script", "status", "lines"),
    [("place_all", 0, 2), ("fail_some", 3, 1), ("break", 4, 0)],
)
def test_exit_statuses(image: Path, script: str, status: int, lines: int) -> None:
    ended, out, err = finish(start(image, script=script))
    assert (ended, out.count("\n")) == (status, lines)
    assert "Traceback" not in err
    assert "LTAI" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_cleans_up(image: Path, number: signal.Signals) -> None:
    process = start(image, script="wait_for_interrupt")
    wait_until_ready(process)
    process.send_signal(number)
    status, out, err = finish(process)
    assert status == 130
    assert out.count("\n") == 1
    assert "interrupt again to stop at once" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_second_signal_stops_at_once_and_says_what_is_left(
    image: Path, number: signal.Signals
) -> None:
    process = start(image, script="ignore_interrupts")
    wait_until_ready(process)
    process.send_signal(number)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(number)
    status, out, err = finish(process)
    assert (status, out) == (130, "")
    assert "left over: cn-hangzhou bucket ali-import-0123abcd" in err
    assert "ali-import cleanup --all" in err


CLEANUP_ALL = ("cleanup", "--all", "--yes")
MAY_BE_LEFT = [
    "may be left: cn-hangzhou bucket ali-import-0123abcd-66aabbcc-cn-hangzhou",
    "to remove what is left: ali-import cleanup --all",
]


def test_the_first_signal_lets_cleanup_finish_what_it_began() -> None:
    process = start(*CLEANUP_ALL, script="remove_with_care")
    wait_until_ready(process)
    process.send_signal(signal.SIGINT)
    status, _, err = finish(process)
    assert status == 130
    assert err.splitlines() == [
        "interrupted: cleaning up; interrupt again to stop at once",
        "finishing",
        "finished",
        *MAY_BE_LEFT,
        "ali-import: interrupted",
    ]


def test_the_second_signal_stops_cleanup_at_once_and_says_what_may_be_left() -> None:
    process = start(*CLEANUP_ALL, script="remove_for_ever")
    wait_until_ready(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    status, _, err = finish(process)
    assert status == 130
    assert err.splitlines()[1:] == [
        "ali-import: stopped",
        *MAY_BE_LEFT,
        (
            "a function that was made to empty a bucket may also be left; it expires "
            "within an hour"
        ),
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_early_moment_ends_it_without_a_traceback(
    image: Path, number: signal.Signals
) -> None:
    for wait_s in (0.1, 0.15, 0.25):
        process = start(image, script="ignore_interrupts")
        time.sleep(wait_s)
        # Two are enough; on a busy machine several may be pending, and count as one.
        for _ in range(30):
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.4)
                break
        status, _, err = finish(process)
        # Before Python runs any code of ours, a signal does what it always does.
        if status >= 0:
            assert status == 130
            assert "Traceback" not in err


def test_nohup_is_heeded(image: Path) -> None:
    ignoring = "trap '' HUP; exec \"$@\""
    process = start(
        image, script="wait_for_interrupt", before=("sh", "-c", ignoring, "-")
    )
    wait_until_ready(process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 130


def test_a_thread_that_hangs_does_not_keep_the_process(image: Path) -> None:
    status, out, _ = finish(start(image, script="leave_a_thread_behind"))
    assert (status, out.count("\n")) == (0, 2)


@pytest.mark.parametrize("argv", [["--help"], ["help", "publish"], ["IMAGE"]])
def test_a_reader_that_has_gone_is_no_error(image: Path, argv: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    arguments = [image if word == "IMAGE" else word for word in argv]
    process = start(*arguments, script="place_all", stdout=writing)
    os.close(writing)
    status, _, err = finish(process)
    assert status == 0
    assert "Error" not in err
    assert "Exception" not in err


def test_a_full_disk_is_an_error_and_the_report_is_written(
    image: Path, tmp_path: Path
) -> None:
    report = tmp_path / "r.json"
    with Path("/dev/full").open("w") as full:
        argv = ("--report", report, image)
        status, _, err = finish(start(*argv, script="place_all", stdout=full))
    assert status == 4
    assert json.loads(report.read_text())["exit_status"] == 4
    assert "2 placements in 2 regions: 2 placed" in err
    assert "ali-import: error: standard output cannot be written" in err
    assert "Exception" not in err


def test_a_terminal_that_knows_no_chinese_gets_escapes(image: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.unit.cli.scripted",
            "place_all",
            "-n",
            "镜像",
            image,
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0
    assert "cn-hangzhou \\u955c\\u50cf (ipxe) m-cn-hangzhou" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_streams_do_no_harm(image: Path, closed: str) -> None:
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'exec "$0" -m tests.unit.cli.scripted place_all "$1" {closed}',
            sys.executable,
            str(image),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_the_live_display_on_a_terminal_leaves_results_whole(image: Path) -> None:
    """Both streams on one pseudo-terminal: the result lines come last but one part."""
    import pty

    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.unit.cli.scripted",
            "fail_some",
            "-n",
            "n1",
            image,
        ],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONPATH": str(ROOT)},
    )
    os.close(terminal)
    written = b""
    try:
        while chunk := os.read(master, 65536):
            written += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        process.wait(timeout=TIMEOUT_S)
        os.close(master)
    assert process.returncode == 3
    shown, _, rest = written.rpartition(b"\x1b[?25h")
    assert b"\x1b[?25l" in shown
    assert b"\r\ncn-hangzhou n1 (ipxe) m-cn-hangzhou\r\n" in b"\r\n" + rest.lstrip(
        b"\r\x1b[2K1A"
    )
    assert b"SomeCode at done, 1 image: us-east-1" in rest


@pytest.fixture
def packed(image: Path) -> Path:
    path = image.with_name("a.img.gz")
    path.write_bytes(gzip.compress(image.read_bytes()))
    return path


def temporary(packed: Path) -> Path:
    directory = packed.parent / "temporary"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.mark.parametrize("signals", [0, 1, 2])
def test_what_an_image_was_unpacked_to_goes_however_the_command_ends(
    packed: Path, signals: int
) -> None:
    there = temporary(packed)
    script = ("fail_some", "wait_for_interrupt", "ignore_interrupts")[signals]
    process = start(packed, script=script, TMPDIR=str(there))
    if signals:
        wait_until_ready(process)
        assert len(list(there.iterdir())) == 1
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
    assert finish(process)[0] == (130 if signals else 3)
    assert list(there.iterdir()) == []


def test_what_a_killed_command_has_left_goes_with_the_next(
    image: Path, packed: Path
) -> None:
    there = temporary(packed)
    process = start(packed, script="ignore_interrupts", TMPDIR=str(there))
    wait_until_ready(process)
    process.kill()
    finish(process)
    assert len(list(there.iterdir())) == 1
    assert finish(start(image, script="place_all", TMPDIR=str(there)))[0] == 0
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_pipe_gives_nothing_ends_it(
    packed: Path, number: signal.Signals
) -> None:
    there = temporary(packed)
    argv = ("-v", "-n", "n1", "-")
    process = start(*argv, script="place_all", stdin=subprocess.PIPE, TMPDIR=str(there))
    assert process.stdin is not None
    process.stdin.write("x" * 100_000)
    process.stdin.flush()
    until(lambda: list(there.iterdir()))
    process.send_signal(number)
    process.wait(TIMEOUT_S)  # the pipe stays open meanwhile
    status, _, err = finish(process)
    assert status == 130
    assert err.splitlines()[-1] == "ali-import: interrupted"
    assert list(there.iterdir()) == []


def test_an_image_comes_from_a_pipe(image: Path) -> None:
    with subprocess.Popen(["cat", image], stdout=subprocess.PIPE, text=True) as cat:
        assert cat.stdout is not None
        process = start("-n", "n1", "-", script="place_all", stdin=cat.stdout)
        status, out, _ = finish(process)
    assert status == 0
    assert out.splitlines()[0].startswith("cn-hangzhou n1 (ipxe) m-")


def test_standard_input_may_be_a_file(image: Path) -> None:
    with image.open() as file:
        process = start("-n", "n1", "-", script="place_all", stdin=file)
        assert finish(process)[0] == 0


def test_an_image_from_a_named_pipe_needs_a_name(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    status, _, err = finish(start(pipe, script="place_all"))
    assert status == 2
    assert f"{pipe}: an image from a pipe needs a name; add --name NAME" in err
