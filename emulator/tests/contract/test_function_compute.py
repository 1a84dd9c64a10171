"""Function Compute through the official SDK and the proxy, functions really run."""

import io
import json
import os
import shutil
import zipfile
from base64 import b64decode, b64encode
from typing import Any

import pytest
from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.client import UnretryableException
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from emulator.tests.support.emulator import RunningEmulator

HANGZHOU = "cn-hangzhou"
ACCOUNT = "1234567890123456"

# Tries every URL of its event and tells what came of each.
PYTHON_FETCH = """
import json, urllib.error, urllib.request
def handler(event, context):
    seen = []
    for url in json.loads(event):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                seen.append(answer.status)
        except urllib.error.HTTPError as error:
            seen.append(error.code)
        except OSError:
            seen.append("unreachable")
    return seen
"""
NODE_FETCH = """
exports.handler = async (event, context) => {
  const seen = [];
  for (const url of JSON.parse(event)) {
    await fetch(url).then((r) => seen.push(r.status), () => seen.push('unreachable'));
  }
  return seen;
};
"""
ANSWERED = 403  # anonymous calls are refused, by an OSS that was reached
URLS = {
    "https://oss-cn-hangzhou-internal.aliyuncs.com/": ANSWERED,
    "http://oss-cn-hangzhou-internal.aliyuncs.com/": ANSWERED,
    "https://oss-cn-beijing.aliyuncs.com/": ANSWERED,
    "https://oss-cn-beijing-internal.aliyuncs.com/": "unreachable",
    "https://fcv3.cn-nanjing.aliyuncs.com/": "unreachable",
    "https://example.com/": "unreachable",
}


@pytest.fixture
def client(cloud: RunningEmulator) -> Client:
    return client_for(HANGZHOU)


def client_for(region: str, endpoint: str = "") -> Client:
    return Client(
        Config(
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            region_id=region,
            endpoint=endpoint or None,
        )
    )


def create(
    client: Client, name: str, code: str, *, file: str = "index.py", **given: Any
) -> models.Function:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(file, code)
    settings = {"runtime": "python3.10", "memory_size": 128, "timeout": 20, **given}
    request = models.CreateFunctionInput(
        function_name=name,
        handler="index.handler",
        code=models.InputCodeLocation(zip_file=b64encode(buffer.getvalue()).decode()),
        **settings,
    )
    return client.create_function(models.CreateFunctionRequest(body=request)).body


def invoke(
    client: Client, name: str, payload: bytes = b"", **headers: str
) -> tuple[bytes, dict[str, str]]:
    """Return the body and headers of an invocation's answer."""
    answer = client.invoke_function_with_options(
        name,
        models.InvokeFunctionRequest(body=payload),
        models.InvokeFunctionHeaders(**headers),
        RuntimeOptions(),
    )
    return answer.body.read(), answer.headers


def test_the_sdk_understands_a_functions_life(client: Client) -> None:
    made = create(client, "job", "def handler(e, c): return e", description="mine")
    assert made.state is None
    assert made.function_arn == f"acs:fc:{HANGZHOU}:{ACCOUNT}:functions/job"
    assert invoke(client, "job", b"\x00\xff")[0] == b"\x00\xff"
    shown = client.get_function("job", models.GetFunctionRequest()).body
    assert (shown.state, shown.memory_size, shown.description) == (
        None,
        128,
        "mine",
    )
    change = models.UpdateFunctionInput(timeout=9)
    updated = client.update_function("job", models.UpdateFunctionRequest(body=change))
    assert (updated.body.timeout, updated.body.memory_size) == (9, 128)
    with pytest.raises(ClientException) as caught:
        create(client, "job", "")
    assert (caught.value.code, caught.value.status_code) == (
        "FunctionAlreadyExists",
        409,
    )
    assert client.delete_function("job").status_code == 204
    with pytest.raises(ClientException) as caught:
        client.delete_function("job")
    assert (caught.value.code, caught.value.status_code) == ("FunctionNotFound", 404)


