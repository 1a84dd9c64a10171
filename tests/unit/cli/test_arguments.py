"""The command line: what it means, and what is wrong with it."""

from pathlib import Path

import pytest

from ali_import.cli.arguments import (
    COMMANDS,
    Arguments,
    CleanupArguments,
    InspectArguments,
    PublishArguments,
    parse,
)
from ali_import.cli.standing_arguments import ListArguments
from ali_import.errors import ConfigurationError
from ali_import.publish.model import Options


def publish(*argv: str) -> PublishArguments:
    given = parse(argv)
    assert isinstance(given, PublishArguments)
    return given


def test_only_images_are_needed() -> None:
    assert publish("a.img", "b.img") == PublishArguments(
        images=(Path("a.img"), Path("b.img")),
        name=None,
        family=None,
        boot_mode=None,
        architecture=None,
        sums=(),
        public=False,
        overwrite=False,
        all_or_nothing=False,
        regions=(),
        allow_failure=frozenset(),
        role="",
        timeout_s=None,
        report=None,
        verbosity=0,
    )


@pytest.mark.parametrize(
    "argv",
    [
        "-n N1 -f fam -p -r cn-hangzhou -R my.role -v a.img",
        "--name N1 --family fam --public --region cn-hangzhou --role my.role -v a.img",
        "--name=N1 --family=fam -pv --region=cn-hangzhou --role=my.role a.img",
        "a.img -nN1 -ffam -p -rcn-hangzhou -Rmy.role --verbose",
    ],
)
def test_long_and_short_flags_mean_the_same(argv: str) -> None:
    given = publish(*argv.split())
    assert (given.name, given.family, given.public) == ("N1", "fam", True)
    assert (given.regions, given.role) == (("cn-hangzhou",), "my.role")
    assert given.verbosity == 1


def test_images_and_flags_may_be_mixed() -> None:
    given = publish("a.img", "-p", "b.img", "--region", "cn-beijing", "c.img")
    assert given.images == (Path("a.img"), Path("b.img"), Path("c.img"))


@pytest.mark.parametrize(
    ("argv", "images"),
    [
        ("-r eu-central-1 -n secret -- -p a.img", "-p a.img"),
        ("-n secret -- --public -n b", "--public -n b"),
        ("-n secret a.img -- -p", "a.img -p"),
        ("a.img -n secret b.img -- -- c.img", "a.img b.img -- c.img"),
        ("-n secret -- cleanup", "cleanup"),
        ("-n secret -- --help --version", "--help --version"),
    ],
)
def test_after_two_dashes_everything_is_a_file(argv: str, images: str) -> None:
    given = publish(*argv.split())
    assert given.images == tuple(map(Path, images.split()))
    assert (given.name, given.public) == ("secret", False)


# One letter a flag, as iPXE's own script takes them: alone, together, in any order.
@pytest.mark.parametrize(
    "argv",
    [
        "-pn NAME -f fam -r eu-central-1 a.img b.img",
        "-pnNAME -ffam -reu-central-1 a.img b.img",
        "a.img -pr eu-central-1 -n NAME b.img -f fam",
        "-vpr eu-central-1 -f fam a.img -nNAME b.img",
        "a.img b.img -f fam -vvpn NAME --region eu-central-1",
        "-r eu-central-1 a.img -pffam b.img --name NAME",
    ],
)
def test_short_flags_may_be_combined_among_the_images(argv: str) -> None:
    given = publish(*argv.split())
    assert given.images == (Path("a.img"), Path("b.img"))
    assert (given.name, given.family, given.public) == ("NAME", "fam", True)
    assert given.regions == ("eu-central-1",)


def test_regions_are_folded_and_keep_their_order() -> None:
    argv = ["-r", "us-east-1", "-r", "cn-hangzhou", "-r", "us-east-1", "a.img"]
    assert publish(*argv).regions == ("us-east-1", "cn-hangzhou")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("900", 900),
        ("90m", 5400),
        ("2h", 7200),
        ("1.5h", 5400),
        ("30s", 30),
        ("0.5", 0.5),
    ],
)
def test_a_timeout_is_in_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert publish("--timeout", text, "a.img").timeout_s == seconds


@pytest.mark.parametrize(
    ("argv", "verbosity"), [("-v", 1), ("-vv", 2), ("-v -v -v", 3)]
)
def test_verbosity_adds_up(argv: str, verbosity: int) -> None:
    assert publish(*argv.split(), "a.img").verbosity == verbosity


def test_cleanup_is_a_command_only_in_front() -> None:
    given: Arguments = parse(["cleanup", "--all", "-y", "-v"])
    assert given == CleanupArguments(remove_all=True, yes=True, verbosity=1)
    assert parse(["cleanup"]) == CleanupArguments(
        remove_all=False, yes=False, verbosity=0
    )
    assert publish("./cleanup").images == (Path("cleanup"),)


