"""The release file: what it means, and what is said of one that is wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ali_import import (
    Architecture,
    BootMode,
    ConfigurationError,
    Image,
    Options,
    Release,
    Retention,
    load_release,
    load_retention,
    make_release,
)

WHOLE = """\
# A release.
name = "debian-13-{version}"
family = "debian-13"
public = true
overwrite = false
all-or-nothing = true
region = ["cn-hangzhou", "eu-central-1", "cn-hangzhou"]
allow-failure = ["cn-hangzhou"]
role = "my-role"
timeout = "90m"
image = [
  "debian-13-amd64.raw",   # {not a placeholder}
  "sub/debian-13-arm64.raw",
]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def load(folder: Path, text: str | bytes, /, **settings: str) -> Release:
    path = folder / "release.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_release(path, settings=settings)


def complaints(folder: Path, text: str | bytes, /, **settings: str) -> list[str]:
    """Load what is wrong; return what is said, without the folder's name."""
    with pytest.raises((ConfigurationError, ExceptionGroup)) as wrong:
        load(folder, text, **settings)
    return [
        each.diagnostics().replace(f"{folder}/", "") for each in leaves(wrong.value)
    ]


def leaves(error: BaseException) -> Iterator[ConfigurationError]:
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from leaves(each)
    else:
        assert isinstance(error, ConfigurationError)
        yield error


def test_every_key_has_its_meaning(folder: Path) -> None:
    assert load(folder, WHOLE, version="20261125") == Release(
        images=tuple(
            Image(folder / file, name="debian-13-20261125", family="debian-13")
            for file in ("debian-13-amd64.raw", "sub/debian-13-arm64.raw")
        ),
        options=Options(
            regions=("cn-hangzhou", "eu-central-1"),
            public=True,
            all_or_nothing=True,
            allow_failure=frozenset({"cn-hangzhou"}),
            role="my-role",
            timeout_s=5400,
        ),
    )


def test_what_is_not_named_is_as_without_a_file(folder: Path) -> None:
    release = load(folder, 'family = "f1"\nimage = ["a.img"]')
    assert release.options == Options()
    assert release.images == (Image(folder / "a.img", family="f1"),)


def test_images_may_have_tables_of_their_own(folder: Path) -> None:
    text = f"""
        family = "debian-13"
        name = "debian-13-{{version}}"
        [[image]]
        file = "a.img"
        [[image]]
        file = "/b/{{version}}.img"
        name = "debian-13-{{version}}-b"
        family = "debian-13-b"
        boot-mode = "uefi-preferred"
        architecture = "x86_64"
        as = "qcow2"
        sha256 = "{"AB" * 32}"
        """
    assert load(folder, text, version="1").images == (
        Image(folder / "a.img", name="debian-13-1", family="debian-13"),
        Image(
            Path("/b/1.img"),
            name="debian-13-1-b",
            family="debian-13-b",
            boot_mode=BootMode.UEFI_PREFERRED,
            architecture=Architecture.X86_64,
            as_qcow2=True,
            sha256="ab" * 32,
        ),
    )


@pytest.mark.parametrize(
    ("text", "version", "name"),
    [
        ("{v}", "x1", "x1"),
        ("a-{v}-{v}", "1", "a-1-1"),
        ("a{v}", "", "a"),
        ("a-{v}", "{v}", None),
    ],
)
def test_a_placeholder_is_filled_in_once(
    folder: Path, text: str, version: str, name: str | None
) -> None:
    toml = f'family = "f1"\nname = "n{text}"\nimage = ["a"]'
    if name is None:  # what was filled in is not looked at again; and no name has {
        assert "contains '{'" in complaints(folder, toml, v=version)[0]
        return
    assert load(folder, toml, v=version).images[0].name == f"n{name}"


def test_two_braces_stand_for_one(folder: Path) -> None:
    release = load(folder, 'family = "f1"\nimage = ["{{a}}.img"]')
    assert release.images[0].path == folder / "{a}.img"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_from_any_editor_are_read(folder: Path, end: str, mark: bytes) -> None:
    text = mark + WHOLE.replace("\n", end).encode()
    assert load(folder, text, version="1").images[0].family == "debian-13"
    wrong = text.replace(b"public = true", b"public = 1")
    (said,) = complaints(folder, wrong, version="1")
    assert said.startswith("release.toml:4: public: 1 is not true or false")


# --- flags win ------------------------------------------------------------------------


