"""Buckets, as a client sees them."""

import re

import pytest

from emulator.tests.unit.oss.conftest import Cloud


def test_a_bucket_is_made_described_and_removed(cloud: Cloud) -> None:
    made = cloud.call("PUT", "pail")
    assert (made.status, made.headers["location"]) == (200, "/pail")
    info = cloud.call("GET", "pail?bucketInfo")
    assert info.text("Bucket/Name") == "pail"
    assert info.text("Bucket/Location") == "oss-ap-northeast-1"
    assert info.text("Bucket/ExtranetEndpoint") == "oss-ap-northeast-1.aliyuncs.com"
    assert info.text("Bucket/CreationDate") == "2027-01-15T08:00:00.000Z"
    assert info.text("Bucket/Owner/ID") == cloud.main.account_id
    assert info.text("Bucket/AccessControlList/Grant") == "private"
    assert cloud.call("DELETE", "pail").status == 204
    assert cloud.call("GET", "pail?bucketInfo").code == "NoSuchBucket"


def test_repeating_is_no_error_for_the_owner_only(cloud: Cloud) -> None:
    assert [cloud.call("PUT", "pail").status for _ in range(2)] == [200, 200]
    again = cloud.call("PUT", "pail", caller=cloud.other)
    assert (again.status, again.code) == (409, "BucketAlreadyExists")
    again = cloud.call("PUT", "pail", region="eu-central-1")
    assert (again.status, again.code) == (400, "InvalidLocationConstraint")


def test_a_storage_class_can_be_chosen_once(cloud: Cloud) -> None:
    body = (
        b"<CreateBucketConfiguration><StorageClass>IA</StorageClass>"
        b"</CreateBucketConfiguration>"
    )
    assert cloud.call("PUT", "pail", body).status == 200
    info = cloud.call("GET", "pail?bucketInfo")
    assert info.text("Bucket/StorageClass") == "IA"
    other = body.replace(b">IA<", b">Archive<")
    assert cloud.call("PUT", "pail", other).code == "BucketAlreadyExists"
    wrong = body.replace(b">IA<", b">Wood<")
    assert cloud.call("PUT", "pail2", wrong).code == "InvalidArgument"


def on_one_line(document: str) -> str:
    """Return a document as it came: OSS puts each element on a line of its own."""
    return re.sub(r"<(\w+)></\1>", r"<\1/>", re.sub(r"\n *", "", document))


@pytest.mark.parametrize("name", ["ab", "a" * 64, "a-"])
def test_bad_names_are_refused(cloud: Cloud, name: str) -> None:
    from alicloud_emulator.world.errors import ServiceError

    with pytest.raises(ServiceError) as caught:
        cloud.world.oss.buckets.put(cloud.visit(), name)
    assert caught.value.code == "InvalidBucketName"


def test_regions_that_forbid_new_buckets(cloud: Cloud) -> None:
    answer = cloud.call("PUT", "pail", region="cn-nanjing")
    assert (answer.status, answer.code) == (403, "ForbidCreateNewBucket")


def test_a_hundred_buckets_a_region(cloud: Cloud) -> None:
    visit = cloud.visit()
    for number in range(100):
        cloud.world.oss.buckets.put(visit, f"pail-{number:03d}")
    answer = cloud.call("PUT", "one-more")
    assert (answer.status, answer.code) == (400, "TooManyBuckets")
    assert cloud.call("PUT", "one-more", region="eu-central-1").status == 200