def test_inspect_is_a_command_only_in_front(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = (Path("a.img"), Path("-b"))
    given = InspectArguments(files=files, as_json=True, verbosity=1)
    assert parse(["inspect", "a.img", "--json", "-v", "--", "-b"]) == given
    assert publish("./inspect", "b.img").images == (Path("inspect"), Path("b.img"))
    assert publish("--", "inspect").images == (Path("inspect"),)
    with pytest.raises(ConfigurationError, match="put inspect first"):
        parse(["-v", "inspect"])


@pytest.mark.parametrize("more", [[], ["a.img"], ["--json", "a.img"]])
def test_where_a_file_is_called_inspect_the_command_must_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    """Before there was such a command, this published the file."""
    monkeypatch.chdir(tmp_path)
    Path("inspect").touch()
    with pytest.raises(ConfigurationError) as wrong:
        parse(["inspect", *more])
    line = wrong.value.diagnostics()
    assert "`ali-import ./inspect`" in line
    assert "`ali-import -- inspect`" in line
    assert publish("-v", "inspect").images == (Path("inspect"),)


def test_a_file_called_cleanup_can_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="put cleanup first"):
        parse(["-v", "cleanup"])
    Path("cleanup").touch()
    assert publish("-v", "cleanup").images == (Path("cleanup"),)
    assert isinstance(parse(["cleanup"]), CleanupArguments)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "cleanup"])
def test_a_newer_command_is_refused_where_a_file_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not isinstance(parse([name]), PublishArguments)
    with pytest.raises(ConfigurationError, match=f"put {name} first"):
        parse(["-v", name])
    Path(name).touch()
    with pytest.raises(ConfigurationError) as refused:
        parse([name])
    assert f"write ./{name} or -- {name}" in refused.value.diagnostics()
    for argv in ([f"./{name}"], ["--", name], ["-v", name]):
        assert publish(*argv).images == (Path(name),)


def test_what_to_list_may_be_narrowed() -> None:
    assert parse(["list"]) == ListArguments(
        name="", family="", regions=(), untagged=False, as_json=False, verbosity=0
    )
    argv = "list -f fam -n n-* -r cn-beijing -r cn-beijing --untagged --json -v"
    assert parse(argv.split()) == ListArguments(
        name="n-*",
        family="fam",
        regions=("cn-beijing",),
        untagged=True,
        as_json=True,
        verbosity=1,
    )


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ("", "IMAGE"),
        ("-p", "IMAGE"),
        ("-p --", "IMAGE"),
        ("-n -- a.img", "-n"),
        ("--nonsense a.img", "--nonsense"),
        ("--pub a.img", "--pub"),
        ("a.img --name", "--name"),
        ("--region Hangzhou a.img", "'Hangzhou' is no region id"),
        ("--region cn-hangzhou,cn-beijing a.img", "repeat the flag"),
        ("--region ../x a.img", "no region id"),
        ("--allow-failure x a.img", "--allow-failure"),
        ("--timeout 0 a.img", "'0' is no time"),
        ("--timeout -1 a.img", "--timeout"),
        ("--timeout 2d a.img", "'2d' is no time"),
        ("--timeout 169h a.img", "at most 168h"),
        ("--timeout nan a.img", "'nan' is no time"),
        ("--timeout 1e3 a.img", "'1e3' is no time"),
        ("--timeout \u0663h a.img", "is no time"),
        ("--role acs:ram::1:role/x a.img", "not its ARN"),
        ("-r us-east-1 --allow-failure cn-hangzhou a.img", "cn-hangzhou"),
        ("--boot-mode UEFI-Preferred a.img", "--boot-mode"),
        ("--architecture i386 a.img", "--architecture"),
        ("a.img --sha256", "--sha256"),
        ("cleanup a.img", "a.img"),
        ("cleanup --public", "--public"),
        ("inspect", "FILE"),
        ("inspect --json", "FILE"),
        ("inspect --public a.img", "--public"),
    ],
)
def test_what_is_wrong_is_named(argv: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        parse(argv.split())
    line = wrong.value.diagnostics()
    assert complaint in line
    assert "\n" not in line


def test_a_dash_is_standard_input_and_needs_a_name() -> None:
    given = publish("-n", "demo", "-", "a.img")
    assert given.images == (Path("/dev/stdin"), Path("a.img"))
    with pytest.raises(ConfigurationError, match="needs a --name"):
        parse(["a.img", "-"])
    with pytest.raises(ConfigurationError, match="only once"):
        parse(["-n", "demo", "-", "-"])
    for argv in (["./-"], ["--", "-"]):
        assert publish(*argv).images == (Path("-"),)


def test_an_empty_name_of_a_file_is_refused_wherever_it_stands() -> None:
    in_front = ([""], ["a.img", ""], ["--", ""], ["a.img", "--", "b.img", ""])
    for argv in (*in_front, ["inspect", ""], ["inspect", "a.img", "--", ""]):
        with pytest.raises(ConfigurationError, match="image file is empty"):
            parse(argv)


def test_the_help_speaks_the_truth_about_defaults() -> None:
    assert Options.timeout_s == 4 * 3600  # "(default: 4h)"