def test_what_is_given_instead_wins(folder: Path) -> None:
    (folder / "r.toml").write_text(WHOLE, encoding="utf-8")
    release = load_release(
        folder / "r.toml",
        settings={"version": "1"},
        instead={
            "name": "other-1",
            "public": False,
            "region": ["us-east-1"],
            "image": [Path("here.img")],
        },
    )
    assert release.options.regions == ("us-east-1",)
    assert not release.options.public
    assert release.options.all_or_nothing
    assert release.images == (
        Image(Path("here.img"), name="other-1", family="debian-13"),
    )


def test_a_region_can_be_left_alone_unless_a_flag_names_it(folder: Path) -> None:
    text = GOOD + 'except = ["cn-fuzhou", "cn-nanjing"]'
    release = load(folder, text)
    assert release.options.excluded == {"cn-fuzhou", "cn-nanjing"}
    named = load_release(folder / "release.toml", instead={"region": ["cn-fuzhou"]})
    assert named.options.regions == ("cn-fuzhou",)
    assert named.options.excluded == {"cn-nanjing"}
    with pytest.raises(ConfigurationError, match="cn-fuzhou is a region to publish in"):
        load(folder, f"{text}\nregion = ['cn-fuzhou']")


TABLES = """
family = "f1"
[[image]]
file = "a.img"
name = "n-a"
[[image]]
file = "b.img"
name = "n-b"
"""


def test_a_flag_wins_over_an_images_own_table(folder: Path) -> None:
    (folder / "r.toml").write_text(TABLES, encoding="utf-8")
    release = load_release(folder / "r.toml", instead={"family": "f2", "name": "n1"})
    assert [(image.name, image.family) for image in release.images] == [
        ("n1", "f2"),
        ("n1", "f2"),
    ]


def test_where_images_have_tables_files_choose_among_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "r.toml").write_text(TABLES, encoding="utf-8")
    monkeypatch.chdir(folder)
    release = load_release("r.toml", instead={"image": [folder / "b.img"]})
    assert [image.name for image in release.images] == ["n-b"]
    with pytest.raises(ConfigurationError, match=r"c\.img: is not one of the images"):
        load_release("r.toml", instead={"image": ["a.img", "c.img"]})


def test_a_family_may_come_from_a_flag(folder: Path) -> None:
    (folder / "r.toml").write_text('image = ["a.img"]', encoding="utf-8")
    release = load_release(folder / "r.toml", instead={"family": "f2"})
    assert release.images[0].family == "f2"
    with pytest.raises(ConfigurationError, match="names no family"):
        load_release(folder / "r.toml")


def test_a_release_can_be_made_without_a_file() -> None:
    release = make_release({"image": ["a.img"], "public": True})
    assert release == Release(images=(Image("a.img"),), options=Options(public=True))
    with pytest.raises(ConfigurationError, match="--name: 'x' is too short"):
        make_release({"image": ["a.img"], "name": "x"})


# --- what is wrong --------------------------------------------------------------------

