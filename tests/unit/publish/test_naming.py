"""Names and families: defaults, suffixes, and what is refused before any call."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ali_import.disk import Architecture, BootMode, DiskImage
from ali_import.errors import ConfigurationError
from ali_import.publish.model import Target
from ali_import.publish.naming import Image, refusal
from ali_import.publish.naming import targets as named

TODAY = date(2026, 1, 9)


def targets(
    inspected: Sequence[DiskImage],
    *,
    name: str | None,
    family: str | None,
    today: date,
    suffix: str | None = None,
) -> tuple[Target, ...]:
    """Name images as the command does: all get the same name and family."""
    wanted = [
        Image(disk.path, name=name, family=family, suffix=suffix) for disk in inspected
    ]
    return named(wanted, inspected, today=today)


def image(path: str, architecture: Architecture | None = None) -> DiskImage:
    """Describe a UEFI image for an architecture, or for both."""
    return DiskImage(
        path=Path(path),
        format="RAW",
        virtual_bytes=1 << 20,
        file_bytes=1 << 20,
        sha256="0" * 64,
        architecture=architecture,
        boot_mode=BootMode.UEFI,
    )


def bios(path: str) -> DiskImage:
    """Describe a BIOS image."""
    return DiskImage(
        path=Path(path),
        format="RAW",
        virtual_bytes=1 << 20,
        file_bytes=1 << 20,
        sha256="0" * 64,
        architecture=Architecture.X86_64,
        boot_mode=BootMode.BIOS,
    )


def test_defaults_are_family_ipxe_and_a_name_of_family_and_day() -> None:
    (target,) = targets([bios("a.img")], name=None, family=None, today=TODAY)
    assert (target.name, target.family) == ("ipxe-20260109", "ipxe")


def test_the_default_name_follows_the_family() -> None:
    (target,) = targets([bios("a.img")], name=None, family="debian", today=TODAY)
    assert (target.name, target.family) == ("debian-20260109", "debian")


def test_each_kind_of_image_gets_its_own_suffix_on_name_and_family() -> None:
    images = [
        image("x.img", Architecture.X86_64),
        bios("b.img"),
        image("m.img"),
        image("a.img", Architecture.ARM64),
    ]
    made = targets(images, name="n1", family="f1", today=TODAY)
    assert [(target.name, target.family) for target in made] == [
        ("n1-uefi-x86-64", "f1-uefi-x86-64"),
        ("n1", "f1"),
        ("n1-uefi-multi", "f1-uefi-multi"),
        ("n1-uefi-arm64", "f1-uefi-arm64"),
    ]
    assert [target.image for target in made] == images


def test_a_suffix_of_ones_own_replaces_the_inspected_one() -> None:
    disk = image("x.img", Architecture.X86_64)
    (target,) = targets([disk], name="n1", family="f1", today=TODAY, suffix="")
    assert (target.name, target.family) == ("n1", "f1")
    (target,) = targets([disk], name="n1", family="f1", today=TODAY, suffix="-v2")
    assert (target.name, target.family) == ("n1-v2", "f1-v2")
    with pytest.raises(ConfigurationError, match="suffix '/x'"):
        targets([disk], name="n1", family="f1", today=TODAY, suffix="/x")


def test_each_image_may_have_a_name_of_its_own() -> None:
    disks = [bios("a.img"), bios("b.img")]
    wanted = [Image("a.img", name="n1"), Image("b.img", name="n2", family="f2")]
    assert [(t.name, t.family) for t in named(wanted, disks, today=TODAY)] == [
        ("n1", "ipxe"),
        ("n2", "f2"),
    ]


@pytest.mark.parametrize("make", [bios, image])
def test_two_images_of_one_name_are_refused_with_both_files_named(
    make: Callable[[str], DiskImage],
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        targets([make("a.img"), make("b.img")], name="n1", family=None, today=TODAY)
    line = refused.value.diagnostics()
    assert "a.img" in line
    assert "b.img" in line
    assert "n1" in line
    assert "its own name" in line


@pytest.mark.parametrize(
    "text",
    [
        "ab",
        "A0",
        "ipxe-1.21.1",
        "a:b_c.d-e",
        "镜像-20260109",
        "acs",
        "http:",
        "a" * 128,
    ],
)
def test_what_the_cloud_takes_is_not_refused(text: str) -> None:
    assert refusal(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "too short"),
        ("a", "too short"),
        ("a" * 129, "129 characters"),
        ("0a", "begin with a letter"),
        ("-a", "begin with a letter"),
        ("_a", "begin with a letter"),
        ("éa", "begin with a letter"),
        ("aliyun-x", "aliyun"),
        ("ALIYUN", "aliyun"),
        ("Aliyun-x", "aliyun"),
        ("acs:x", "acs:"),
        ("ACS:x", "acs:"),
        ("see-http://x", "http://"),
        ("see-https://x", "https://"),
        ("a b", "' '"),
        ("a/b", "'/'"),
        ("a+b", "'+'"),
        ("a~b", "'~'"),
        ("aé", "'\\xe9'"),
        ("a\n", "'\\n'"),
        ("a\x1b[31m", "'\\x1b'"),
    ],
)
def test_what_the_cloud_refuses_is_refused_here_and_says_why(
    text: str, reason: str
) -> None:
    assert reason in refusal(text)
    for what, name, family in (
        ("image name", text, "ipxe"),
        ("image family", "name", text),
    ):
        with pytest.raises(ConfigurationError, match=what):
            targets([bios("a.img")], name=name, family=family, today=TODAY)


def test_names_of_temporary_images_are_refused() -> None:
    for name in ("ali-import-x", "Ali-Import-x"):
        with pytest.raises(ConfigurationError, match="temporary"):
            targets([bios("a.img")], name=name, family=None, today=TODAY)


def test_a_family_may_look_temporary_because_families_are_not_removed() -> None:
    (target,) = targets([bios("a.img")], name="n1", family="ali-import-x", today=TODAY)
    assert target.family == "ali-import-x"


def test_a_name_must_fit_with_its_suffix() -> None:
    name = "n" * (128 - len("-uefi-arm64"))
    arm = image("a.img", Architecture.ARM64)
    (target,) = targets([arm], name=name, family=None, today=TODAY)
    assert len(target.name) == 128
    with pytest.raises(ConfigurationError, match=r"a\.img.*129 characters"):
        targets([arm], name=name + "n", family=None, today=TODAY)
    with pytest.raises(ConfigurationError) as refused:
        targets([arm], name="n1", family=name + "n", today=TODAY)
    assert "shorter family" in refused.value.diagnostics()


def test_a_long_family_that_makes_the_default_name_too_long_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="default image name"):
        targets([bios("a.img")], name=None, family="f" * 120, today=TODAY)


DOCUMENTED = re.compile(
    r"(?!(?i:aliyun|acs:))[A-Za-z\u3400-\u4dbf\u4e00-\u9fff]"
    r"[A-Za-z\u3400-\u4dbf\u4e00-\u9fff0-9.:_-]{1,127}"
)


@given(st.one_of(st.text(max_size=140), st.text("aAz019.:_-/ 镜é\n", max_size=140)))
def test_refusal_is_exactly_the_documented_rule(text: str) -> None:
    accepted = DOCUMENTED.fullmatch(text) is not None
    assert (refusal(text) == "") == accepted
    assert "\n" not in refusal(text)
