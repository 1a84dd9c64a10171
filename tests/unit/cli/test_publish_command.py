"""``ali-import IMAGE...`` from arguments to exit status, around a scripted run."""

import errno
import hashlib
import io
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from ali_import import library, preparing
from ali_import.cli import main
from ali_import.disk import DiskImage, inspect
from ali_import.errors import ApiError, ConfigurationError
from ali_import.publish.model import Note, Report, Result
from tests.support import disks
from tests.unit.cli.scripted import (
    LEFTOVER,
    SCRIPTS,
    Script,
    ScriptedRun,
    nobody_refused,
    nothing_unfinished,
    run_with,
)

Command = Callable[..., int]


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three images and some files that are none, in the working directory."""
    monkeypatch.chdir(tmp_path)
    disks.write_image(tmp_path / "bios.img")
    disks.write_image(tmp_path / "x64.img", disks.BOOT_X86_64)
    disks.write_image(tmp_path / "arm.img", disks.BOOT_ARM64)
    (tmp_path / "text.txt").write_text("this is not a disk\n" * 100)
    (tmp_path / "empty.img").touch()
    return tmp_path


@pytest.fixture
def made(images: Path) -> list[ScriptedRun]:
    """Collect the runs that the command has begun."""
    assert images.is_dir()
    return []


@pytest.fixture
def command(made: list[ScriptedRun], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in this process: first the script, then the arguments."""

    def run(script: Script, *argv: str) -> int:
        monkeypatch.setattr(library, "Run", run_with(script, made))
        monkeypatch.setattr(preparing, "is_unfinished", nothing_unfinished)
        monkeypatch.setattr(library, "refuse_account", nobody_refused)
        return main.main(argv)

    return run


place_all = SCRIPTS["place_all"]


def test_results_go_to_standard_output_and_the_rest_to_standard_error(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(place_all, "-n", "n1", "bios.img", "arm.img") == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "cn-hangzhou n1 (ipxe) m-cn-hangzhou",
        "cn-hangzhou n1-uefi-arm64 (ipxe-uefi-arm64) m-cn-hangzhou",
        "us-east-1 n1 (ipxe) m-us-east-1",
        "us-east-1 n1-uefi-arm64 (ipxe-uefi-arm64) m-us-east-1",
    ]
    assert "4 placements in 2 regions: 4 placed" in output.err
    assert "\x1b" not in output.err


