"""Only the cloud's own answers count, whatever status somebody else's have."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.services import ADAPTERS
from ali_import.cloud.values import Function, StoredPart
from ali_import.errors import ApiError, CloudError, TransportError
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_json, as_xml

REGION = "eu-west-1"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
IN_BUCKET: dict[str, Any] = {"region": REGION, "bucket": "b-1"}
OBJECT: dict[str, Any] = {**IN_BUCKET, "key": "k"}
UPLOAD: dict[str, Any] = {**OBJECT, "upload_id": "U"}
TAGGED: dict[str, Any] = {
    "region": REGION,
    "resource_type": "image",
    "resource_ids": ["m-1"],
}

CALLS: list[calls.Call[Any]] = [
    calls.GetCallerIdentity(),
    calls.DescribeRegions(region=REGION),
    calls.DescribeImages(region=REGION),
    calls.ImportImage(
        region=REGION,
        client_token="t",
        name="n",
        architecture="x86_64",
        boot_mode="UEFI",
        size_gib=1,
        bucket="b-1",
        key="k",
    ),
    calls.CopyImage(
        region=REGION,
        client_token="t",
        image_id="m-1",
        destination_region="cn-hangzhou",
        destination_name="n",
    ),
    calls.CancelCopyImage(region=REGION, image_id="m-1"),
    calls.DescribeTasks(region=REGION, task_ids=["t-1"]),
    calls.DescribeTaskAttribute(region=REGION, task_id="t-1"),
    calls.CancelTask(region=REGION, task_id="t-1"),
    calls.ModifyImageAttribute(region=REGION, image_id="m-1", family="f"),
    calls.ModifyImageSharePermission(region=REGION, image_id="m-1", public=True),
    calls.GetRole(name="r"),
    calls.ListPoliciesForRole(role="r"),
    calls.CreateRole(name="r", description="d", trust="{}"),
    calls.AttachPolicyToRole(role="r", policy="p"),
    calls.DescribeImageSharePermission(region=REGION, image_id="m-1"),
    calls.DeleteImage(region=REGION, image_id="m-1"),
    calls.DescribeSnapshots(region=REGION, snapshot_ids=["s-1"]),
    calls.DeleteSnapshot(region=REGION, snapshot_id="s-1"),
    calls.TagResources(**TAGGED, tags={"a": "b"}),
    calls.UntagResources(**TAGGED, keys=["a"]),
    calls.PutBucket(**IN_BUCKET),
    calls.DeleteBucket(**IN_BUCKET),
    calls.ListBuckets(region=REGION, prefix="b"),
    calls.PutObject(**OBJECT, body=b"", content_md5=MD5),
    calls.ListObjects(**IN_BUCKET),
    calls.DeleteObjects(**IN_BUCKET, keys=["k"]),
    calls.InitiateMultipartUpload(**OBJECT),
    calls.UploadPart(**UPLOAD, number=1, body=b"", content_md5=MD5),
    calls.UploadPartCopy(
        **UPLOAD, number=1, source_bucket="b-2", source_key="s", offset=0, length=1
    ),
    calls.ListParts(**UPLOAD),
    calls.CompleteMultipartUpload(**UPLOAD, parts=[StoredPart(number=1, etag="E")]),
    calls.AbortMultipartUpload(**UPLOAD),
    calls.ListMultipartUploads(**IN_BUCKET),
    calls.ListFunctions(region=REGION, prefix="f"),
    calls.CreateFunction(
        region=REGION,
        name="f",
        runtime="python3.10",
        handler="handler.handler",
        code_zip=b"PK",
        memory_mib=256,
        timeout_s=120,
    ),
    calls.GetFunction(region=REGION, name="f"),
    calls.DeleteFunction(region=REGION, name="f"),
]
ETAG = {"ETag": '"E"'}
STRANGERS: dict[str, Reply] = {
    "a page with 200": Reply(
        body=b"<html>login</html>",
        headers={"Content-Type": "text/html", **ETAG},
        genuine=False,
    ),
    "a page with an id": Reply(
        body=b"<html>login</html>", headers={"Content-Type": "text/html", **ETAG}
    ),
    "a page that hides its kind": Reply(body=b"<html>login</html>", genuine=False),
    "nothing with 200": Reply(headers=ETAG, genuine=False),
    "nothing with 204": Reply(status=204, headers=ETAG, genuine=False),
    "somebody's JSON": Reply(body=b'{"ok": true}', genuine=False),
    "somebody's JSON refusal": Reply(
        status=403, body=b'{"Code": "Forbidden", "Message": "m"}', genuine=False
    ),
    "somebody's XML refusal": Reply(
        status=404,
        body=b"<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>",
        genuine=False,
    ),
}


def outcome(cloud: SdkCloud, call: calls.Call[Any]) -> str:
    try:
        anyio.run(cloud.call, call)
    except CloudError as error:
        return error.code
    return "success"


def test_every_call_is_looked_at() -> None:
    assert {type(call) for call in CALLS} == set(ADAPTERS)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.operation())
@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_somebody_else_answers_is_no_answer(
    far: FarSide, cloud: SdkCloud, call: calls.Call[Any], stranger: str
) -> None:
    far.answer = lambda _seen: STRANGERS[stranger]
    with pytest.raises(TransportError) as caught:
        anyio.run(cloud.call, call)
    assert caught.value.code == "GarbledAnswer"
    assert caught.value.operation == call.operation()


def test_an_id_in_the_document_is_as_good_as_one_in_a_header(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: Reply(body=b'{"RequestId": "A-1"}', genuine=False)
    anyio.run(cloud.call, calls.DeleteImage(region=REGION, image_id="m-1"))
    far.answer = lambda _seen: Reply(
        status=404,
        body=b"<Error><Code>NoSuchBucket</Code><RequestId>5C3D</RequestId></Error>",
        genuine=False,
    )
    with pytest.raises(ApiError) as caught:
        anyio.run(cloud.call, calls.ListObjects(**IN_BUCKET))
    assert (caught.value.code, caught.value.request_id) == ("NoSuchBucket", "5C3D")


def test_an_id_in_a_header_is_as_good_as_one_in_the_document(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json('{"Code": "Some", "Message": "m"}', 400)
    assert outcome(cloud, calls.DeleteImage(region=REGION, image_id="m-1")) == "Some"


# --- deletions that somebody else said yes to -----------------------------------------

GONE = '{"Code": "FunctionNotFound", "Message": "m", "RequestId": "R"}'
NO_BUCKET = "<Error><Code>NoSuchBucket</Code><RequestId>R</RequestId></Error>"
INFO = (
    "<BucketInfo><Bucket><Name>b-1</Name><Location>oss-eu-west-1</Location></Bucket>"
    "</BucketInfo>"
)
LOOKS: list[tuple[calls.Call[Any], Reply, Reply]] = [
    (
        calls.DeleteFunction(region=REGION, name="f"),
        as_json(GONE, 404),
        as_json('{"functionName": "f"}'),
    ),
    (calls.DeleteBucket(**IN_BUCKET), as_xml(NO_BUCKET, 404), as_xml(INFO)),
]


def after_a_page(look: Reply) -> Callable[[Seen], Reply]:
    return lambda seen: (
        Reply(status=204, genuine=False) if seen.method == "DELETE" else look
    )


@pytest.mark.parametrize(("call", "gone", "there"), LOOKS, ids=["function", "bucket"])
def test_one_look_decides_whether_a_deletion_was_done(
    far: FarSide, cloud: SdkCloud, call: calls.Call[Any], gone: Reply, there: Reply
) -> None:
    far.answer = after_a_page(gone)
    assert outcome(cloud, call) == "success"
    assert [seen.method for seen in far.seen] == ["DELETE", "GET"]
    far.answer = after_a_page(there)
    assert outcome(cloud, call) == "GarbledAnswer"


@pytest.mark.parametrize("call", [look[0] for look in LOOKS], ids=["fc", "oss"])
@pytest.mark.parametrize(
    "look",
    [
        Reply(genuine=False),
        Reply(raw=b""),
        Reply(status=404, body=b'{"Code": "FunctionNotFound"}', genuine=False),
        as_json('{"Code": "AccessDenied", "RequestId": "R"}', 403),
    ],
    ids=["page", "silence", "somebody's word", "refusal"],
)
def test_a_look_that_tells_nothing_leaves_the_effect_unknown(
    far: FarSide, cloud: SdkCloud, call: calls.Call[Any], look: Reply
) -> None:
    far.answer = after_a_page(look)
    assert outcome(cloud, call) == "GarbledAnswer"


def test_a_deletion_with_an_id_needs_no_look(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: Reply(status=204)
    for call, _, _ in LOOKS:
        assert outcome(cloud, call) == "success"
    assert [seen.method for seen in far.seen] == ["DELETE", "DELETE"]


# --- Function Compute, whose successes may have no id ---------------------------------


def test_a_document_about_the_function_counts_without_an_id(
    far: FarSide, cloud: SdkCloud
) -> None:
    [create] = [call for call in CALLS if isinstance(call, calls.CreateFunction)]
    get = calls.GetFunction(region=REGION, name="f")
    listed = calls.ListFunctions(region=REGION, prefix="f")
    told = b'{"functionName": "f", "state": "Pending", "functions": []}'
    far.answer = lambda _seen: Reply(body=told, genuine=False)
    anyio.run(cloud.call, create)
    assert anyio.run(cloud.call, get) == Function(name="f", state="Pending")
    assert anyio.run(cloud.call, listed) == ()
    other = told.replace(b'"f"', b'"g"')
    far.answer = lambda _seen: Reply(body=other)
    assert outcome(cloud, create) == outcome(cloud, get) == "GarbledAnswer"


def test_an_empty_list_of_functions_may_be_left_out(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json("{}")
    call = calls.ListFunctions(region=REGION, prefix="f")
    assert anyio.run(cloud.call, call) == ()
