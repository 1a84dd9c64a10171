"""The command line: what it means, and what is wrong with it."""

from pathlib import Path

import pytest

from ali_import import Architecture, BootMode, Image, Release, make_release
from ali_import.cli.arguments import (
    ABBREVIATIONS,
    COMMANDS,
    Arguments,
    CleanupArguments,
    InspectArguments,
    PublishArguments,
    parse,
)
from ali_import.cli.parser import RELEASE_FLAGS
from ali_import.cli.standing_arguments import ListArguments, PruneArguments
from ali_import.errors import ConfigurationError
from ali_import.publish.model import Options


def publish(*argv: str) -> PublishArguments:
    given = parse(argv)
    assert isinstance(given, PublishArguments)
    return given


def release(*argv: str) -> Release:
    """Return what a command line without a release file says should be there."""
    return make_release(publish(*argv).wanted)


def files(*argv: str) -> tuple[Path, ...]:
    return tuple(publish(*argv).wanted["image"])


def test_only_images_are_needed() -> None:
    assert publish("a.img", "b.img") == PublishArguments(
        config=None,
        settings={},
        wanted={"image": [Path("a.img"), Path("b.img")]},
        sums=(),
        reports=(),
        argv=("a.img", "b.img"),
        verbosity=0,
    )
    images = (Image(Path("a.img")), Image(Path("b.img")))
    assert release("a.img", "b.img") == Release(images=images, options=Options())


def test_every_flag_that_a_release_has_is_there() -> None:
    argv = "-n n1 -f f1 --boot-mode uefi --architecture arm64 -p --overwrite -R role"
    argv += (
        " --all-or-nothing --detect -r eu-west-1 --allow-failure eu-west-1 --timeout 2h"
    )
    argv += " --except us-west-1 --share 1234567890123456 --share 23456 --tag a=b"
    argv += " --tag c= --description text --imds v2 --nvme unsupported --as qcow2"
    argv = argv.replace(" -p ", " --no-public ")
    assert publish(*argv.split(), "a.img").wanted.keys() == {*RELEASE_FLAGS, "image"}
    images = (
        Image(
            Path("a.img"),
            name="n1",
            family="f1",
            boot_mode=BootMode.UEFI,
            architecture=Architecture.ARM64,
            as_qcow2=True,
        ),
    )
    assert release(*argv.split(), "a.img") == Release(
        images=images,
        options=Options(
            regions=("eu-west-1",),
            excluded=frozenset({"us-west-1"}),
            public=False,
            share=("1234567890123456", "23456"),
            tags={"a": "b", "c": ""},
            description="text",
            imds="v2",
            nvme="unsupported",
            overwrite=True,
            all_or_nothing=True,
            detect=True,
            allow_failure=frozenset({"eu-west-1"}),
            role="role",
            timeout_s=7200,
        ),
    )


@pytest.mark.parametrize("flag", ["public", "overwrite", "all-or-nothing", "detect"])
def test_a_switch_can_be_on_off_or_not_given(flag: str) -> None:
    assert publish(f"--{flag}", "a.img").wanted[flag] is True
    assert publish(f"--no-{flag}", "a.img").wanted[flag] is False
    assert publish(f"--{flag}", f"--no-{flag}", "a.img").wanted[flag] is False
    assert flag not in publish("a.img").wanted


