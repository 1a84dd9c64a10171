"""The name server of a network of one's own, and what programs trust there."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from alicloud_emulator.front import environment, trust
from alicloud_emulator.front.names import Names
from alicloud_emulator.world.profile import load_profile
from emulator.tests.support.programs import need

NAMES = Names(load_profile("fast"), "198.18.0.1")
A, AAAA, TXT, ALL = 1, 28, 16, 255


def question(
    name: str, kind: int = A, *, number: int = 7, flags: int = 0x0100
) -> bytes:
    labels = b"".join(
        bytes([len(label)]) + label.encode() for label in name.split(".") if label
    )
    head = struct.pack("!6H", number, flags, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack("!HH", kind, 1)


def asked(name: str, kind: int = A) -> tuple[int, list[str]]:
    """Return the answer's code and its addresses."""
    sent = question(name, kind)
    answer = NAMES.answer(sent)
    assert answer is not None
    number, flags, questions, answers, *_ = struct.unpack_from("!6H", answer)
    assert (number, questions, flags & 0x8180) == (7, 1, 0x8180)
    assert answer[12 : len(sent)] == sent[12:]
    rest = answer[len(sent) :]
    addresses = [
        ".".join(map(str, rest[16 * n + 12 : 16 * n + 16])) for n in range(answers)
    ]
    return flags & 0xF, addresses


@pytest.mark.parametrize(
    ("name", "kind", "seen"),
    [
        ("ecs.aliyuncs.com", A, (0, ["198.18.0.1"])),
        ("ECS.Aliyuncs.COM.", A, (0, ["198.18.0.1"])),
        ("a-pail.oss-cn-hongkong.aliyuncs.com", A, (0, ["198.18.0.1"])),
        ("a-pail.s3.oss-cn-hongkong.aliyuncs.com", ALL, (0, ["198.18.0.1"])),
        ("ecs.aliyuncs.com", AAAA, (0, [])),
        ("ecs.aliyuncs.com", TXT, (0, [])),
        ("oss-cn-hongkong-internal.aliyuncs.com", A, (3, [])),
        ("fcv3.cn-nanjing.aliyuncs.com", A, (3, [])),
        ("no-such-product.aliyuncs.com", A, (3, [])),
        ("example.com", A, (3, [])),
        ("", A, (3, [])),
    ],
)
def test_the_cloud_s_names_are_there_and_no_others(
    name: str, kind: int, seen: tuple[int, list[str]]
) -> None:
    assert asked(name, kind) == seen


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"", None),
        (question("ecs.aliyuncs.com")[:11], None),
        (question("ecs.aliyuncs.com", flags=0x8100), None),
        (question("ecs.aliyuncs.com")[:-1], 1),
        (question("ecs.aliyuncs.com", flags=0x2800), 4),
        (struct.pack("!6H", 7, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", 1),
    ],
)
def test_what_is_no_question_gets_no_address(
    request_bytes: bytes, code: int | None
) -> None:
    answer = NAMES.answer(request_bytes)
    assert (None if answer is None else answer[3] & 0xF) == code


@given(st.binary(max_size=80))
def test_any_bytes_are_taken(data: bytes) -> None:
    NAMES.answer(data)


AUTHORITY = trustme.CA(
    organization_name="alicloud-emulator", organization_unit_name="Made  at START, ü"
)


def test_the_hash_of_a_subject_is_openssl_s(tmp_path: Path) -> None:
    need("openssl", "openssl")
    file = tmp_path / "ca.pem"
    file.write_bytes(AUTHORITY.cert_pem.bytes())
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(file)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert trust.subject_hash(AUTHORITY.cert_pem.bytes()) == said.strip()


def test_java_reads_the_store(tmp_path: Path) -> None:
    if shutil.which("keytool") is None:
        need("keytool", "default-jdk-headless")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(AUTHORITY.cert_pem.bytes() * 3)
    store = trust.write_java_store(bundle)
    password = ("-storepass", environment.STORE_PASSWORD)
    listed = subprocess.run(
        ["keytool", "-list", "-keystore", str(store), *password],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert listed.count("trustedCertEntry") == 3


def test_java_is_told_once_and_keeps_what_else_it_is_told() -> None:
    given = environment.java("http://127.0.0.1:8080", Path("/x/trusted.jks"))
    once = environment.with_java({"JAVA_TOOL_OPTIONS": "-Xmx64m"}, given)
    assert once["JAVA_TOOL_OPTIONS"].startswith("-Xmx64m -Djavax.net.ssl.trustStore=")
    assert "-Dhttps.proxyPort=8080" in once["JAVA_TOOL_OPTIONS"]
    assert environment.with_java(once, given) == once
    other = environment.java("", Path("/y/trusted.jks"))
    again = environment.with_java(once, other)["JAVA_TOOL_OPTIONS"]
    assert "proxy" not in again
    assert again.count("trustStore=") == 1
