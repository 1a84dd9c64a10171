"""Function Compute: what is sent equals what the product SDK sends; answers."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.sdk import fc
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.values import Function
from ali_import.errors import ApiError
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_json

REGION = "eu-west-1"
CREATE = calls.CreateFunction(
    region=REGION,
    name="ali-import-f",
    description="d",
    runtime="python3.10",
    handler="handler.handler",
    code_zip=b"PK\x05\x06" + bytes(18),
    memory_mib=256,
    timeout_s=120,
    role_arn="acs:ram::1:role/x",
)


def product_client(far: FarSide) -> Any:
    from alibabacloud_fc20230330.client import Client
    from alibabacloud_tea_openapi.utils_models import Config

    return Client(
        Config(
            credential=static_credentials(),
            region_id=REGION,
            protocol="HTTPS",
            https_proxy=far.proxy,
            ca=str(far.ca_path),
        )
    )


def official_create(client: Any) -> None:
    from alibabacloud_fc20230330 import models

    client.create_function(
        models.CreateFunctionRequest(
            body=models.CreateFunctionInput(
                function_name=CREATE.name,
                description=CREATE.description,
                runtime=CREATE.runtime,
                handler=CREATE.handler,
                code=models.InputCodeLocation(zip_file="UEsFBg" + "A" * 24 + "=="),
                memory_size=256,
                timeout=120,
                internet_access=True,
                role=CREATE.role_arn,
            )
        )
    )


def official_invoke(client: Any) -> None:
    from alibabacloud_fc20230330 import models
    from darabonba.runtime import RuntimeOptions

    client.invoke_function_with_options(
        "f",
        models.InvokeFunctionRequest(body=b"payload"),
        models.InvokeFunctionHeaders(x_fc_invocation_type="Sync", x_fc_log_type="None"),
        RuntimeOptions(),
    )


def official_list(client: Any) -> None:
    from alibabacloud_fc20230330 import models

    client.list_functions(models.ListFunctionsRequest(prefix="ali", limit=100))


def ours(request: calls.Call[Any]) -> Callable[[SdkCloud], Any]:
    return lambda cloud: anyio.run(cloud.call, request)


def our_invoke(cloud: SdkCloud) -> bytes:
    return fc.invoke(
        cloud._made_services(), region=REGION, name="f", payload=b"payload"
    )


@pytest.mark.parametrize(
    ("we_send", "they_send"),
    [
        (ours(CREATE), official_create),
        (
            ours(calls.GetFunction(region=REGION, name="f")),
            lambda c: c.get_function("f", _get()),
        ),
        (
            ours(calls.DeleteFunction(region=REGION, name="f")),
            lambda c: c.delete_function("f"),
        ),
        (ours(calls.ListFunctions(region=REGION, prefix="ali")), official_list),
        (our_invoke, official_invoke),
    ],
    ids=["Create", "Get", "Delete", "List", "Invoke"],
)
def test_what_is_sent_is_what_the_product_sdk_sends(
    far: FarSide,
    cloud: SdkCloud,
    we_send: Callable[[SdkCloud], Any],
    they_send: Callable[[Any], Any],
) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.method == "DELETE":
            return Reply(status=204)
        name = "f" if seen.method == "GET" else CREATE.name
        return as_json(json.dumps({"functionName": name, "functions": []}))

    far.answer = answer
    we_send(cloud)
    they_send(product_client(far))
    first, second = far.seen
    for name in ("authorization", "x-acs-date", "x-acs-signature-nonce"):
        assert name in first.headers
    assert _compared(first) == _compared(second)


def _get() -> Any:
    from alibabacloud_fc20230330 import models

    return models.GetFunctionRequest()


def _compared(seen: Seen) -> tuple[Any, ...]:
    headers = dict(seen.headers)
    for name in ("authorization", "x-acs-date", "x-acs-signature-nonce"):
        headers.pop(name)
    # The digest is of the body, which is compared below as what it means.
    headers.pop("x-acs-content-sha256")
    headers.pop("content-length", None)
    body: Any = seen.body
    if headers.get("content-type", "").startswith("application/json"):
        body = {key: value for key, value in json.loads(seen.body).items() if value}
    return seen.method, seen.host, seen.path, seen.query, headers, body


def test_functions_of_all_pages_are_listed(far: FarSide, cloud: SdkCloud) -> None:
    pages = {
        "": {"functions": [{"functionName": "ali-1"}], "nextToken": "t"},
        "t": {"functions": [{"functionName": "ali-2"}, {"functionName": "other"}]},
    }
    far.answer = lambda seen: as_json(
        json.dumps(pages[seen.query.get("nextToken", "")])
    )
    found = anyio.run(cloud.call, calls.ListFunctions(region=REGION, prefix="ali-"))
    assert found == (Function(name="ali-1"), Function(name="ali-2"))


def test_a_functions_state_is_read(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: as_json(
        '{"functionName":"f","state":"Pending","stateReason":"creating"}'
    )
    found = anyio.run(cloud.call, calls.GetFunction(region=REGION, name="f"))
    assert found == Function(name="f", state="Pending", reason="creating")


def test_a_deleted_function_answers_with_nothing(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: Reply(status=204)
    anyio.run(cloud.call, calls.DeleteFunction(region=REGION, name="f/../g"))
    assert far.seen[0].path == "/2023-03-30/functions/f%2F..%2Fg"


def test_what_a_function_returns_comes_back_as_it_is(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: Reply(body=b"\x00\xffnot json")
    assert our_invoke(cloud) == b"\x00\xffnot json"


def test_a_function_that_failed_is_an_error_though_http_says_200(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json(
        '{"errorMessage":"see https://h/k?sig=1","errorType":"MemoryError"}',
        X_Fc_Error_Type="FunctionOOMError",
        X_Fc_Request_Id="1-2-3",
    )
    with pytest.raises(ApiError) as caught:
        our_invoke(cloud)
    error = caught.value
    assert (error.operation, error.code) == ("fc.InvokeFunction", "FunctionOOMError")
    assert (error.http_status, error.request_id) == (200, "1-2-3")
    assert "sig=1" not in error.message
