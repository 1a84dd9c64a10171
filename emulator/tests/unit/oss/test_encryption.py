"""Server-side encryption: asked for with objects or by their buckets, and told back."""

import pytest

from emulator.tests.unit.oss.conftest import Cloud

SSE = "x-oss-server-side-encryption"
KEY_ID = "x-oss-server-side-encryption-key-id"
DATA = "x-oss-server-side-data-encryption"


def rule(algorithm: str, extra: str = "") -> bytes:
    inner = f"<SSEAlgorithm>{algorithm}</SSEAlgorithm>{extra}"
    by_default = "ApplyServerSideEncryptionByDefault"
    return (
        f"<ServerSideEncryptionRule><{by_default}>{inner}</{by_default}>"
        "</ServerSideEncryptionRule>"
    ).encode()


@pytest.fixture
def pail(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail")
    return cloud


def told(headers: dict[str, str]) -> tuple[str, str, bool]:
    return headers.get(SSE, ""), headers.get(DATA, ""), KEY_ID in headers


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ("", "", False)),
        ({SSE: "AES256"}, ("AES256", "", False)),
        ({SSE: "SM4", DATA: "SM4"}, ("SM4", "", False)),
        ({SSE: "KMS"}, ("KMS", "", True)),
        ({SSE: "KMS", DATA: "SM4", KEY_ID: "mine"}, ("KMS", "SM4", True)),
    ],
)
def test_an_object_tells_how_it_is_encrypted(
    pail: Cloud, asked: dict[str, str], expected: tuple[str, str, bool]
) -> None:
    assert told(pail.call("PUT", "pail/k", b"x", headers=asked).headers) == expected
    shown = pail.call("HEAD", "pail/k").headers
    assert told(shown) == expected
    assert shown.get(KEY_ID, "mine") == asked.get(KEY_ID, shown.get(KEY_ID, "mine"))
    # A copy is encrypted as it says itself, or as its bucket wants it.
    source = {"x-oss-copy-source": "/pail/k"}
    assert told(pail.call("PUT", "pail/c", headers=source).headers) == ("", "", False)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({SSE: "DES"}, "InvalidEncryptionAlgorithmError"),
        ({SSE: "KMS", DATA: "AES"}, "InvalidEncryptionAlgorithmError"),
        ({SSE: "AES256", KEY_ID: "mine"}, "InvalidArgument"),
        ({KEY_ID: "mine"}, "InvalidArgument"),
    ],
)
def test_impossible_encryption_is_refused(
    pail: Cloud, headers: dict[str, str], code: str
) -> None:
    assert pail.call("PUT", "pail/k", headers=headers).code == code


def test_a_bucket_encrypts_what_says_nothing_itself(pail: Cloud) -> None:
    missing = "NoSuchServerSideEncryptionRule"
    assert pail.call("GET", "pail?encryption").code == missing
    kms = rule("KMS", "<KMSMasterKeyID>mine</KMSMasterKeyID>")
    assert pail.call("PUT", "pail?encryption", kms).status == 200
    assert pail.call("GET", "pail?encryption").texts(".//KMSMasterKeyID") == ["mine"]
    info = pail.call("GET", "pail?bucketInfo")
    assert info.texts(".//ServerSideEncryptionRule/SSEAlgorithm") == ["KMS"]
    put = pail.call("PUT", "pail/k", b"x")
    assert (put.headers[SSE], put.headers[KEY_ID]) == ("KMS", "mine")
    own = pail.call("PUT", "pail/k", b"x", headers={SSE: "AES256"})
    assert told(own.headers) == ("AES256", "", False)
    assert pail.call("DELETE", "pail?encryption").status == 204
    assert told(pail.call("PUT", "pail/k", b"x").headers) == ("", "", False)
    for wrong in (rule("DES"), rule("")):
        refused = pail.call("PUT", "pail?encryption", wrong)
        assert refused.code == "InvalidEncryptionAlgorithmError"


def test_only_kms_is_told_how(pail: Cloud) -> None:
    how = "<KMSDataEncryption>SM4</KMSDataEncryption>"
    for algorithm, kept in (("AES256", []), ("SM4", []), ("KMS", ["SM4"])):
        pail.call("PUT", "pail?encryption", rule(algorithm, how))
        assert pail.call("GET", "pail?encryption").texts(".//KMSDataEncryption") == kept


def test_a_bucket_can_be_made_encrypted(cloud: Cloud) -> None:
    cloud.call("PUT", "safe", headers={SSE: "SM4"})
    assert cloud.call("GET", "safe?encryption").texts(".//SSEAlgorithm") == ["SM4"]


def test_uploads_in_parts_say_it_at_their_beginning_only(pail: Cloud) -> None:
    asked = {SSE: "KMS"}
    begun = pail.call("POST", "pail/k?uploads", headers=asked)
    assert told(begun.headers) == ("KMS", "", True)
    target = f"pail/k?partNumber=1&uploadId={begun.text('UploadId')}"
    assert pail.call("PUT", target, b"x", headers=asked).code == "InvalidArgument"
    part = pail.call("PUT", target, b"x")
    assert part.headers[KEY_ID] == begun.headers[KEY_ID]
    body = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{part.headers['etag']}</ETag></Part></CompleteMultipartUpload>"
    ).encode()
    target = target.replace("partNumber=1&", "")
    assert pail.call("POST", target, body, headers=asked).code == "InvalidArgument"
    assert told(pail.call("POST", target, body).headers) == ("KMS", "", True)
    assert told(pail.call("GET", "pail/k").headers) == ("KMS", "", True)


def test_appends_keep_to_the_first(pail: Cloud) -> None:
    pail.call("POST", "pail/k?append&position=0", b"x", headers={SSE: "AES256"})
    more = pail.call("POST", "pail/k?append&position=1", b"y", headers={SSE: "SM4"})
    assert told(more.headers) == ("AES256", "", False)