def test_what_is_odd_about_an_image_is_told_before_it_is_published(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("x64.img").open("ab") as file:
        file.write(bytes(512))
    assert command(place_all, "x64.img") == 0
    line = "x64.img: the backup GPT is not at the end of the disk"
    assert line in capsys.readouterr().err


def test_flags_become_options(command: Command, made: list[ScriptedRun]) -> None:
    argv = "-p --overwrite --all-or-nothing -r us-east-1 -r cn-hangzhou"
    more = "--allow-failure cn-hangzhou -R relay-role --timeout 8h bios.img"
    assert command(place_all, *argv.split(), *more.split()) == 0
    options = made[0].options
    assert options.regions == ("us-east-1", "cn-hangzhou")
    assert options.allow_failure == {"cn-hangzhou"}
    assert (options.public, options.overwrite, options.all_or_nothing) == (True,) * 3
    assert options.role == "relay-role"
    assert options.timeout_s == 8 * 3600


def test_without_flags_the_options_are_the_defaults(
    command: Command, made: list[ScriptedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1767949200.0)
    assert command(place_all, "bios.img") == 0
    options = made[0].options
    assert (options.regions, options.role, options.public) == ((), "", None)
    assert options.timeout_s == 4 * 3600
    assert [target.name for target in made[0].targets] == ["ipxe-20260109"]


@pytest.mark.parametrize(
    ("flags", "found", "suffix"),
    [
        ("", ("UEFI", False, "x86_64"), "-uefi-x86-64"),
        ("--boot-mode bios", ("BIOS", False, "x86_64"), ""),
        ("--boot-mode uefi", ("UEFI", False, "x86_64"), "-uefi-x86-64"),
        ("--boot-mode uefi-preferred", ("UEFI", True, "x86_64"), "-uefi-x86-64"),
        ("--architecture arm64", ("UEFI", False, "arm64"), "-uefi-arm64"),
    ],
)
def test_what_is_said_of_the_images_wins_over_what_is_found(
    command: Command,
    made: list[ScriptedRun],
    flags: str,
    found: tuple[str, bool, str],
    suffix: str,
) -> None:
    assert command(place_all, *flags.split(), "-n", "n1", "x64.img") == 0
    (target,) = made[0].targets
    image = target.image
    assert (image.boot_mode, image.uefi_preferred, image.architecture) == found
    assert target.name == f"n1{suffix}"


def test_an_arm64_image_prefers_nothing(
    command: Command, made: list[ScriptedRun], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--boot-mode", "uefi-preferred")
    assert command(place_all, *flags, "arm.img") == 0
    assert not made[0].targets[0].image.uefi_preferred
    assert "arm.img: stays UEFI" in capsys.readouterr().err
    for mode in ("uefi-preferred", "bios"):
        argv = ("--boot-mode", mode, "--architecture", "arm64", "arm.img", "x64.img")
        assert command(place_all, *argv) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "arm64 machines boot from UEFI only" in line


def test_a_wrong_checksum_ends_it_before_anything_is_made(
    command: Command, made: list[ScriptedRun], capsys: pytest.CaptureFixture[str]
) -> None:
    sums = {
        name: hashlib.sha256(Path(name).read_bytes()).hexdigest()
        for name in ("bios.img", "x64.img")
    }
    lines = "".join(f"{value}  {name}\n" for name, value in sums.items())
    Path("SHA256SUMS").write_text(lines)
    assert command(place_all, "--sha256", "SHA256SUMS", "bios.img", "x64.img") == 0
    Path("SHA256SUMS").write_text(lines.replace(sums["x64.img"], "0" * 64))
    made.clear()
    capsys.readouterr()
    assert command(place_all, "--sha256", "SHA256SUMS", "bios.img", "x64.img") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "x64.img: is not the file it should be: its SHA-256 is" in line
    assert sums["x64.img"] in line
    one = f"bios.img={sums['bios.img'].upper()}"
    assert command(place_all, "--sha256", one, "bios.img", "x64.img") == 2
    assert "x64.img has no sum" in capsys.readouterr().err
    assert not made


def test_every_bad_file_is_named_and_nothing_is_begun(
    command: Command, made: list[ScriptedRun], capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["none.img", "bios.img", "empty.img", "text.txt", "."]
    assert command(place_all, *files) == 2
    output = capsys.readouterr()
    lines = output.err.splitlines()
    assert len(lines) == 4
    for line, name in zip(
        lines, ["none.img", "empty.img", "text.txt", "."], strict=True
    ):
        assert line.startswith(f"ali-import: error: {name}: ")
    assert output.out == ""
    assert not made


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ("bios.img bios.img", "would both be named"),
        ("-n aliyun-x bios.img", "aliyun"),
        ("-n ali-import-x bios.img", "temporary"),
        ("--report none/r.json bios.img", "--report none/r.json: cannot be written"),
        ("--report json:. bios.img", "--report json:.: cannot be written"),
        (
            "--report r.htlm bios.img",
            "write FORMAT:r.htlm, where FORMAT is one of json",
        ),
        ("--report - bios.img", "standard output needs a format"),
        ("--report md:- --report images:- bios.img", "two reports for standard"),
        ("--report r.md --report html:./r.md bios.img", "another report goes into"),
        ("--report json: bios.img", "names no file"),
        ("--region Nowhere bios.img", "'Nowhere' is not a region id"),
        ("", "IMAGE"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    command: Command,
    made: list[ScriptedRun],
    capsys: pytest.CaptureFixture[str],
    argv: str,
    complaint: str,
) -> None:
    assert command(place_all, *argv.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ali-import: error: ")
    assert complaint in line
    assert not made


@pytest.mark.parametrize(
    ("results", "allowed", "status"),
    [
        ((Result.PLACED, Result.UNCHANGED), (), 0),
        ((Result.PLACED, Result.FAILED), (), 3),
        ((Result.PLACED, Result.FAILED), ("--allow-failure", "us-east-1"), 0),
        ((Result.FAILED, Result.FAILED), (), 4),
    ],
)
def test_the_exit_status_follows_the_report(
    command: Command, results: tuple[Result, ...], allowed: tuple[str, ...], status: int
) -> None:
    async def script(run: ScriptedRun) -> Report:
        return run.report(*results)

    assert command(script, *allowed, "bios.img") == status


def test_failures_leftovers_and_the_summary_are_told(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(run: ScriptedRun) -> Report:
        return run.report(Result.FAILED, Result.PLACED, leftovers=(LEFTOVER,))

    assert command(script, "-n", "n1", "bios.img") == 3
    output = capsys.readouterr()
    assert output.out == "us-east-1 n1 (ipxe) m-us-east-1\n"
    assert (
        output.err.splitlines()[-11:]
        == [
            "2 placements in 2 regions: 1 placed, 1 failed",
            "0.0 s, 0 API calls, 0 retries, run 0123abcd",
            "route   regions  placed  failed",
            "direct        2       1       1",
            "1 cause, 1 of 2 failed",
            "1. SomeCode at done, 1 image: cn-hangzhou",
            "   said: some message",
            "1 of 2 images are in place with their names and families",
            "where an image failed, an older image of the same name is untouched",
            "left over: cn-hangzhou bucket ali-import-0123abcd-66aabbcc-cn-hangzhou",
            "to remove what is left: ali-import cleanup --all",
            "then run again: ali-import -n n1 bios.img",
        ][-11:]
    )


def test_the_command_to_run_again_keeps_the_name_of_today(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    images: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("time.time", lambda: 1767949200.0)
    (images / "arm.img").rename("my disk.img")
    assert command(SCRIPTS["fail_some"], "-f", "fam", "--", "my disk.img") == 3
    assert capsys.readouterr().err.splitlines()[-1] == (
        "then run again: ali-import -n fam-20260109 -f fam -- 'my disk.img'"
    )


def test_every_kind_of_report_is_written_in_one_run(
    command: Command, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("r.json", "images:ids", "r.tfvars", "r.md", "r.HTML", "github-output:out")
    flags = [word for file in files for word in ("--report", file)]
    assert command(SCRIPTS["fail_some"], "-n", "n1", *flags, "bios.img") == 3
    plain = "cn-hangzhou n1 (ipxe) m-cn-hangzhou\n"
    assert capsys.readouterr().out == plain
    ids = {"n1": {"cn-hangzhou": "m-cn-hangzhou"}}
    assert json.loads((images / "ids").read_text()) == ids
    assert (
        json.loads((images / "r.json").read_text())["causes"][0]["code"] == "SomeCode"
    )
    assert f"images={json.dumps(ids)}\n" in (images / "out").read_text()
    for name in ("r.md", "r.HTML"):
        assert "1 cause, 1 of 2 failed" in (images / name).read_text()
    assert '"cn-hangzhou" = "m-cn-hangzhou"' in (images / "r.tfvars").read_text()


def test_a_report_may_take_the_place_of_the_result_lines(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(place_all, "-n", "n1", "--report", "images:-", "bios.img") == 0
    regions = {"cn-hangzhou": "m-cn-hangzhou", "us-east-1": "m-us-east-1"}
    assert json.loads(capsys.readouterr().out) == {"n1": regions}


def test_the_runners_files_are_appended_to_and_others_replaced(
    command: Command, monkeypatch: pytest.MonkeyPatch, images: Path
) -> None:
    for name in ("summary", "output", "other.md"):
        (images / name).write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(images / "summary"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(images / "output"))
    flags = ("--report", "summary", "--report", "output", "--report", "other.md")
    assert command(place_all, "-n", "n1", *flags, "bios.img") == 0
    summary = (images / "summary").read_text()
    assert summary.startswith("before\n### ali-import: 2 placements")
    assert (images / "output").read_text().startswith("before\nimages={")
    assert (images / "other.md").read_text().startswith("### ali-import")


def test_on_github_each_cause_is_an_annotation_on_standard_error(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert command(SCRIPTS["fail_some"], "-n", "n1", "bios.img") == 3
    output = capsys.readouterr()
    assert "::" not in output.out
    (line,) = [text for text in output.err.splitlines() if text.startswith("::")]
    assert line == (
        "::error title=SomeCode at done%2C 1 image::us-east-1%0Asome message"
    )
    flags = ("--allow-failure", "us-east-1", "-n", "n1")
    assert command(SCRIPTS["fail_some"], *flags, "bios.img") == 0
    assert "\n::warning title=SomeCode" in capsys.readouterr().err


def test_the_report_file_holds_the_run(command: Command, images: Path) -> None:
    assert command(SCRIPTS["fail_some"], "--report", "r.json", "bios.img") == 3
    document = json.loads((images / "r.json").read_text())
    assert document["exit_status"] == 3
    assert document["counts"]["failed"] == 1
    assert document["images"][0]["path"] == "bios.img"


def test_a_report_that_cannot_be_written_in_the_end_is_an_error(
    command: Command, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(run: ScriptedRun) -> Report:
        (images / "r.json").mkdir()
        return run.report()

    assert command(script, "-n", "n1", "--report", "r.json", "bios.img") == 4
    output = capsys.readouterr()
    assert "cn-hangzhou n1 (ipxe)" in output.out
    assert "ali-import: error: --report r.json: cannot be written" in output.err


@pytest.mark.parametrize("link", ["itself", "symbolic", "hard", "to its folder"])
def test_a_report_in_the_place_of_an_image_is_refused(
    command: Command,
    made: list[ScriptedRun],
    images: Path,
    capsys: pytest.CaptureFixture[str],
    link: str,
) -> None:
    before = (images / "x64.img").read_bytes()
    report = Path("r.json")
    prefix = "" if link in {"symbolic", "hard"} else "json:"
    match link:
        case "itself":
            report = Path("./x64.img")
        case "symbolic":
            report.symlink_to("x64.img")
        case "hard":
            report.hardlink_to("x64.img")
        case _:
            Path("folder").symlink_to(images)
            report = Path("folder/x64.img")
    given = f"{prefix}{report}"
    assert command(place_all, "--report", given, "bios.img", "x64.img") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--report {given}: is the same file as the image x64.img" in line
    assert (images / "x64.img").read_bytes() == before
    assert not made


INPUTS = {
    "release file": ("-c", "r.toml", 'family = "demo"\n'),
    "list of checksums": ("--sha256", "SUMS", f"{'0' * 64}  bios.img\n"),
}


@pytest.mark.parametrize("what", INPUTS)
def test_a_report_in_the_place_of_another_input_is_refused(
    command: Command,
    made: list[ScriptedRun],
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    flag, name, text = INPUTS[what]
    Path(name).write_text(text, encoding="utf-8")
    given = f"json:./{name}"
    assert command(place_all, flag, name, "--report", given, "bios.img") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--report {given}: is the same file as the {what} {name}" in line
    assert Path(name).read_text(encoding="utf-8") == text
    assert not made


class FullDisk(io.StringIO):
    """Takes nothing."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Closed(io.StringIO):
    """Was closed before anything was written."""

    def __init__(self) -> None:
        super().__init__()
        self.close()


@pytest.mark.parametrize("stream", [FullDisk, Closed])
def test_what_cannot_be_printed_is_still_reported(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    images: Path,
    capsys: pytest.CaptureFixture[str],
    stream: type[io.StringIO],
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", stream())
        assert command(place_all, "--report", "r.json", "bios.img") == 4
    errors = capsys.readouterr().err
    assert "2 placements in 2 regions: 2 placed" in errors
    assert "ali-import: error: standard output cannot be written" in errors
    document = json.loads((images / "r.json").read_text())
    assert document["counts"]["placed"] == 2
    assert document["exit_status"] == 4


def test_everything_that_cannot_be_written_is_named(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    images: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def script(run: ScriptedRun) -> Report:
        (images / "r.json").mkdir()
        return run.report()

    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", FullDisk())
        assert command(script, "--report", "r.json", "bios.img") == 4
    errors = capsys.readouterr().err
    assert "2 placements in 2 regions: 2 placed" in errors
    assert "standard output cannot be written" in errors
    assert "--report r.json: cannot be written" in errors


def test_errors_of_the_run_are_one_line(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(_: ScriptedRun) -> Report:
        raise ConfigurationError("region xx-nowhere is unknown", advice="see the list")

    assert command(script, "bios.img") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == "ali-import: error: region xx-nowhere is unknown; see the list"


def test_an_error_of_the_cloud_says_where_and_which_request(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(_: ScriptedRun) -> Report:
        raise ApiError(
            "no such thing",
            region="cn-hangzhou",
            operation="ecs.DescribeImages",
            code="Forbidden",
            http_status=403,
            request_id="473469C7",
            advice="grant it",
        )

    assert command(script, "bios.img") == 4
    assert capsys.readouterr().err.splitlines()[-1] == (
        "ali-import: error: cn-hangzhou ecs.DescribeImages: Forbidden: no such thing "
        "(request id 473469C7); grant it"
    )


@pytest.mark.parametrize("verbosity", ["", "-v"])
def test_the_unexpected_is_one_line_without_secrets(
    command: Command, capsys: pytest.CaptureFixture[str], verbosity: str
) -> None:
    argv = [verbosity] if verbosity else []
    assert command(SCRIPTS["break"], *argv, "bios.img") == 4
    errors = capsys.readouterr().err
    assert "unexpected RuntimeError: the access key *** is in here" in errors
    assert "-vv" in errors
    assert "Traceback" not in errors
    assert "LTAI" not in errors


def test_vv_shows_the_traceback_without_secrets(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(SCRIPTS["break"], "-vv", "bios.img") == 4
    errors = capsys.readouterr().err
    assert "Traceback" in errors
    assert "in _break" in errors
    assert "LTAI" not in errors


def test_v_logs_what_happens(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(run: ScriptedRun) -> Report:
        run.emit(Note(text="careful", region="cn-hangzhou", level="WARNING"))
        logging.getLogger("ali_import.deep").debug("only with -vv")
        return run.report()

    assert command(script, "-v", "-n", "n1", "bios.img") == 0
    errors = capsys.readouterr().err
    assert "INFO bios.img: BIOS, x86_64, 1 GiB, becomes n1 (ipxe)" in errors
    assert "WARNING cn-hangzhou: careful" in errors
    assert "only with -vv" not in errors
    assert command(script, "-vv", "-n", "n1", "bios.img") == 0
    assert "DEBUG only with -vv" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_the_report_is_still_made(
    command: Command,
    made: list[ScriptedRun],
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    async def script(run: ScriptedRun) -> Report:
        signal.raise_signal(number)
        with anyio.fail_after(5):
            await run.interrupted.wait()
        # Heard once more at once, as when a parent passes Ctrl-C on: still the first.
        signal.raise_signal(number)
        await anyio.sleep(0.05)
        return run.report(Result.UNCHANGED, Result.SKIPPED, interrupted=True)

    assert command(script, "-n", "n1", "bios.img") == 130
    assert made[0].interrupts == 1
    output = capsys.readouterr()
    assert output.out == "cn-hangzhou n1 (ipxe) m-cn-hangzhou\n"
    assert "interrupt again to stop at once" in output.err
    assert "1 unchanged, 1 skipped (interrupted)" in output.err
    assert "skipped us-east-1" not in output.err
    assert "run the same command again" in output.err


def test_a_signal_before_the_run_ends_the_command(
    command: Command,
    made: list[ScriptedRun],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted_inspect(path: Path, *_: object, **__: object) -> DiskImage:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.2)
        return inspect(path)

    monkeypatch.setattr(preparing, "inspect", interrupted_inspect)
    assert command(place_all, "bios.img") == 130
    assert capsys.readouterr().err == "ali-import: interrupted\n"
    assert not made
