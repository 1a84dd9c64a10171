"""Configurations of buckets, kept as they come: one handler a method for all kinds."""

import json
from collections.abc import Awaitable, Callable
from xml.etree.ElementTree import Element, SubElement

from alicloud_emulator.services.oss import schemas, xml
from alicloud_emulator.services.oss.call import Call
from alicloud_emulator.services.wire import Response
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.settings import Setting

_Handler = Callable[[Call], Awaitable[Response]]


def handlers(setting: Setting) -> dict[str, _Handler]:
    """Return the handlers of one kind of configuration by HTTP method."""

    async def get(call: Call) -> Response:
        kept = call.world.oss.settings.get(call.visit, call.bucket, setting)
        if not setting.root:
            headers = {"Content-Type": "application/json"}
            return Response(headers=headers, body=kept.encode())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{kept}'.encode()
        return Response(headers={"Content-Type": "application/xml"}, body=body)

    async def put(call: Call) -> Response:
        body = await call.request.body.read(xml.BODY_BYTES_MAX)
        text = _checked(call, setting, body)
        call.world.oss.settings.put(call.visit, call.bucket, setting, text)
        return Response()

    async def delete(call: Call) -> Response:
        call.world.oss.settings.delete(call.visit, call.bucket, setting)
        return Response(status=204)

    table: dict[str, _Handler] = {"GET": get, "PUT": put}
    if setting.removable:
        table["DELETE"] = delete
    return table


def _checked(call: Call, setting: Setting, body: bytes) -> str:
    if not setting.root:
        return _json(body)
    element = xml.parse(body, setting.root)
    xml.lower_truth(element)
    schemas.check(setting.sub_resource, element)
    if setting.sub_resource == "lifecycle":
        _name_rules(call, element)
    schemas.complete(setting.sub_resource, element)
    return xml.written(element)


def _json(body: bytes) -> str:
    try:
        text = body.decode()
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refusal("InvalidArgument", "The policy is not JSON.") from error
    return text


def _name_rules(call: Call, element: Element) -> None:
    """Name lifecycle rules that have no id, as OSS does."""
    for rule in element.findall("Rule"):
        if not xml.text(rule, "ID"):
            for empty in rule.findall("ID"):
                rule.remove(empty)
            SubElement(rule, "ID").text = f"{call.world.rng.getrandbits(128):032x}"
