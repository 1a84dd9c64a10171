"""SDKs of three generations at an endpoint, as people set one: no proxy, no real name."""

import json
import os
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
from alibabacloud_ecs20140526 import models as ecs_models
from alibabacloud_ecs20140526.client import Client as Ecs
from alibabacloud_fc20230330 import models as fc_models
from alibabacloud_fc20230330.client import Client as Fc
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

ENDPOINT = os.environ["OSS_ENDPOINT"]
KEYS = os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]
HOST = ENDPOINT.removeprefix("http://")
REGION = "eu-central-1"


def older_storage(auth: Any, name: str) -> dict[str, Any]:
    bucket = oss2.Bucket(auth, ENDPOINT, name, region=REGION)
    bucket.create_bucket()
    bucket.put_object("a/b c", b"one")
    oss2.resumable_upload(bucket, "big", __file__, multipart_threshold=1024)
    url = bucket.sign_url("GET", "a/b c", 60, slash_safe=True)
    said = {
        "read": bucket.get_object("a/b c").read().decode(),
        "keys": [one.key for one in oss2.ObjectIterator(bucket)],
        "where": bucket.get_bucket_location().location,
        "presigned": oss2.Session().session.get(url).text,
    }
    bucket.batch_delete_objects(["a/b c", "big"])
    bucket.delete_bucket()
    return said


def newer_storage() -> str:
    config = oss.config.load_default()
    config.region, config.endpoint = REGION, ENDPOINT
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(*KEYS)
    client = oss.Client(config)
    client.put_bucket(oss.PutBucketRequest(bucket="newer"))
    client.put_object(oss.PutObjectRequest(bucket="newer", key="k", body=b"two"))
    read = client.get_object(oss.GetObjectRequest(bucket="newer", key="k")).body.read()
    return str(read.decode())


def calls() -> dict[str, Any]:
    config = Config(
        access_key_id=KEYS[0],
        access_key_secret=KEYS[1],
        endpoint=HOST,
        protocol="HTTP",
    )
    request = CommonRequest(
        domain=HOST, version="2015-04-01", action_name="GetCallerIdentity"
    )
    request.set_protocol_type("http")
    request.set_method("POST")
    identity = json.loads(AcsClient(*KEYS, REGION).do_action_with_exception(request))
    regions = Ecs(config).describe_regions(ecs_models.DescribeRegionsRequest())
    images = Ecs(config).describe_images(
        ecs_models.DescribeImagesRequest(region_id=REGION)
    )
    functions = Fc(config).list_functions(fc_models.ListFunctionsRequest())
    return {
        "me": identity["IdentityType"],
        "regions": len(regions.body.regions.region),
        "images": images.body.total_count,
        "functions": functions.body.functions,
    }


print(
    json.dumps(
        {
            "v1": older_storage(oss2.Auth(*KEYS), "older-v1"),
            "v2": older_storage(oss2.AuthV2(*KEYS), "older-v2"),
            "v4": older_storage(oss2.AuthV4(*KEYS), "older-v4"),
            "newer": newer_storage(),
            "calls": calls(),
        }
    )
)