# What iPXE's script takes: argparse's abbreviations of its eight long flags.
@pytest.mark.parametrize(
    ("spellings", "flag"),
    [
        ("--h --he --hel", "--help"),
        ("--v --ve --ver --verb --verbo --verbos", "--verbose"),
        ("--n --na --nam", "--name"),
        ("--f --fa --fam --fami --famil", "--family"),
        ("--p --pu --pub --publ --publi", "--public"),
        ("--o --ov --ove --over --overw --overwr --overwri --overwrit", "--overwrite"),
        ("--re --reg --regi --regio", "--region"),
        ("--ro --rol", "--role"),
    ],
)
def test_an_abbreviation_means_what_it_means_to_ipxe(
    spellings: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    short = {k for k, whole in ABBREVIATIONS.items() if whole == flag}
    assert short == set(spellings.split())
    value = {"--region": ["eu-west-1"], "--name": ["xx"], "--family": ["xx"]}
    value["--role"] = ["xx"]
    for spelling in spellings.split():
        if flag == "--help":
            with pytest.raises(SystemExit):
                parse([spelling])
            assert "usage:" in capsys.readouterr().out
            continue
        more = value.get(flag, [])
        whole = publish(flag, *more, "a.img")
        assert publish(spelling, *more, "a.img") == whole
        if more:
            assert publish(f"{spelling}={more[0]}", "a.img") == whole


@pytest.mark.parametrize("flag", ["--r", "--rep", "--con", "--se", "--no-p", "--all"])
def test_what_ipxe_does_not_take_is_no_abbreviation(flag: str) -> None:
    with pytest.raises(ConfigurationError, match=flag):
        parse([flag, "a.img"])


def test_a_file_that_is_called_like_an_abbreviation_is_a_file() -> None:
    assert files("--", "--pub") == (Path("--pub"),)


def test_a_release_file_may_name_the_images() -> None:
    given = publish("-c", "r.toml", "--set", "v=1", "--set", "w=a=b")
    assert given.config == Path("r.toml")
    assert given.settings == {"v": "1", "w": "a=b"}
    assert given.wanted == {}


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
    assert given.wanted == {
        "name": "N1",
        "family": "fam",
        "public": True,
        "region": ["cn-hangzhou"],
        "role": "my.role",
        "image": [Path("a.img")],
    }
    assert given.verbosity == 1


def test_images_and_flags_may_be_mixed() -> None:
    given = files("a.img", "-p", "b.img", "--region", "cn-beijing", "c.img")
    assert given == (Path("a.img"), Path("b.img"), Path("c.img"))


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
    given = publish(*argv.split()).wanted
    assert given["image"] == [Path(image) for image in images.split()]
    assert given.get("name") == "secret"
    assert "public" not in given


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
    assert publish(*argv.split()).wanted == {
        "name": "NAME",
        "family": "fam",
        "public": True,
        "region": ["eu-central-1"],
        "image": [Path("a.img"), Path("b.img")],
    }


def test_regions_are_folded_and_keep_their_order() -> None:
    argv = ["-r", "us-east-1", "-r", "cn-hangzhou", "-r", "us-east-1", "a.img"]
    assert release(*argv).options.regions == ("us-east-1", "cn-hangzhou")


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
    assert release("--timeout", text, "a.img").options.timeout_s == seconds


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
    assert files("./cleanup") == (Path("cleanup"),)


def test_inspect_is_a_command_only_in_front(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = (Path("a.img"), Path("-b"))
    given = InspectArguments(files=named, as_json=True, verbosity=1)
    assert parse(["inspect", "a.img", "--json", "-v", "--", "-b"]) == given
    assert files("./inspect", "b.img") == (Path("inspect"), Path("b.img"))
    assert files("--", "inspect") == (Path("inspect"),)
    with pytest.raises(ConfigurationError, match="put inspect first"):
        parse(["-v", "inspect"])


def test_a_file_called_cleanup_can_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="put cleanup first"):
        parse(["-v", "cleanup"])
    Path("cleanup").touch()
    assert files("-v", "cleanup") == (Path("cleanup"),)
    assert isinstance(parse(["cleanup"]), CleanupArguments)


@pytest.mark.parametrize("more", [[], ["a.img"], ["--json", "a.img"]])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "cleanup"])
def test_where_a_file_has_its_name_a_command_must_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, more: list[str]
) -> None:
    """Before there was such a command, this published the file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=f"put {name} first"):
        parse(["-v", name])
    Path(name).touch()
    with pytest.raises(ConfigurationError) as wrong:
        parse([name, *more])
    line = wrong.value.diagnostics()
    assert f"`ali-import ./{name}`" in line
    assert f"`ali-import -- {name}`" in line
    for argv in ([f"./{name}"], ["--", name], ["-v", name]):
        assert files(*argv) == (Path(name),)


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


def test_what_to_prune_is_as_in_a_file() -> None:
    assert parse(["prune"]) == PruneArguments(
        config=None, settings={}, wanted={}, plan=False, yes=False, verbosity=0
    )
    argv = "prune -c r.toml --set v=1 -f a -f b --keep 8 --deprecate --delete-after 90d"
    argv += " --shared --untagged --plan -y -v"
    assert parse(argv.split()) == PruneArguments(
        config=Path("r.toml"),
        settings={"v": "1"},
        wanted={
            "family": ["a", "b"],
            "keep": 8,
            "deprecate": True,
            "delete-after": "90d",
            "shared": True,
            "untagged": True,
        },
        plan=True,
        yes=True,
        verbosity=1,
    )


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ("demo.toml", "demo.toml is no disk image; a release file is named with -c"),
        ("", "IMAGE"),
        ("-p", "IMAGE"),
        ("-p --", "IMAGE"),
        ("-n -- a.img", "-n"),
        ("--nonsense a.img", "--nonsense"),
        ("--publics a.img", "--publics"),
        ("--set v=1 a.img", "-c"),
        ("-c r.toml --set v a.img", "not KEY=VALUE"),
        ("-c r.toml --set =v a.img", "not KEY=VALUE"),
        ("-c r.toml --set 1=v a.img", "not KEY=VALUE"),
        ("-c r.toml --set v=1 --set v=2", "v is given twice"),
        ("a.img --name", "--name"),
        ("--region Hangzhou a.img", "'Hangzhou' is not a region id"),
        ("--region cn-hangzhou,cn-beijing a.img", "repeat the flag"),
        ("--region ../x a.img", "not a region id"),
        ("--allow-failure x a.img", "--allow-failure"),
        ("--timeout 0 a.img", "'0' is not a time"),
        ("--timeout -1 a.img", "--timeout"),
        ("--timeout 2d a.img", "'2d' is not a time"),
        ("--timeout 169h a.img", "at most 168h"),
        ("--timeout nan a.img", "'nan' is not a time"),
        ("--timeout 1e3 a.img", "'1e3' is not a time"),
        ("--timeout \u0663h a.img", "is not a time"),
        ("--role acs:ram::1:role/x a.img", "not its ARN"),
        ("-r us-east-1 --allow-failure cn-hangzhou a.img", "cn-hangzhou"),
        ("--boot-mode UEFI-Preferred a.img", "--boot-mode"),
        ("--architecture i386 a.img", "--architecture"),
        ("a.img --sha256", "--sha256"),
        ("--share me a.img", "no account id"),
        ("--tag project a.img", "not KEY=VALUE"),
        ("--tag acs:x=1 a.img", "begins with acs:, which is taken"),
        ("--tag ali-import:run=1 a.img", "begins with ali-import:, which is taken"),
        ("--tag x=http://y a.img", "holds a link"),
        ("--description x a.img", "2 to 256 characters"),
        ("--imds v3 a.img", "--imds"),
        ("--nvme yes a.img", "--nvme"),
        ("cleanup a.img", "a.img"),
        ("cleanup --public", "--public"),
        ("check a.img", "a.img"),
        ("check --policy --trust github:a/b", "not allowed with"),
        ("prune --keep some", "--keep"),
        ("prune --delete-after 90", "is not a time such as 12h, 90d or 8w"),
        ("prune --untagged", "--untagged needs --family"),
        ("prune --set v=1", "name one with -c"),
        ("prune a.img", "a.img"),
        ("inspect", "FILE"),
        ("inspect --json", "FILE"),
        ("inspect --public a.img", "--public"),
        # What was mistyped, and what was meant.
        ("--regoin cn-beijing a.img", "no such flag: --regoin; did you mean --region?"),
        ("--pubilc=yes a.img", "no such flag: --pubilc; did you mean --public?"),
        ("prune --kep 8", "did you mean --keep? see `ali-import prune --help`"),
        ("list --famly x", "did you mean --family?"),
        ("--xyzzy a.img", "no such flag: --xyzzy; see `ali-import --help`"),
        (
            "chekc --public",
            "chekc is neither a command nor a file in this directory; did you mean check?",
        ),
        ("lst", "did you mean list?"),
        ("help nothing", "choose from"),
        ("help list prune", "prune"),
        ("completion", "SHELL"),
        ("completion csh", "choose from"),
    ],
)
def test_what_is_wrong_is_named(argv: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        parse(argv.split())
    line = wrong.value.diagnostics()
    assert complaint in line
    assert "\n" not in line


def test_a_dash_is_standard_input_and_needs_a_name() -> None:
    given = files("-n", "demo", "-", "a.img")
    assert given == (Path("/dev/stdin"), Path("a.img"))
    with pytest.raises(ConfigurationError, match="needs a --name"):
        parse(["a.img", "-"])
    with pytest.raises(ConfigurationError, match="only once"):
        parse(["-n", "demo", "-", "-"])
    for argv in (["./-"], ["--", "-"]):
        assert files(*argv) == (Path("-"),)


def test_an_empty_name_of_a_file_is_refused_wherever_it_stands() -> None:
    in_front = ([""], ["a.img", ""], ["--", ""], ["a.img", "--", "b.img", ""])
    for argv in (*in_front, ["inspect", ""], ["inspect", "a.img", "--", ""]):
        with pytest.raises(ConfigurationError, match="image file is empty"):
            parse(argv)


def test_the_help_speaks_the_truth_about_defaults() -> None:
    assert Options.timeout_s == 4 * 3600  # "(default: 4h)"
