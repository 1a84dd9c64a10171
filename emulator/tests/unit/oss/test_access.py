"""Who gets in, and through which host."""

from collections import Counter

import pytest

from alicloud_emulator.world.blobs import MemoryBlob
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.oss.gate import Gate
from alicloud_emulator.world.oss.values import Attributes
from alicloud_emulator.world.profile import Region
from emulator.tests.unit.oss.conftest import Cloud, MakeCloud

MAINLAND = "cn-hangzhou"
FROM_KEY = {"x-oss-copy-source": "/pail/key"}

DATA_CALLS = [
    ("PUT", "pail/k"),
    ("GET", "pail/k"),
    ("HEAD", "pail/k"),
    ("DELETE", "pail/k"),
    ("GET", "pail"),
    ("GET", "pail?list-type=2"),
    ("GET", "pail?versions"),
    ("GET", "pail?uploads"),
    ("POST", "pail?delete"),
    ("POST", "pail/k?uploads"),
    ("PUT", "pail/k?partNumber=1&uploadId=x"),
    ("GET", "pail/k?acl"),
]
CONTROL_CALLS = [
    ("PUT", "pail"),
    ("GET", "pail?bucketInfo"),
    ("GET", "pail?acl"),
    ("GET", "pail?location"),
    ("GET", "pail?stat"),
    ("GET", "pail?tagging"),
    ("GET", "/"),
    ("GET", "/?regions"),
    ("DELETE", "pail"),
]


@pytest.mark.parametrize(("method", "target"), DATA_CALLS)
def test_mainland_public_hosts_refuse_data_to_new_accounts(
    cloud: Cloud, method: str, target: str
) -> None:
    assert cloud.call("PUT", "pail", region=MAINLAND).status == 200
    answer = cloud.call(method, target, region=MAINLAND)
    assert answer.status == 400
    assert answer.headers["x-oss-ec"] == "0048-00000401"
    if method != "HEAD":
        assert answer.code == "PublicEndpointForbidden"
        assert answer.text("Message") == (
            "Not allowed using the OSS public endpoint , please use CNAME instead."
        )


@pytest.mark.parametrize(("method", "target"), CONTROL_CALLS)
def test_mainland_public_hosts_let_control_calls_pass(
    cloud: Cloud, method: str, target: str
) -> None:
    cloud.call("PUT", "pail", region=MAINLAND)
    assert cloud.call(method, target, region=MAINLAND).status in (200, 204)


