"""Function Compute with the official SDK: a function is made, invoked and removed."""

import base64
import io
import json
import zipfile
from typing import Any

from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_fc20230330 import models as fc
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

REGION = "cn-shanghai"
HANDLER = """
import json
def handler(event, context):
    print("seen by", context.function.name)
    if event == b"fail":
        raise ValueError("as asked")
    return json.dumps({"upper": event.decode().upper(), "region": context.region})
"""
client = Client(Config(credential=Credentials(), region_id=REGION))


def package() -> str:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.py", HANDLER)
    return base64.b64encode(file.getvalue()).decode()


def make(name: str) -> None:
    client.create_function(
        fc.CreateFunctionRequest(
            body=fc.CreateFunctionInput(
                function_name=name,
                runtime="python3.10",
                handler="index.handler",
                memory_size=128,
                timeout=10,
                code=fc.InputCodeLocation(zip_file=package()),
            )
        )
    )


def invoke(name: str, event: bytes, kind: str = "Sync") -> Any:
    headers = fc.InvokeFunctionHeaders(
        x_fc_invocation_type=kind, x_fc_log_type="Tail" if kind == "Sync" else None
    )
    request = fc.InvokeFunctionRequest(body=io.BytesIO(event))
    return client.invoke_function_with_options(name, request, headers, RuntimeOptions())


for name in ("strangers-a", "strangers-b"):
    make(name)
answer = invoke("strangers-a", b"hello")
log = base64.b64decode(answer.headers["x-fc-log-result"]).decode()
failed = invoke("strangers-a", b"fail")
later = invoke("strangers-a", b"x", "Async")
client.update_function(
    "strangers-a",
    fc.UpdateFunctionRequest(body=fc.UpdateFunctionInput(description="changed")),
)
listed = client.list_functions(fc.ListFunctionsRequest(prefix="strangers-")).body
for name in ("strangers-a", "strangers-b"):
    client.delete_function(name)
try:
    client.get_function("strangers-a", fc.GetFunctionRequest())
    missing = ""
except ClientException as error:
    missing = error.code
print(
    json.dumps(
        {
            "answer": json.loads(answer.body.read()),
            "logged": "seen by strangers-a" in log,
            "failed": [
                failed.status_code,
                failed.headers.get("x-fc-error-type"),
                json.loads(failed.body.read())["errorType"],
            ],
            "later": later.status_code,
            "listed": [
                [one.function_name, one.description or ""] for one in listed.functions
            ],
            "missing": missing,
        }
    )
)
