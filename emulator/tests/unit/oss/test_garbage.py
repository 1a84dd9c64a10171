"""Whatever comes in, object storage answers, and with nothing but its own errors."""

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alicloud_emulator.products.oss import xml
from alicloud_emulator.world.errors import ServiceError
from emulator.tests.unit.oss.conftest import Cloud

NAMES = st.sampled_from(
    """
    acl append bucketInfo comp continuation-token cors delete delimiter encoding-type
    encryption fetch-owner key-marker lifecycle list-type location logging marker
    max-keys max-parts max-uploads objectMeta partNumber part-number-marker policy
    position prefix publicAccessBlock referer regions response-content-type restore
    seal start-after stat symlink tagging uploadId upload-id-marker uploads versionId
    versioning versions website x-oss-process zebra
    """.split()  # noqa: SIM905 - forty strings, one a line, would hide the list
)
HEADERS = st.sampled_from(
    """
    content-md5 content-type if-match if-modified-since if-none-match range
    x-oss-acl x-oss-bucket-tagging x-oss-complete-all x-oss-copy-source
    x-oss-copy-source-range x-oss-forbid-overwrite x-oss-meta-a
    x-oss-metadata-directive x-oss-object-acl x-oss-range-behavior
    x-oss-storage-class x-oss-symlink-target x-oss-tagging
    """.split()  # noqa: SIM905 - as above
)
VALUES = st.one_of(
    st.sampled_from(
        ["", "1", "0", "-1", "9" * 40, "true", "url", "/pail/k", "k", "bytes=1-", "x=y"]
    ),
    st.text(st.characters(codec="latin-1"), max_size=20),
)
BODIES = st.one_of(
    st.binary(max_size=100),
    st.sampled_from(
        [
            b"<Delete><Object><Key>k</Key></Object></Delete>",
            b"<Tagging><TagSet><Tag/></TagSet></Tagging>",
            b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
            b"<LifecycleConfiguration><Rule/></LifecycleConfiguration>",
            b"<RestoreRequest><Days>x</Days></RestoreRequest>",
            b"<CreateBucketConfiguration/>",
            b"{}",
        ]
    ),
)


@settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_request_is_answered(cloud: Cloud, data: st.DataObject) -> None:
    async def once() -> None:
        cloud.world.oss.buckets.put(cloud.visit(), "pail")
        place = data.draw(
            st.sampled_from(["", "pail", "pail/k", "pail/%00%ff", "none/k"])
        )
        query = data.draw(st.dictionaries(NAMES, VALUES, max_size=3))
        sent = "&".join(f"{k}={v.replace('&', '')}" for k, v in query.items())
        answer = await cloud.answer(
            data.draw(
                st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "BREW"])
            ),
            f"{place}?{sent}",
            data.draw(BODIES),
            headers=data.draw(st.dictionaries(HEADERS, VALUES, max_size=3)),
            caller=data.draw(st.sampled_from([cloud.main, cloud.other, None])),
        )
        # Anything but a ServiceError would have come out of answer().
        assert answer.status in range(200, 600)
        assert answer.headers["server"] == "AliyunOSS"

    anyio.run(once)


@given(st.one_of(BODIES, st.binary().map(lambda text: b"<Root>" + text + b"</Root>")))
def test_any_document_is_parsed_or_refused(body: bytes) -> None:
    try:
        xml.text(xml.parse(body, "Root"), "Any/Path")
    except ServiceError as error:
        refused = error.code
    else:
        refused = "MalformedXML"
    assert refused == "MalformedXML"


@given(st.text())
def test_text_survives_the_way_out_and_in(text: str) -> None:
    kept = text.encode("utf-8", "replace").decode()
    body = xml.document(("Root", [("Key", kept)]))
    back = xml.text(xml.parse(body, "Root"), "Key")
    assert back == kept.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


@pytest.mark.parametrize("number", [0x10FEFF, *range(0x10FF00, 0x10FF22)])
@pytest.mark.parametrize("form", ["%c", "&#%d;", "&#x%x;", "&#x00%X;"])
def test_private_characters_are_themselves(number: int, form: str) -> None:
    """Control characters, which become private ones for a while, do not mix in."""
    body = f"<Root><Key>\x01{form % number}&#2;\x1f</Key></Root>".encode()
    key = xml.text(xml.parse(body, "Root"), "Key")
    assert key == f"\x01{chr(number)}\x02\x1f"


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Root>&b;</Root>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><Root/>',
        b'<?xml version="1.0" encoding="no-such-code"?><Root/>',
    ],
)
def test_bombs_do_not_go_off(bomb: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        xml.parse(bomb, "Root")
    assert caught.value.code == "MalformedXML"


@pytest.mark.parametrize("name", ["cors", "website", "referer"])
def test_deep_documents_are_refused(cloud: Cloud, name: str) -> None:
    cloud.call("PUT", "pail")
    root = {
        "cors": "CORSConfiguration",
        "website": "WebsiteConfiguration",
        "referer": "RefererConfiguration",
    }[name]
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    body = b"<%s><CORSRule>%s</CORSRule></%s>" % (root.encode(), deep, root.encode())
    answer = cloud.call("PUT", f"pail?{name}", body)
    assert (answer.status, answer.code) == (400, "MalformedXML")