def test_what_holds_something_is_not_removed(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/k", b"x")
    refused = cloud.call("DELETE", "pail")
    assert (refused.status, refused.code) == (409, "BucketNotEmpty")
    cloud.call("DELETE", "pail/k")
    upload = cloud.call("POST", "pail/k?uploads").text("UploadId")
    assert cloud.call("DELETE", "pail").code == "BucketNotEmpty"
    assert cloud.call("DELETE", f"pail/k?uploadId={upload}").status == 204
    assert cloud.call("DELETE", "pail").status == 204


def test_buckets_of_all_regions_are_listed_in_pages(cloud: Cloud) -> None:
    for name, region in (
        ("b-one", "ap-northeast-1"),
        ("b-two", "eu-central-1"),
        ("a-zero", "cn-hangzhou"),
    ):
        cloud.call("PUT", name, region=region)
    cloud.call("PUT", "foreign", caller=cloud.other)
    everything = cloud.call("GET", "/")
    names = ["a-zero", "b-one", "b-two"]
    assert everything.texts("Buckets/Bucket/Name") == names
    assert everything.texts("Buckets/Bucket/Region") == [
        "cn-hangzhou",
        "ap-northeast-1",
        "eu-central-1",
    ]
    first = cloud.call("GET", "/?max-keys=2")
    assert first.texts("Buckets/Bucket/Name") == names[:2]
    assert (first.text("IsTruncated"), first.text("NextMarker")) == ("true", "b-one")
    second = cloud.call("GET", "/?max-keys=2&marker=b-one")
    assert second.texts("Buckets/Bucket/Name") == names[2:]
    # Of the last page nothing is said.
    assert [second.text(n) for n in ("IsTruncated", "MaxKeys")] == [None, None]
    assert cloud.call("GET", "/?prefix=b-").texts("Buckets/Bucket/Name") == names[1:]
    assert cloud.call("GET", "/?max-keys=1001").code == "InvalidArgument"
    assert cloud.call("GET", "/", caller=None).code == "AccessDenied"


def test_regions_are_described(cloud: Cloud) -> None:
    everywhere = cloud.call("GET", "/?regions").texts("RegionInfo/Region")
    assert "oss-cn-hangzhou" in everywhere
    assert "oss-us-southeast-1" not in everywhere
    one = cloud.call("GET", "/?regions=oss-eu-central-1")
    assert one.texts("RegionInfo/InternalEndpoint") == [
        "oss-eu-central-1-internal.aliyuncs.com"
    ]
    assert cloud.call("GET", "/?regions=oss-moon-1").status == 404


def test_location_and_stat(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/k", b"12345")
    assert cloud.call("GET", "pail?location").xml.text == "oss-ap-northeast-1"
    stat = cloud.call("GET", "pail?stat")
    assert (stat.text("Storage"), stat.text("ObjectCount")) == ("5", "1")
    assert stat.text("StandardStorage") == "5"


def test_tags(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    body = (
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag>"
        b"<Tag><Key>b</Key><Value>2</Value></Tag></TagSet></Tagging>"
    )
    assert cloud.call("GET", "pail?tagging").texts("TagSet/Tag/Key") == []
    assert cloud.call("PUT", "pail?tagging", body).status == 200
    assert cloud.call("GET", "pail?tagging").texts("TagSet/Tag/Key") == ["a", "b"]
    assert cloud.call("DELETE", "pail?tagging=a").status == 204
    assert cloud.call("GET", "pail?tagging").texts("TagSet/Tag/Value") == ["2"]
    assert cloud.call("DELETE", "pail?tagging").status == 204
    assert cloud.call("GET", "pail?tagging").texts("TagSet/Tag/Value") == []
    twice = body.replace(b">b<", b">a<")
    assert cloud.call("PUT", "pail?tagging", twice).code == "InvalidTag"


LIFECYCLE = (
    "<LifecycleConfiguration><Rule><ID>r</ID><Prefix/><Status>Enabled</Status>"
    "<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"
)
CONFIGURATIONS = [
    ("lifecycle", LIFECYCLE, "NoSuchLifecycle"),
    (
        "cors",
        (
            "<CORSConfiguration><CORSRule/><ResponseVary>true</ResponseVary>"
            "</CORSConfiguration>"
        ),
        "NoSuchCORSConfiguration",
    ),
    (
        "website",
        "<WebsiteConfiguration><IndexDocument/></WebsiteConfiguration>",
        "NoSuchWebsiteConfiguration",
    ),
]


@pytest.mark.parametrize(("name", "body", "missing"), CONFIGURATIONS)
def test_configurations_are_kept(
    cloud: Cloud, name: str, body: str, missing: str
) -> None:
    cloud.call("PUT", "pail")
    none = cloud.call("GET", f"pail?{name}")
    assert (none.status, none.code) == (404, missing)
    assert cloud.call("PUT", f"pail?{name}", body.encode()).status == 200
    kept = cloud.call("GET", f"pail?{name}").body.decode()
    assert on_one_line(kept).endswith(body)
    assert cloud.call("PUT", f"pail?{name}", b"<Other/>").code == "MalformedXML"
    assert cloud.call("DELETE", f"pail?{name}").status == 204
    assert cloud.call("GET", f"pail?{name}").code == missing


def test_lifecycle_rules_without_a_name_get_one(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    nameless = LIFECYCLE.replace("<ID>r</ID>", "")
    cloud.call("PUT", "pail?lifecycle", nameless.encode())
    assert len(cloud.call("GET", "pail?lifecycle").texts("Rule/ID")[0]) == 32


def test_what_is_not_there_is_refused_by_name(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    answer = cloud.call("PUT", "pail?replication", b"")
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert cloud.call("POST", "pail?bucketInfo").code == "MethodNotAllowed"


def test_the_state_document(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/k", b"x")
    upload = cloud.call("POST", "pail/u?uploads").text("UploadId")
    state = cloud.world.oss.state("ap-northeast-1")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert state == {
        "buckets": [
            {
                "name": "pail",
                "objects": [{"key": "k", "size": 1, "sha256": digest}],
                "uploads": [{"key": "u", "upload_id": upload, "parts": 0}],
            }
        ]
    }
    assert cloud.world.oss.state("eu-central-1") == {"buckets": []}


def test_requests_are_described_for_counting(cloud: Cloud) -> None:
    from dataclasses import replace

    from alicloud_emulator.front.hosts import parse
    from alicloud_emulator.products.wire import Request
    from emulator.tests.unit.oss.conftest import Body

    host = parse("pail.oss-ap-northeast-1.aliyuncs.com")
    assert host is not None
    request = Request(
        method="PUT",
        host=host,
        path="/a/b",
        raw_path="/a/b",
        query=[],
        headers={},
        body=Body(b""),
    )
    describe = cloud.service.describe
    assert describe(request) == ("PutObject", "pail/a/b")
    copied = replace(request, headers={"x-oss-copy-source": "/x/y"})
    assert describe(copied) == ("CopyObject", "pail/a/b")
    part = replace(copied, query=[("partNumber", "1"), ("uploadId", "u")])
    assert describe(part) == ("UploadPartCopy", "pail/a/b")
    listing = replace(request, method="GET", path="/", query=[("list-type", "2")])
    assert describe(listing) == ("ListObjectsV2", "pail")
    odd = replace(request, method="BREW")
    assert describe(odd) == ("Unknown", "pail/a/b")


def log_fields(headers: str, parameters: int = 0) -> bytes:
    told = "".join(f"<header>{name}</header>" for name in headers.split())
    more = "".join(f"<parameter>p_{n}</parameter>" for n in range(parameters))
    return (
        f"<UserDefinedLogFieldsConfiguration><HeaderSet>{told}</HeaderSet>"
        f"<ParamSet>{more}</ParamSet></UserDefinedLogFieldsConfiguration>"
    ).encode()


def test_fields_of_logs_are_kept(cloud: Cloud) -> None:
    target = "pail?userDefinedLogFieldsConfig"
    cloud.call("PUT", "pail")
    none = cloud.call("GET", target)
    assert (none.status, none.code) == (404, "NoSuchUserDefinedLogFieldsConfig")
    body = log_fields("x-a b.c !", 3)
    assert cloud.call("PUT", target, body).status == 200
    got = cloud.call("GET", target).body.decode()
    assert on_one_line(got).endswith(body.decode())
    assert cloud.call("DELETE", target).status == 204
    assert cloud.call("GET", target).status == 404


@pytest.mark.parametrize(
    ("body", "ec"),
    [
        (log_fields(""), "0046-00000003"),
        (log_fields("a b c d e f g"), "0046-00000004"),
        (log_fields("a b c", 4), "0046-00000004"),
        (log_fields("a_b"), ""),
        (log_fields("a:b"), ""),
        (log_fields("\u00e4"), ""),
    ],
)
def test_fields_of_logs_are_checked(cloud: Cloud, body: bytes, ec: str) -> None:
    cloud.call("PUT", "pail")
    refused = cloud.call("PUT", "pail?userDefinedLogFieldsConfig", body)
    assert (refused.status, refused.code) == (400, "InvalidArgument")
    assert refused.headers.get("x-oss-ec", "") == ec


def test_configurations_keep_any_character(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    suffix = f"a&#1;\x02{chr(0x10FF01)}{chr(0x10FF20)}"
    body = (
        "<WebsiteConfiguration><IndexDocument><Suffix>"
        f"{suffix}</Suffix></IndexDocument></WebsiteConfiguration>"
    )
    assert cloud.call("PUT", "pail?website", body.encode()).status == 200
    kept = cloud.call("GET", "pail?website").body.decode()
    assert f"<Suffix>{suffix.replace('&#1;', chr(1))}</Suffix>" in kept


def test_buckets_are_listed_by_tag_with_any_value_or_one(cloud: Cloud) -> None:
    for name, value in (("one-pail", "a"), ("two-pail", "b"), ("no-pail", None)):
        tags = {} if value is None else {"x-oss-bucket-tagging": f"env={value}"}
        cloud.call("PUT", name, headers=tags)

    def listed(query: str) -> list[str | None]:
        answer = cloud.call("GET", f"/?{query}")
        return [one.findtext("Name") for one in answer.xml.iter("Bucket")]

    assert listed("tag-key=env") == ["one-pail", "two-pail"]
    assert listed("tag-key=env&tag-value=b") == ["two-pail"]
    assert listed("tag-key=env&tag-value=") == []


def test_an_acl_that_was_put_says_of_which_bucket(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    put = cloud.call("PUT", "pail?acl", headers={"x-oss-acl": "private"})
    assert put.headers["location"] == "/pail"


def test_no_resource_group_is_the_default_one(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    path = "pail?resourceGroup"
    usual = cloud.call("GET", path).text("ResourceGroupId")
    for group, kept in (("rg-other", "rg-other"), ("", usual)):
        root = "BucketResourceGroupConfiguration"
        body = f"<{root}><ResourceGroupId>{group}</ResourceGroupId></{root}>"
        assert cloud.call("PUT", path, body.encode()).status == 200
        assert cloud.call("GET", path).text("ResourceGroupId") == kept


@pytest.mark.parametrize(
    ("passes", "mirror", "kept"),
    [("true", "false", "false"), ("", "true", "true"), ("true", "", "true")],
)
def test_what_a_mirror_passes_on_is_said_twice(
    cloud: Cloud, passes: str, mirror: str, kept: str
) -> None:
    """As the older SDK's tests have it."""
    cloud.call("PUT", "pail")
    told = f"<PassQueryString>{passes}</PassQueryString>" if passes else ""
    if mirror:
        told += f"<MirrorPassQueryString>{mirror}</MirrorPassQueryString>"
    body = (
        "<WebsiteConfiguration><RoutingRules><RoutingRule><RuleNumber>1</RuleNumber>"
        f"<Redirect><RedirectType>Mirror</RedirectType>{told}</Redirect>"
        "</RoutingRule></RoutingRules></WebsiteConfiguration>"
    )
    assert cloud.call("PUT", "pail?website", body.encode()).status == 200
    redirect = "RoutingRules/RoutingRule/Redirect"
    got = cloud.call("GET", "pail?website")
    assert got.text(f"{redirect}/PassQueryString") == kept


def test_there_are_at_most_20_rules_for_pages_of_other_sites(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    for number, code in ((20, ""), (21, "CORSRuleBeyondLimit")):
        rules = "<CORSRule/>" * number
        body = f"<CORSConfiguration>{rules}</CORSConfiguration>".encode()
        assert cloud.call("PUT", "pail?cors", body).code == code