def test_the_sdk_pages_through_functions(client: Client) -> None:
    for n in range(3):
        create(client, f"run-{n}", "")
    create(client, "other", "")
    names, token = [], None
    while True:
        request = models.ListFunctionsRequest(prefix="run-", limit=2, next_token=token)
        page = client.list_functions(request).body
        names += [function.function_name for function in page.functions]
        token = page.next_token
        if not token:
            break
    assert names == ["run-0", "run-1", "run-2"]


def test_the_sdk_sees_logs_and_errors(client: Client) -> None:
    create(client, "job", "def handler(e, c):\n print('hello')\n raise KeyError(1)")
    body, headers = invoke(client, "job", x_fc_log_type="Tail")
    assert headers["x-fc-error-type"] == "UnhandledInvocationError"
    assert json.loads(body)["errorType"] == "KeyError"
    assert b"hello\n" in b64decode(headers["x-fc-log-result"])
    _, headers = invoke(client, "job", x_fc_invocation_type="Async")
    assert "x-fc-error-type" not in headers


def test_the_sdk_tags_functions(client: Client) -> None:
    arn = create(client, "job", "").function_arn
    tags = [models.Tag(key="a", value="1"), models.Tag(key="b", value="2")]
    put = models.TagResourcesInput(
        resource_id=[arn], resource_type="function", tag=tags
    )
    client.tag_resources(models.TagResourcesRequest(body=put))
    client.untag_resources(
        models.UntagResourcesRequest(
            resource_id=[arn], resource_type="function", tag_key=["a"]
        )
    )
    request = models.ListTagResourcesRequest(
        resource_id=[arn], resource_type="function"
    )
    (left,) = client.list_tag_resources(request).body.tag_resources
    assert (left.resource_id, left.tag_key, left.tag_value) == (arn, "b", "2")


def test_the_sdk_lists_regions_that_have_functions(client: Client) -> None:
    regions = client.describe_regions(models.DescribeRegionsRequest()).body.regions
    ids = {region.region_id for region in regions.region}
    assert HANGZHOU in ids
    assert "cn-heyuan" not in ids
    elsewhere = client_for("cn-heyuan", "fcv3.cn-heyuan.aliyuncs.com")
    with pytest.raises(UnretryableException):
        elsewhere.list_functions(models.ListFunctionsRequest())


def test_the_classic_host_serves_its_account(client: Client) -> None:
    mine = client_for(HANGZHOU, f"{ACCOUNT}.{HANGZHOU}.fc.aliyuncs.com")
    create(mine, "job", "def handler(e, c): return c.account_id")
    assert invoke(client, "job")[0].decode() == ACCOUNT
    other = client_for(HANGZHOU, f"2222222222222222.{HANGZHOU}.fc.aliyuncs.com")
    with pytest.raises(ClientException) as caught:
        other.list_functions(models.ListFunctionsRequest())
    assert caught.value.code == "AccessDenied"


def test_a_python_function_is_inside_its_region(client: Client) -> None:
    create(client, "job", PYTHON_FETCH)
    body, _ = invoke(client, "job", json.dumps(list(URLS)).encode())
    assert dict(zip(URLS, json.loads(body), strict=True)) == URLS


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js (node)")
def test_a_node_function_is_inside_its_region(client: Client) -> None:
    create(
        client, "job", NODE_FETCH, file="index.js", runtime="nodejs20", memory_size=256
    )
    body, _ = invoke(client, "job", json.dumps(list(URLS)).encode())
    assert dict(zip(URLS, json.loads(body), strict=True)) == URLS


def test_a_function_that_is_killed_says_so(
    client: Client, cloud: RunningEmulator
) -> None:
    create(client, "job", "def handler(e, c): return 'ok'")
    cloud.post("/faults", {"do": "kill", "service": "fc", "times": 1})
    body, headers = invoke(client, "job")
    assert headers["x-fc-error-type"] == "UnhandledInvocationError"
    assert "Process exited unexpectedly" in json.loads(body)["errorMessage"]
    assert invoke(client, "job")[0] == b"ok"


def test_functions_are_in_the_state_document(
    client: Client, cloud: RunningEmulator
) -> None:
    create(client, "job", "", timeout=60)
    (shown,) = cloud.get("/state")["regions"][HANGZHOU]["functions"]
    assert (shown["name"], shown["timeout_s"]) == ("job", 60)
