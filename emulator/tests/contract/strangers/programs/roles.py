"""RAM and STS with the official SDKs: a role, its policies, its credentials in use."""

import json
from collections.abc import Callable
from typing import Any

import alibabacloud_oss_v2 as oss
from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

REGION = "ap-southeast-5"
BUCKET = "strangers-roles"

keys = Credentials()
people = RamClient(Config(credential=keys, endpoint="ram.aliyuncs.com"))
sessions = StsClient(Config(credential=keys, endpoint=f"sts.{REGION}.aliyuncs.com"))


def code_of(do: Callable[[], Any]) -> str:
    try:
        do()
    except ClientException as error:
        return str(error.code)
    except oss.exceptions.OperationError as error:
        return str(error.unwrap().code)
    return ""


def document(**statement: Any) -> str:
    return json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", **statement}]})


def make_role() -> str:
    account = sessions.get_caller_identity().body.account_id
    trust = document(
        Action="sts:AssumeRole", Principal={"RAM": [f"acs:ram::{account}:root"]}
    )
    made = people.create_role(
        ram.CreateRoleRequest(role_name="reader", assume_role_policy_document=trust)
    ).body.role
    people.create_policy(
        ram.CreatePolicyRequest(
            policy_name="read-one-bucket",
            policy_document=document(
                Action=["oss:GetObject", "ecs:DescribeImages"], Resource="*"
            ),
        )
    )
    people.attach_policy_to_role(
        ram.AttachPolicyToRoleRequest(
            policy_type="Custom", policy_name="read-one-bucket", role_name="reader"
        )
    )
    return str(made.arn)


def storage(access_key_id: str, secret: str, token: str | None) -> oss.Client:
    config = oss.config.load_default()
    config.region = REGION
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(
        access_key_id, secret, token
    )
    return oss.Client(config)


def use(arn: str) -> dict[str, Any]:
    own = keys.get_credential()
    owner = storage(own.access_key_id, own.access_key_secret, None)
    owner.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
    owner.put_object(oss.PutObjectRequest(bucket=BUCKET, key="k", body=b"secret"))
    got = sessions.assume_role(
        sts.AssumeRoleRequest(
            role_arn=arn, role_session_name="one", duration_seconds=900
        )
    ).body.credentials
    reader = storage(got.access_key_id, got.access_key_secret, got.security_token)
    read = reader.get_object(oss.GetObjectRequest(bucket=BUCKET, key="k"))
    put = oss.PutObjectRequest(bucket=BUCKET, key="k", body=b"")
    # The credentials package assumes the role by itself, when it is first asked.
    assuming = Credentials(
        CredentialConfig(
            type="ram_role_arn",
            access_key_id=own.access_key_id,
            access_key_secret=own.access_key_secret,
            role_arn=arn,
            role_session_name="two",
        )
    )
    config = Config(credential=assuming, region_id=REGION)
    images = EcsClient(config)
    return {
        "read": read.body.content.decode(),
        "put": code_of(lambda: reader.put_object(put)),
        "who": StsClient(config).get_caller_identity().body.arn,
        "images": images.describe_images(
            ecs.DescribeImagesRequest(region_id=REGION)
        ).body.total_count,
        "delete": code_of(
            lambda: images.delete_image(
                ecs.DeleteImageRequest(region_id=REGION, image_id="m-none")
            )
        ),
    }


def take_apart() -> list[str]:
    delete_role = ram.DeleteRoleRequest(role_name="reader")
    early = code_of(lambda: people.delete_role(delete_role))
    people.detach_policy_from_role(
        ram.DetachPolicyFromRoleRequest(
            policy_type="Custom", policy_name="read-one-bucket", role_name="reader"
        )
    )
    people.delete_policy(ram.DeletePolicyRequest(policy_name="read-one-bucket"))
    people.delete_role(delete_role)
    return [early, code_of(lambda: people.delete_role(delete_role))]


arn = make_role()
print(json.dumps({"used": use(arn), "apart": take_apart()}))
