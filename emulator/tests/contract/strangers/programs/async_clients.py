"""The official SDKs' asynchronous halves: uploads and calls under way side by side."""

import asyncio
import json
from typing import Any

import alibabacloud_oss_v2 as oss
import alibabacloud_oss_v2.aio as oss_aio
from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ecs20140526.client import Client
from alibabacloud_fc20230330.client import Client as FcClient
from alibabacloud_fc20230330.models import ListFunctionsRequest
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_ram20150501.models import GetRoleRequest
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

REGION = "ap-southeast-1"
BUCKET = "strangers-async"
PART = bytes(range(256)) * 400


async def storage() -> dict[str, Any]:
    config = oss.config.load_default()
    config.region = REGION
    config.credentials_provider = (
        oss.credentials.EnvironmentVariableCredentialsProvider()
    )
    async with oss_aio.AsyncClient(config) as client:
        await client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
        puts = (
            client.put_object(
                oss.PutObjectRequest(
                    bucket=BUCKET, key=f"k{number}", body=b"x" * number
                )
            )
            for number in range(20)
        )
        await asyncio.gather(*puts)
        listed = [
            one.key
            async for page in client.list_objects_v2_paginator().iter_page(
                oss.ListObjectsV2Request(bucket=BUCKET, max_keys=7)
            )
            for one in page.contents
        ]
        started = await client.initiate_multipart_upload(
            oss.InitiateMultipartUploadRequest(bucket=BUCKET, key="parts")
        )
        sent = await asyncio.gather(
            *(
                client.upload_part(
                    oss.UploadPartRequest(
                        bucket=BUCKET,
                        key="parts",
                        upload_id=started.upload_id,
                        part_number=number,
                        body=PART,
                    )
                )
                for number in (1, 2, 3)
            )
        )
        await client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(
                bucket=BUCKET,
                key="parts",
                upload_id=started.upload_id,
                complete_multipart_upload=oss.CompleteMultipartUpload(
                    parts=[
                        oss.UploadPart(part_number=number, etag=part.etag)
                        for number, part in enumerate(sent, 1)
                    ]
                ),
            )
        )
        got = await client.get_object(
            oss.GetObjectRequest(bucket=BUCKET, key="parts", range_header="bytes=0-9")
        )
        head = await got.body.read()
        missing = ""
        try:
            await client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key="none"))
        except oss.exceptions.OperationError as error:
            missing = error.unwrap().code
    return {"listed": len(listed), "head": head == PART[:10], "missing": missing}


async def calls() -> dict[str, Any]:
    config = Config(credential=Credentials(), region_id=REGION)
    regions, functions, me, role = await asyncio.gather(
        Client(config).describe_regions_async(ecs.DescribeRegionsRequest()),
        FcClient(config).list_functions_async(ListFunctionsRequest()),
        StsClient(config).get_caller_identity_async(),
        RamClient(config).get_role_async(
            GetRoleRequest(role_name="AliyunECSImageImportDefaultRole")
        ),
    )
    return {
        "regions": len(regions.body.regions.region),
        "functions": functions.body.functions,
        "me": me.body.identity_type,
        "role": role.body.role.role_name,
    }


async def main() -> None:
    storage_seen, calls_seen = await asyncio.gather(storage(), calls())
    print(json.dumps({"storage": storage_seen, "calls": calls_seen}))


asyncio.run(main())
