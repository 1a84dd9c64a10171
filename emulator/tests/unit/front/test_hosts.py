"""Host names: every form that SDKs send, and which of them resolve."""

from dataclasses import replace
from pathlib import Path

import pytest

from alicloud_emulator.front import hosts
from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.product import Product
from alicloud_emulator.products.wire import Host
from alicloud_emulator.world.profile import load_profile

PROFILE = load_profile("fast")

FORMS = [
    ("ecs.aliyuncs.com", "ecs", "", "", ""),
    ("ecs.cn-beijing.aliyuncs.com", "ecs", "cn-beijing", "", ""),
    ("ecs-cn-hangzhou.aliyuncs.com", "ecs", "cn-hangzhou", "", ""),
    ("ecs.ap-southeast-1.aliyuncs.com:443", "ecs", "ap-southeast-1", "", ""),
    ("ECS.Cn-Beijing.Aliyuncs.Com.", "ecs", "cn-beijing", "", ""),
    ("fcv3.cn-shanghai.aliyuncs.com", "fc", "cn-shanghai", "", ""),
    ("1234.us-west-1.fc.aliyuncs.com", "fc", "us-west-1", "", "1234"),
    ("me-central-1.fc.aliyuncs.com", "fc", "me-central-1", "", ""),
    ("oss-cn-hongkong.aliyuncs.com", "oss", "cn-hongkong", "", ""),
    ("b.oss-cn-hongkong.aliyuncs.com", "oss", "cn-hongkong", "b", ""),
    (
        "my-oss-bucket.oss-us-east-1.aliyuncs.com",
        "oss",
        "us-east-1",
        "my-oss-bucket",
        "",
    ),
    ("cn-hangzhou.oss.aliyuncs.com", "oss", "cn-hangzhou", "", ""),
    ("b.cn-hangzhou.oss.aliyuncs.com", "oss", "cn-hangzhou", "b", ""),
    ("b.oss-accelerate.aliyuncs.com", "oss", "", "b", ""),
    ("oss-accelerate-overseas.aliyuncs.com", "oss", "", "", ""),
    ("oss-cn-wuhan-lr.aliyuncs.com", "oss", "cn-wuhan-lr", "", ""),
    ("ram.aliyuncs.com", "ram", "", "", ""),
    ("sts.aliyuncs.com", "sts", "", "", ""),
    ("sts.eu-central-1.aliyuncs.com", "sts", "eu-central-1", "", ""),
    ("location-readonly.aliyuncs.com", "location", "", "", ""),
]


@pytest.mark.parametrize(("name", "service", "region", "bucket", "account"), FORMS)
def test_a_public_host_says_its_product_and_region(
    name: str, service: str, region: str, bucket: str, account: str
) -> None:
    host = hosts.parse(name)
    assert host == Host(
        name=hosts.host_name(name),
        service=service,
        region=region,
        bucket=bucket,
        account_id=account,
    )


@pytest.mark.parametrize(
    "name",
    [
        "oss-cn-hangzhou-internal.aliyuncs.com",
        "b.oss-cn-hangzhou-internal.aliyuncs.com",
        "1.cn-hangzhou-internal.fc.aliyuncs.com",
        "sts-vpc.cn-hangzhou.aliyuncs.com",
        "ecs-vpc.cn-hangzhou.aliyuncs.com",
    ],
)
def test_an_internal_host_resolves_inside_its_own_region_only(name: str) -> None:
    host = hosts.parse(name)
    assert host is not None
    assert host.internal
    assert host.region == "cn-hangzhou"
    assert hosts.resolves(host, PROFILE, "cn-hangzhou")
    assert not hosts.resolves(host, PROFILE, "cn-shanghai")
    assert not hosts.resolves(host, PROFILE, "")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "aliyuncs.com",
        "example.com",
        "ecs.aliyuncs.com.evil.example",
        "evil-aliyuncs.com",
        "rds.aliyuncs.com",
        "a.b.oss-cn-hangzhou.aliyuncs.com",
        "b..oss-cn-hangzhou.aliyuncs.com",
        "x" * 300 + ".oss-cn-hangzhou.aliyuncs.com",
        "[::1]",
        "127.0.0.1:80",
        "ecs.cn-beijing.aliyuncs.com/x",
        "ecs.cn-b\nijing.aliyuncs.com",
    ],
)
def test_other_hosts_are_not_served(name: str) -> None:
    assert hosts.parse(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "fcv3.cn-guangzhou.aliyuncs.com",  # no Function Compute there
        "1.cn-nanjing.fc.aliyuncs.com",
        "ecs.mars-1.aliyuncs.com",
        "oss-mars-1.aliyuncs.com",
    ],
)
def test_hosts_of_what_is_not_there_do_not_resolve(name: str) -> None:
    host = hosts.parse(name)
    assert host is not None
    assert not hosts.resolves(host, PROFILE, "")


def test_a_profile_may_take_a_region_s_object_storage_hosts_away(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "fast"\n[regions]\nus-east-1 = { oss = "unresolved" }\n')
    host = hosts.parse("oss-us-east-1.aliyuncs.com")
    assert host is not None
    assert hosts.resolves(host, PROFILE, "")
    assert not hosts.resolves(host, load_profile(str(path)), "")


def test_every_endpoint_in_the_official_sdk_maps_is_understood() -> None:
    from alibabacloud_ecs20140526.client import Client as Ecs
    from alibabacloud_fc20230330.client import Client as Fc
    from alibabacloud_ram20150501.client import Client as Ram
    from alibabacloud_sts20150401.client import Client as Sts
    from alibabacloud_tea_openapi.models import Config

    config = Config(access_key_id="a", access_key_secret="b", region_id="cn-hangzhou")
    for client, service in ((Ecs, "ecs"), (Fc, "fc"), (Ram, "ram"), (Sts, "sts")):
        endpoints = set(client(config)._endpoint_map.values())
        assert endpoints
        for endpoint in endpoints:
            host = hosts.parse(endpoint)
            assert host is not None, endpoint
            assert host.service == service


def test_every_product_is_found_by_its_hosts() -> None:
    """A row of products/ is all that the front needs."""
    for product in PRODUCTS:
        stems = (
            f"{product.name}.aliyuncs.com",
            f"{product.name}.eu-west-1.aliyuncs.com",
        )
        if product.name == "oss":
            stems = ("oss.aliyuncs.com", "oss-eu-west-1.aliyuncs.com")
        found = [host for host in map(hosts.parse, stems) if host is not None]
        assert found
        assert {host.service for host in found} == {product.name}


REGIONAL = [product for product in PRODUCTS if "{}" in product.endpoint]


@pytest.mark.parametrize("product", REGIONAL, ids=lambda product: product.name)
def test_every_regional_product_dies_with_its_region(product: Product) -> None:
    regions = tuple(
        replace(region, dead=region.id == "eu-west-1") for region in PROFILE.regions
    )
    profile = replace(PROFILE, regions=regions)
    for region, dead in (("eu-west-1", True), ("eu-central-1", False)):
        host = hosts.parse(product.endpoint.format(region))
        assert host is not None
        assert (host.service, host.region) == (product.name, region)
        assert hosts.resolves(host, profile, "")
        assert hosts.is_dead(host, profile) is dead
