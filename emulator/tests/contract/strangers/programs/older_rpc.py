"""The SDK of the generation before: its endpoints, signature, tokens and errors."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import oss2
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkecs.request.v20140526.CopyImageRequest import CopyImageRequest
from aliyunsdkecs.request.v20140526.DeleteImageRequest import DeleteImageRequest
from aliyunsdkecs.request.v20140526.DescribeImagesRequest import DescribeImagesRequest
from aliyunsdkecs.request.v20140526.DescribeRegionsRequest import (
    DescribeRegionsRequest,
)
from aliyunsdkecs.request.v20140526.ImportImageRequest import ImportImageRequest
from aliyunsdkecs.request.v20140526.ModifyImageAttributeRequest import (
    ModifyImageAttributeRequest,
)
from aliyunsdkecs.request.v20140526.ModifyImageSharePermissionRequest import (
    ModifyImageSharePermissionRequest,
)

HERE, THERE = "eu-west-1", "na-south-1"
KEY = os.environ["ALIYUN_ACCESS_KEY_ID"], os.environ["ALIYUN_ACCESS_KEY_SECRET"]
clients = {region: AcsClient(*KEY, region) for region in (HERE, THERE)}


def call(client: AcsClient, request: Any, **given: Any) -> Any:
    for name, value in given.items():
        getattr(request, f"set_{name}")(value)
    return json.loads(client.do_action_with_exception(request))


def code_of(do: Callable[[], Any]) -> list[Any]:
    try:
        do()
    except ServerException as error:
        return [error.get_error_code(), error.get_http_status()]
    return []


def image(region: str, image_id: str) -> Any:
    found = call(
        clients[region],
        DescribeImagesRequest(),
        ImageId=image_id,
        Status="Creating,Waiting,Available,CreateFailed",
    )
    rows = found["Images"]["Image"]
    return rows[0] if rows else None


def until_available(region: str, image_id: str) -> None:
    for _ in range(100):
        if image(region, image_id)["Status"] == "Available":
            return
        time.sleep(0.2)
    raise TimeoutError(image_id)


def upload() -> None:
    endpoint = f"https://oss-{HERE}.aliyuncs.com"
    bucket = oss2.Bucket(oss2.Auth(*KEY), endpoint, "strangers-rpc")
    bucket.create_bucket()
    bucket.put_object("disk.raw", b"disk" * 1000)


def import_image() -> str:
    mapping = {
        "OSSBucket": "strangers-rpc",
        "OSSObject": "disk.raw",
        "Format": "RAW",
        "DiskImageSize": 1,
    }
    made = call(
        clients[HERE],
        ImportImageRequest(),
        ImageName="from-older-python",
        Architecture="arm64",
        DiskDeviceMappings=[mapping],
        Tags=[{"Key": "made-by", "Value": "older"}],
    )
    until_available(HERE, made["ImageId"])
    return str(made["ImageId"])


def images() -> dict[str, Any]:
    image_id = import_image()
    copied = call(
        clients[HERE],
        CopyImageRequest(),
        ImageId=image_id,
        DestinationRegionId=THERE,
        DestinationImageName="from-older-copied",
    )["ImageId"]
    until_available(THERE, copied)
    call(
        clients[THERE],
        ModifyImageAttributeRequest(),
        ImageId=copied,
        Description="new",
        ImageFamily="older",
    )
    call(
        clients[THERE],
        ModifyImageSharePermissionRequest(),
        ImageId=copied,
        AddAccounts=["5555555555555555"],
    )
    delete = DeleteImageRequest()
    refused = code_of(lambda: call(clients[THERE], delete, ImageId=copied))
    call(clients[HERE], DeleteImageRequest(), ImageId=image_id)
    row = image(THERE, copied)
    return {
        "copy": [row["Description"], row["ImageFamily"], row["Architecture"]],
        "shared": refused,
        "missing": code_of(
            lambda: call(
                clients[HERE],
                ModifyImageAttributeRequest(),
                ImageId="m-none",
                Description="x",
            )
        ),
    }


def bare_calls() -> dict[str, Any]:
    request = CommonRequest(
        domain="ecs.aliyuncs.com", version="2014-05-26", action_name="DescribeRegions"
    )
    regions = json.loads(clients[HERE].do_action_with_exception(request))
    post = DescribeRegionsRequest()
    post.set_method("POST")
    post.set_protocol_type("https")
    liar = AcsClient(KEY[0], "wrong", HERE)
    return {
        "regions": len(regions["Regions"]["Region"]),
        "post": len(call(clients[HERE], post)["Regions"]["Region"]),
        "liar": code_of(lambda: call(liar, DescribeRegionsRequest())),
    }


def token() -> dict[str, Any]:
    """Assume a role through a bare call, and use its credentials."""

    def bare(client: AcsClient, product: str, version: str, action: str, **given: str
             ) -> Any:  # fmt: skip
        request = CommonRequest(
            domain=f"{product}.aliyuncs.com", version=version, action_name=action
        )
        request.set_protocol_type("https")
        for name, value in given.items():
            request.add_query_param(name, value)
        return json.loads(client.do_action_with_exception(request))

    client = clients[HERE]
    account = bare(client, "sts", "2015-04-01", "GetCallerIdentity")["AccountId"]
    trust = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"RAM": [f"acs:ram::{account}:root"]},
            }
        ],
    }
    arn = bare(
        client,
        "ram",
        "2015-05-01",
        "CreateRole",
        RoleName="older",
        AssumeRolePolicyDocument=json.dumps(trust),
    )["Role"]["Arn"]
    bare(
        client,
        "ram",
        "2015-05-01",
        "AttachPolicyToRole",
        RoleName="older",
        PolicyName="AliyunECSReadOnlyAccess",
        PolicyType="System",
    )
    got = bare(
        client,
        "sts",
        "2015-04-01",
        "AssumeRole",
        RoleArn=arn,
        RoleSessionName="session",
    )["Credentials"]
    credential = StsTokenCredential(
        got["AccessKeyId"], got["AccessKeySecret"], got["SecurityToken"]
    )
    # Keys in these variables win over a credential that AcsClient is given.
    os.environ.pop("ALIYUN_ACCESS_KEY_ID")
    assumed = AcsClient(region_id=HERE, credential=credential)
    return {
        "who": bare(assumed, "sts", "2015-04-01", "GetCallerIdentity")["Arn"],
        "reads": call(assumed, DescribeImagesRequest())["PageNumber"],
        "writes": code_of(
            lambda: call(assumed, DeleteImageRequest(), ImageId="m-none")
        ),
    }


upload()
print(json.dumps({"images": images(), "calls": bare_calls(), "token": token()}))