def test_old_accounts_may_send_data_everywhere(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(oss_since="old")
    cloud.call("PUT", "pail", region=MAINLAND)
    assert cloud.call("PUT", "pail/k", b"x", region=MAINLAND).status == 200


def test_hong_kong_is_not_mainland(cloud: Cloud) -> None:
    cloud.call("PUT", "pail", region="cn-hongkong")
    assert cloud.call("PUT", "pail/k", b"x", region="cn-hongkong").status == 200


def test_internal_hosts_serve_their_own_region_only(cloud: Cloud) -> None:
    cloud.call("PUT", "pail", region=MAINLAND)
    at_home = {"region": MAINLAND, "internal": True, "inside": MAINLAND}
    assert cloud.call("PUT", "pail/k", b"x", **at_home).status == 200
    for inside in ("", "cn-beijing"):
        outside = {**at_home, "inside": inside}
        assert cloud.call("PUT", "pail/k", b"x", **outside).status == 403


def test_the_wrong_region_names_the_right_endpoint(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    answer = cloud.call("GET", "pail?bucketInfo", region="eu-central-1")
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert answer.text("Endpoint") == "oss-ap-northeast-1.aliyuncs.com"
    assert answer.text("Bucket") == "pail"


def test_path_style_is_refused(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    for method in ("GET", "PUT"):
        answer = cloud.call(method, "/pail/k")
        assert (answer.status, answer.code) == (403, "SecondLevelDomainForbidden")


def test_old_signatures_can_be_switched_off(make_cloud: MakeCloud) -> None:
    for allowed, status in ((True, 200), (False, 403)):
        cloud = make_cloud(oss_v1=allowed)
        cloud.call("PUT", "pail")
        answer = cloud.call("GET", "pail?bucketInfo", signature="oss-v1")
        assert answer.status == status


def test_strangers_see_what_acls_let_them_see(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/k", b"x")
    expected = {
        "private": (403, 403, 403),
        "public-read": (200, 200, 403),
        "public-read-write": (200, 200, 200),
    }
    for acl, (get, listing, put) in expected.items():
        cloud.call("PUT", "pail?acl", headers={"x-oss-acl": acl})
        for stranger in (None, cloud.other):
            assert cloud.call("GET", "pail/k", caller=stranger).status == get
            assert cloud.call("GET", "pail", caller=stranger).status == listing
            assert cloud.call("PUT", "pail/k", b"x", caller=stranger).status == put
            assert cloud.call("GET", "pail?bucketInfo", caller=stranger).status == 403
            assert cloud.call("DELETE", "pail", caller=stranger).status == 403


def test_an_objects_acl_outranks_its_buckets(cloud: Cloud) -> None:
    cloud.call("PUT", "pail", headers={"x-oss-acl": "public-read"})
    cloud.call("PUT", "pail/k", b"x", headers={"x-oss-object-acl": "private"})
    cloud.call("PUT", "pail/open", b"x")
    assert cloud.call("GET", "pail/k", caller=None).status == 403
    assert cloud.call("GET", "pail/open", caller=None).status == 200
    cloud.call("PUT", "pail/k?acl", headers={"x-oss-object-acl": "default"})
    assert cloud.call("GET", "pail/k", caller=None).status == 200


def test_blocking_public_access_closes_public_buckets(cloud: Cloud) -> None:
    cloud.call("PUT", "pail", headers={"x-oss-acl": "public-read"})
    cloud.call("PUT", "pail/k", b"x")
    block = (
        b"<PublicAccessBlockConfiguration><BlockPublicAccess>true</BlockPublicAccess>"
        b"</PublicAccessBlockConfiguration>"
    )
    assert cloud.call("PUT", "pail?publicAccessBlock", block).status == 200
    assert cloud.call("GET", "pail?publicAccessBlock").text("BlockPublicAccess") == (
        "true"
    )
    assert cloud.call("GET", "pail/k", caller=None).status == 403
    acl = {"x-oss-acl": "public-read"}
    assert cloud.call("PUT", "pail?acl", headers=acl).code == "AccessDenied"
    assert cloud.call("DELETE", "pail?publicAccessBlock").status == 204
    assert cloud.call("GET", "pail/k", caller=None).status == 200


def test_new_buckets_can_block_public_access_from_the_start(
    make_cloud: MakeCloud,
) -> None:
    cloud = make_cloud(oss_block_public=True)
    refused = cloud.call("PUT", "pail", headers={"x-oss-acl": "public-read"})
    assert refused.code == "AccessDenied"
    assert cloud.call("PUT", "pail").status == 200
    info = cloud.call("GET", "pail?bucketInfo")
    assert info.text("Bucket/BlockPublicAccess") == "true"


def test_policies_decide_for_users(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    policy = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["oss:PutObject", "oss:GetObject"],
                "Resource": "acs:oss:*:*:pail/mine/*",
            }
        ],
    }
    user = type(cloud.main)(
        account_id=cloud.main.account_id, name="u", policies=(policy,)
    )
    assert cloud.call("PUT", "pail/mine/k", b"x", caller=user).status == 200
    for method, target in (
        ("PUT", "pail/other"),
        ("DELETE", "pail/mine/k"),
        ("GET", "pail"),
        ("PUT", "another"),
        ("GET", "/"),
    ):
        answer = cloud.call(method, target, caller=user)
        assert (answer.status, answer.code) == (403, "AccessDenied"), target


def test_imports_read_only_their_own_accounts_and_regions_objects(
    cloud: Cloud,
) -> None:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/k", b"x")
    account, oss = cloud.main.account_id, cloud.world.oss
    assert oss.read(account, "ap-northeast-1", "pail", "k").read(0, 9) == b"x"
    for given, code in (
        ((account, "ap-northeast-1", "none", "k"), "NoSuchBucket"),
        ((account, "ap-northeast-1", "pail", "none"), "NoSuchKey"),
        ((account, "eu-central-1", "pail", "k"), "InvalidLocationConstraint"),
        ((cloud.other.account_id, "ap-northeast-1", "pail", "k"), "AccessDenied"),
    ):
        with pytest.raises(ServiceError) as caught:
            oss.read(*given)
        assert caught.value.code == code


def test_a_request_is_let_in_once(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.call("PUT", "pail")
    cloud.call("PUT", "pail/key", b"x" * 9)
    asked: Counter[str] = Counter()
    authorize, region = Gate.authorize, Gate.region

    def counting(gate: Gate, visit: Visit, action: str, resource: str) -> None:
        asked[action] += 1
        authorize(gate, visit, action, resource)

    def counting_hosts(gate: Gate, visit: Visit) -> Region:
        asked["host"] += 1
        return region(gate, visit)

    monkeypatch.setattr(Gate, "region", counting_hosts)
    monkeypatch.setattr(Gate, "authorize", counting)
    tagged = {"x-oss-tagging": "a=1"}
    for method, target, headers, actions in (
        ("PUT", "pail/new", tagged, {"PutObject", "PutObjectTagging"}),
        ("GET", "pail/key", {}, {"GetObject"}),
        ("POST", "pail/log?append&position=0", {}, {"PutObject"}),
        ("PUT", "pail/copy", FROM_KEY, {"GetObject", "PutObject"}),
    ):
        asked.clear()
        answer = cloud.call(method, target, b"x", headers=headers)
        assert answer.status == 200
        assert asked == dict.fromkeys((*actions, "host"), 1), target


def test_a_bucket_that_is_made_anew_meanwhile_is_another(cloud: Cloud) -> None:
    """Who was let into the old one is not let into a stranger's of the same name."""
    cloud.call("PUT", "pail")
    visit = cloud.visit()
    objects = cloud.world.oss.objects
    objects.check_put(visit, "pail", "key", Attributes())
    cloud.call("DELETE", "pail")
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        objects.put(visit, "pail", "key", MemoryBlob(b""))
    cloud.call("PUT", "pail", caller=cloud.other)
    with pytest.raises(ServiceError, match="AccessDenied"):
        objects.put(visit, "pail", "key", MemoryBlob(b""))
