"""The OpenAPI client alone, without any product's SDK, signing in both its ways."""

import json
from typing import Any

from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

# Host, version, action, style, path.
CALLS = (
    ("ecs.aliyuncs.com", "2014-05-26", "DescribeRegions", "RPC", "/"),
    ("sts.aliyuncs.com", "2015-04-01", "GetCallerIdentity", "RPC", "/"),
    ("ram.aliyuncs.com", "2015-05-01", "ListRoles", "RPC", "/"),
    ("ecs.cn-hangzhou.aliyuncs.com", "2014-05-26", "NoSuchAction", "RPC", "/"),
    (
        "fcv3.cn-beijing.aliyuncs.com",
        "2023-03-30",
        "ListFunctions",
        "ROA",
        "/2023-03-30/functions",
    ),
)


def call(host: str, algorithm: str | None, params: Params) -> Any:
    config = Config(
        credential=Credentials(), endpoint=host, signature_algorithm=algorithm
    )
    query = {"RegionId": "cn-hangzhou"} if params.style == "RPC" else {}
    try:
        answer = Client(config).call_api(
            params, OpenApiRequest(query=query), RuntimeOptions()
        )
    except ClientException as error:
        return error.code
    return sorted(answer["body"])


seen: dict[str, list[Any]] = {}
for host, version, action, style, path in CALLS:
    is_rpc = style == "RPC"
    for algorithm in (None, "v2") if is_rpc else (None,):
        for method in ("GET", "POST") if is_rpc else ("GET",):
            params = Params(
                action=action,
                version=version,
                protocol="HTTPS",
                pathname=path,
                method=method,
                auth_type="AK",
                style=style,
                req_body_type="formData" if is_rpc else "json",
                body_type="json",
            )
            seen.setdefault(action, []).append(call(host, algorithm, params))
print(json.dumps(seen))