GOOD = 'family = "f1"\nimage = ["a.img"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("famly = 1", ":3: famly: no such key; did you mean family? allowed are name"),
        ("zzz = 1", ":3: zzz: no such key; allowed are name, family"),
        ("public = 'yes'", ":3: public: 'yes' is not true or false"),
        ("\n\n# x\npublic = 0", ":6: public: 0 is not true or false"),
        ("name = 5", ":3: name: 5 is not a text in quotes"),
        ("name = 'aliyun-1'", ":3: name: 'aliyun-1' begins with aliyun"),
        ("name = '1x'", ":3: name: '1x' does not begin with a letter"),
        ("boot-mode = 'BIOS'", ':3: boot-mode: \'BIOS\' is not "bios" or "uefi"'),
        ("architecture = 'amd64'", '\'amd64\' is not "x86_64" or "arm64"'),
        ("as = 'vhd'", ":3: as: 'vhd' is not \"qcow2\""),
        ("region = 'cn-beijing'", ":3: region: 'cn-beijing' is not a list of texts"),
        ("region = [\n'cn-beijing',\n'X']", ":3: region: 'X' is not a region id"),
        ("region = [1]", ":3: region: [1] is not a list of texts"),
        ("allow-failure = ['']", ":3: allow-failure: '' is not a region id"),
        ("timeout = 0", ":3: timeout: '0' is not a time"),
        ("timeout = inf", ":3: timeout: 'inf' is not a time"),
        ("timeout = 1979-05-27", "is not a text in quotes"),
        ("timeout = true", ":3: timeout: True is not a text in quotes"),
        ("role = 'acs:ram::1:role/x'", ":3: role: "),
        ("role.x = 1", ":3: role: {'x': 1} is not a text in quotes"),
        ("report = 'r.json'", ":3: report: no such key"),
        ("[prune2]\nx = 1", ":3: prune2: no such key"),
        (
            "name = '{version}'",
            ":3: name: {version} is not set; add --set version=VALUE",
        ),
        ("name = 'a{b'", ":3: name: a single {; write {{ and }} for braces"),
        ("name = 'a}b'", ":3: name: a single }"),
        ("name = '{}'", ":3: name: {} is not set"),
        ("public = ", ":3: Invalid value"),
        ("public = true\npublic = true", ":4: Cannot overwrite a value"),
        ("name = 'x", ":3: "),
        ("image = ['b.img']", ":3: Cannot overwrite a value"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    folder: Path, text: str, said: str
) -> None:
    (line,) = complaints(folder, GOOD + text)
    assert line.startswith("release.toml:")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ("image = 'a.img'", ":2: image: 'a.img' is not a list of files"),
        ("image = []", "release.toml: names no image"),
        ("", "release.toml: names no image"),
        ("image = [1]", ":2: image: 1 is not a file in quotes, or a table"),
        ("image = ['']", ":2: image: '' is not the name of a file"),
        ("[[image]]\nname = 'n1'", ":2: image: has no file; add file ="),
        ("[[image]]\nfile = 1", ":3: image.file: 1 is not the name of a file"),
        (
            "[[image]]\nfile='a'\n\n[[image]]\nfile='b'\npublc=1",
            ":7: image.publc: no such key; ",
        ),
        ("[[image]]\nfile='a'\nregion=['x-y']", ":4: image.region: no such key"),
        ("[[image]]\nfile='a'\nsha256='12'", ":4: image.sha256: '12' is not 64 hexa"),
        ("[[image]]\nfile='a'\nname='1'", ":4: image.name: '1' is too short"),
        ("[image]\nfile='a'", ":2: image: {'file': 'a'} is not a list of files"),
    ],
)
def test_what_is_wrong_with_an_image_is_named(
    folder: Path, images: str, said: str
) -> None:
    (line,) = complaints(folder, f'family = "f1"\n{images}')
    assert said in line


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    text = 'name = "{a}"\npublic = 1\nfamly = "f"\nimage = ["x"]'
    assert [line.split(": ")[0] for line in complaints(folder, text, b="1")] == [
        "release.toml:1",
        "--set b",
        "release.toml:3",
        "release.toml:2",
    ]


def test_a_setting_that_nothing_asks_for_is_wrong(folder: Path) -> None:
    (line,) = complaints(folder, GOOD + "# {version}", version="1")
    assert line.startswith("--set version: there is no {version} in release.toml")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'family = "f1"\n\xff', "release.toml:2: is not UTF-8"),
        (b"QFI\xfb" + bytes(300_000), "is larger than"),
        (b"\x00", "release.toml:1: "),
        (b"x = " + b"[" * 5000, "release.toml:1: "),
    ],
)
def test_what_is_no_toml_is_one_line(folder: Path, data: bytes, said: str) -> None:
    (line,) = complaints(folder, data)
    assert said in line
    assert "\n" not in line


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    for path in (folder / "none.toml", folder, Path("a\0b")):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            load_release(path)


def test_the_lines_of_long_lists_are_those_of_their_keys(folder: Path) -> None:
    regions: Any = ",\n".join(f"'eu-west-{n}'" for n in range(300))
    text = f"{GOOD}region = [\n{regions}\n]\n\ntimeout = 'soon'"
    (line,) = complaints(folder, text)
    assert line.startswith("release.toml:306: timeout")


# --- what is kept ---------------------------------------------------------------------

PRUNE = """
name = "demo-{version}"
family = "demo"
image = ["a-{version}.img"]
[prune]
keep = 8
deprecate = true
delete-after = "90d"
"""


def retention(
    folder: Path, text: str, /, **instead: Any
) -> tuple[tuple[str, ...], Retention]:
    (folder / "release.toml").write_text(text, encoding="utf-8")
    renamed = {key.replace("_", "-"): value for key, value in instead.items()}
    return load_retention(folder / "release.toml", instead=renamed)


def test_what_is_kept_can_be_read_without_the_version(folder: Path) -> None:
    rules = Retention(keep=8, deprecate=True, delete_after_s=90 * 86400)
    assert retention(folder, PRUNE) == (("demo",), rules)
    load(folder, PRUNE, version="1")
    with_it = load_retention(folder / "release.toml", settings={"version": "1"})
    assert with_it == (("demo",), rules)


