"""Function Compute. Source: the FC 3.0 API reference, version 2023-03-30.

Captured answers show a request id for invocations and errors only. So an answer to
anything else counts without one if its document is about what was asked; and an
emptiness that says nothing is checked by one look.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ali_import.cloud import calls
from ali_import.cloud.sdk import endpoints
from ali_import.cloud.sdk.answers import GarbledAnswerError, required, rows, text
from ali_import.cloud.sdk.openapi import RawAnswer
from ali_import.cloud.sdk.services import Services, answers
from ali_import.cloud.sdk.translate import Place, translated
from ali_import.cloud.values import Function
from ali_import.errors import ApiError, CloudError
from ali_import.redaction import scrub, word

VERSION = "2023-03-30"
FUNCTIONS = f"/{VERSION}/functions"
PAGE_ROWS_MAX = 100
PAGES_MAX = 1000
INVOKE = "fc.InvokeFunction"


def _path(name: str) -> str:
    return f"{FUNCTIONS}/{quote(name, safe='')}"


@answers(calls.ListFunctions)
def list_functions(
    services: Services, call: calls.ListFunctions
) -> tuple[Function, ...]:
    """Return the functions whose name starts with the prefix, all pages."""
    query: dict[str, Any] = {"prefix": call.prefix, "limit": PAGE_ROWS_MAX}
    found: dict[str, Function] = {}
    for _page in range(PAGES_MAX):
        answer = services.openapi.roa(
            endpoints.fc(call.region),
            action="ListFunctions",
            version=VERSION,
            method="GET",
            path=FUNCTIONS,
            query=query,
        )
        body = answer.body
        if not (answer.counts or isinstance(body.get("functions"), list)):
            raise GarbledAnswerError("the answer lists no functions")
        for row in rows(body, "functions"):
            name = required(row, "functionName")
            # Whatever the cloud matched, nothing without our prefix is ours.
            if name.startswith(call.prefix):
                found[name] = Function(name=name, state=text(row, "state"))
        query["nextToken"] = text(body, "nextToken")
        if not query["nextToken"]:
            return tuple(found.values())
    raise GarbledAnswerError("the pages have no end")


@answers(calls.CreateFunction)
def create_function(services: Services, call: calls.CreateFunction) -> None:
    """Make a function from a zip that travels in the call."""
    body = {
        "functionName": call.name,
        "description": call.description,
        "runtime": call.runtime,
        "handler": call.handler,
        "code": {"zipFile": base64.b64encode(call.code_zip).decode("ascii")},
        "memorySize": call.memory_mib,
        "timeout": call.timeout_s,
        "internetAccess": True,
    }
    if call.role_arn:
        body["role"] = call.role_arn
    answer = services.openapi.roa(
        endpoints.fc(call.region),
        action="CreateFunction",
        version=VERSION,
        method="POST",
        path=FUNCTIONS,
        body=body,
    )
    _check_name(answer.body, call.name)


def _check_name(body: Mapping[str, Any], name: str) -> None:
    """Look whether a document is about the function, with or without a request id."""
    if required(body, "functionName") != name:
        raise GarbledAnswerError("the answer is about another function")


@answers(calls.GetFunction)
def get_function(services: Services, call: calls.GetFunction) -> Function:
    """Return a function's state."""
    answer = services.openapi.roa(
        endpoints.fc(call.region),
        action="GetFunction",
        version=VERSION,
        method="GET",
        path=_path(call.name),
    )
    _check_name(answer.body, call.name)
    return Function(
        name=call.name,
        state=text(answer.body, "state"),
        reason=scrub(text(answer.body, "stateReason")),
    )


@answers(calls.DeleteFunction)
def delete_function(services: Services, call: calls.DeleteFunction) -> None:
    """Delete a function; the answer is empty, so without an id it says nothing."""
    answer = services.openapi.roa(
        endpoints.fc(call.region),
        action="DeleteFunction",
        version=VERSION,
        method="DELETE",
        path=_path(call.name),
        answers_json=False,
    )
    if not answer.counts and not _is_gone(services, call):
        raise GarbledAnswerError(
            "the answer is not the cloud's, and the function stays"
        )


def _is_gone(services: Services, call: calls.DeleteFunction) -> bool:
    """Look once whether the function is gone; False if the cloud does not say so."""
    look = calls.GetFunction(region=call.region, name=call.name)
    try:
        with translated(Place.of(look)):
            get_function(services, look)
    except CloudError as error:
        return error.code == "FunctionNotFound"
    return False


def invoke(services: Services, *, region: str, name: str, payload: bytes) -> bytes:
    """Invoke a function and wait for what it returns.

    Raises:
        ApiError: The function itself failed: Function Compute answers HTTP 200 then,
            and names the kind of failure in a header. Or it refused to invoke it.
        TransportError: No usable answer of Function Compute.
    """
    host = endpoints.fc(region)
    # Translated here: the call around it is one of OSS, and not what failed.
    with translated(Place(region=region, operation=INVOKE, host=host)):
        answer = services.openapi.roa_bytes(
            host,
            action="InvokeFunction",
            version=VERSION,
            path=f"{_path(name)}/invocations",
            # No log tail: a log is the one place where a function could say too much.
            headers={"x-fc-invocation-type": "Sync", "x-fc-log-type": "None"},
            payload=payload,
            read_timeout_s=services.settings.invocation_timeout_s,
        )
    failure = answer.headers.get("x-fc-error-type")
    if failure:
        raise ApiError(
            _failure_message(answer),
            region=region,
            operation=INVOKE,
            code=word(str(failure)) or "FunctionFailed",
            http_status=200,
            request_id=word(str(answer.headers.get("x-fc-request-id", ""))),
        )
    return answer.body


def _failure_message(answer: RawAnswer) -> str:
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = {}
    message = told.get("errorMessage") if isinstance(told, dict) else ""
    return scrub(f"the relay function failed: {message or 'no reason given'}")