def test_flags_win_over_what_a_file_keeps(folder: Path) -> None:
    given = {"family": ["a", "b"], "keep": 1, "deprecate": False, "shared": True}
    assert retention(folder, PRUNE, **given, untagged=True) == (
        ("a", "b"),
        Retention(keep=1, delete_after_s=90 * 86400, shared=True, untagged=True),
    )


def test_flags_are_enough(folder: Path) -> None:
    given = {"family": ["demo"], "keep": 2, "delete-after": "1w"}
    assert load_retention(None, instead=given) == (
        ("demo",),
        Retention(keep=2, delete_after_s=7 * 86400),
    )


def test_every_family_of_a_release_is_pruned(folder: Path) -> None:
    tables = """
[[image]]
file = "a.img"
[[image]]
file = "b.img"
family = "demo-gpu"
"""
    text = PRUNE.replace('image = ["a-{version}.img"]', "") + tables
    assert retention(folder, text)[0] == ("demo", "demo-gpu")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("keep = 8", "keep = 0", ":6: prune.keep: 0 is not a whole number, 1 or more"),
        ("keep = 8", "keep = true", ":6: prune.keep: True is not a whole number"),
        ("keep = 8", "", "it is not said how many versions to keep; add --keep"),
        ("keep", "keeps", ":6: prune.keeps: no such key; did you mean keep?"),
        ("90d", "90", ":8: prune.delete-after: '90' is not a time such as 12h, 90d"),
        ("[prune]", "[prunes]", ":5: prunes: no such key; did you mean prune?"),
        ('family = "demo"', "", "no family is named"),
        ('family = "demo"', "family = 1", ":3: family: 1 is not a text in quotes"),
        ('"demo"', '"{f}"', ":3: family: {f} is not set"),
        (
            'deprecate = true\ndelete-after = "90d"',
            "",
            "it is not said what to do with older",
        ),
    ],
)
def test_what_is_wrong_about_keeping_is_named(
    folder: Path, old: str, new: str, said: str
) -> None:
    assert old in PRUNE
    with pytest.raises((ConfigurationError, ExceptionGroup)) as wrong:
        retention(folder, PRUNE.replace(old, new))
    assert any(said in each.diagnostics() for each in leaves(wrong.value))


def test_a_wrong_table_is_told_to_who_publishes_as_well(folder: Path) -> None:
    (line,) = complaints(folder, GOOD + "[prune]\nkeep = 'all'")
    assert ":4: prune.keep: 'all' is not a whole number" in line


def test_what_is_wanted_of_images_may_differ_from_one_to_the_other(
    tmp_path: Path,
) -> None:
    path = tmp_path / "release.toml"
    path.write_text(
        """
        name = "n-{v}"
        family = "demo"
        share = ["1234567890"]
        tag = { project = "p" }
        description = "version {v}"
        nvme = "unsupported"
        imds = "v2"
        [[image]]
        file = "a.img"
        [[image]]
        file = "b.img"
        name = "other"
        public = true
        share = []
        tag = { project = "q" }
        """
    )
    release = load_release(path, settings={"v": "7"})
    assert release.options.share == ("1234567890",)
    assert release.options.description == "version 7"
    assert release.options.tags == {"project": "p"}
    assert (release.options.nvme, release.options.imds) == ("unsupported", "v2")
    first, second = release.images
    assert first.over(release.options).share == ("1234567890",)
    wanted = second.over(release.options)
    assert (wanted.public, wanted.share, wanted.tags) == (True, (), {"project": "q"})
    flags = load_release(
        path, settings={"v": "7"}, instead={"public": False, "share": ["23456"]}
    )
    assert [image.over(flags.options).public for image in flags.images] == [False] * 2
    assert flags.images[1].over(flags.options).share == ("23456",)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('share = "1"', "is not a list of texts"),
        ('share = ["me"]', "'me' is no account id"),
        ("tag = 1", "is not a table of texts"),
        ('tag = { "acs:x" = "y" }', "begins with acs:"),
        ("tag = { x = 1 }", "is not a table of texts"),
        ('description = "x"', "2 to 256 characters"),
        ('imds = "v3"', 'is not "v1" or "v2"'),
        ("nvme = true", 'is not "supported" or "unsupported"'),
        ('public = true\nshare = ["1234567890"]', "a public image cannot be shared"),
    ],
)
def test_what_is_wrong_with_what_is_wanted_is_told(
    tmp_path: Path, line: str, complaint: str
) -> None:
    path = tmp_path / "release.toml"
    path.write_text(f'family = "demo"\nimage = ["a.img"]\n{line}\n')
    with pytest.raises(ConfigurationError) as wrong:
        load_release(path)
    assert complaint in wrong.value.diagnostics()
