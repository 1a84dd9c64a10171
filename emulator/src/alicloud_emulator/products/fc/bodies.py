"""Function Compute's JSON: what requests say, what answers show.

Names as in the models of the official SDK (fc 2023-03-30): camelCase, but for tags and
DescribeRegions.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from alicloud_emulator.products.fc.declared import accepted, body
from alicloud_emulator.world.fc.rules import cpu_of, invalid
from alicloud_emulator.world.fc.values import CodeSource, Function, Settings, State
from alicloud_emulator.world.profile import Region


class _Setting(NamedTuple):
    """A setting's name on the wire, its field of Settings, and its type.

    Attributes:
        idle: Why it changes nothing but what is shown; "" for the others.
    """

    name: str
    field: str
    kind: type
    idle: str = ""


_FIELDS = (
    _Setting("runtime", "runtime", str),
    _Setting("handler", "handler", str),
    _Setting("memorySize", "memory_mib", int),
    _Setting("cpu", "cpu", float, "checked; functions run as fast as they can"),
    _Setting("diskSize", "disk_mib", int, "checked; nothing bounds the disk"),
    _Setting("timeout", "timeout_s", int),
    _Setting(
        "instanceConcurrency",
        "concurrency",
        int,
        "checked; an instance does one invocation at a time",
    ),
    _Setting("role", "role", str),
    _Setting("description", "description", str),
    _Setting("environmentVariables", "environment", dict),
    _Setting("internetAccess", "internet", bool, "the emulated cloud is all there is"),
    _Setting("disableInjectCredentials", "inject", str),
)

# Kept and shown again, without any effect in the emulator.
_EXTRAS: Mapping[str, type] = {
    "customContainerConfig": dict,
    "customDNS": dict,
    "customRuntimeConfig": dict,
    "disableOndemand": bool,
    "enableLongLiving": bool,
    "gpuConfig": dict,
    "idleTimeout": int,
    "instanceIsolationMode": str,
    "instanceLifecycleConfig": dict,
    "juiceFsConfig": dict,
    "layers": list,
    "logConfig": dict,
    "microSandboxConfig": dict,
    "nasConfig": dict,
    "ossMountConfig": dict,
    "polarFsConfig": dict,
    "resourceGroupId": str,
    "sessionAffinity": str,
    "sessionAffinityConfig": str,
    "tracingConfig": dict,
    "vpcConfig": dict,
}

SETTINGS_FIELDS = (
    *(
        accepted(body(one.name), one.idle) if one.idle else body(one.name)
        for one in _FIELDS
    ),
    *(accepted(body(name), "kept") for name in _EXTRAS),
)
CODE_FIELDS = (
    body("code.zipFile", "50 MiB at most"),
    body("code.ossBucketName", "a bucket of the region"),
    body("code.ossObjectName"),
    body("code.checksum", "CRC-64, in decimal"),
)


def parse_object(data: bytes) -> dict[str, Any]:
    """Return a request's JSON object; members that are null count as not given.

    Raises:
        ServiceError: InvalidArgument; it is none.
    """
    try:
        document = json.loads(data or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise invalid("the request body is not valid JSON") from error
    if not isinstance(document, dict):
        raise invalid("the request body is not a JSON object")
    if rb"\ud" in data.lower() and not _is_text(document):
        raise invalid("the request body has half of a surrogate pair")
    return {key: value for key, value in document.items() if value is not None}


def parse_settings(document: Mapping[str, Any]) -> Settings:
    """Return the settings of a function to be made.

    Raises:
        ServiceError: InvalidArgument; something is missing or of a wrong type.
    """
    for required in ("runtime", "handler"):
        if required not in document:
            raise invalid(f"{required.capitalize()} is required but not provided")
    return Settings(**parse_changes(document))


def parse_changes(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of Settings that a request sets.

    Raises:
        ServiceError: InvalidArgument; something is of a wrong type.
    """
    changes = {
        field: _typed(document, name, kind)
        for name, field, kind, _ in _FIELDS
        if name in document
    }
    extras = {
        name: _typed(document, name, kind)
        for name, kind in _EXTRAS.items()
        if name in document
    }
    if extras:
        changes["extras"] = extras
    parse_list(extras.get("layers"), "layers")
    for key, value in changes.get("environment", {}).items():
        if not isinstance(value, str):
            raise invalid(f"environmentVariables: the value of {key!r} is no string")
    return changes


def parse_code(document: Mapping[str, Any]) -> CodeSource | None:
    """Return where the request says the code is, or None if it says nothing."""
    if "code" not in document:
        return None
    code = _typed(document, "code", dict)
    try:
        zip_bytes = base64.b64decode(_text(code, "zipFile"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("code.zipFile is not valid Base64") from error
    return CodeSource(
        zip_bytes=zip_bytes,
        bucket=_text(code, "ossBucketName"),
        key=_text(code, "ossObjectName"),
        checksum=_text(code, "checksum"),
    )


def parse_tags(value: object) -> dict[str, str]:
    """Return tags of a list of ``{"Key", "Value"}``, in either letter case."""
    return {key: val or "" for key, val in parse_tag_filter(value).items()}


def parse_tag_filter(value: object) -> dict[str, str | None]:
    """Return keys, and values where given, of a list of ``{"Key", "Value"}``."""
    if value is None:
        return {}
    if not isinstance(value, list):
        raise invalid("tags must be a list")
    tags: dict[str, str | None] = {}
    for entry in value:
        if not isinstance(entry, dict):
            raise invalid("a tag must be an object")
        lower = {str(key).lower(): val for key, val in entry.items()}
        key, val = lower.get("key"), lower.get("value")
        if not isinstance(key, str) or not isinstance(val, str | None):
            raise invalid("a tag's key and value must be strings")
        tags[key] = val
    return tags


def parse_list(value: object, name: str) -> list[str]:
    """Return a list of strings, which may come as JSON text."""
    found = parse_json(value, name) if isinstance(value, str) else value
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(x, str) for x in found):
        raise invalid(f"{name} must be a list of strings")
    return found


def parse_json(text: str, name: str) -> object:
    """Return the value of a query parameter that is JSON; None if it is empty."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise invalid(f"{name} is not valid JSON") from error


def listed_body(function: Function) -> dict[str, Any]:
    """Return a function as ListFunctions shows it: without its state (documented)."""
    settings = function.settings
    shown: dict[str, Any] = {
        "functionName": function.name,
        "functionId": function.id,
        "functionArn": function.arn,
        **{name: getattr(settings, field) for name, field, *_ in _FIELDS},
        **settings.extras,
        "cpu": cpu_of(settings),
        "environmentVariables": dict(settings.environment),
        "codeSize": len(function.code),
        "codeChecksum": str(function.code_crc64),
        "createdTime": _time(function.created_at),
        "lastModifiedTime": _time(function.modified_at),
        "tags": [{"Key": k, "Value": v} for k, v in sorted(function.tags.items())],
    }
    if "layers" in shown:
        shown["layers"] = [{"arn": arn} for arn in shown["layers"]]
    return shown


def function_body(function: Function, state: State | None) -> dict[str, Any]:
    """Return a function as JSON shows it, with the state that is told of it, if any."""
    shown = listed_body(function)
    if state is not None:
        shown["state"] = state.value
    shown["lastUpdateStatus"] = function.update_status.value
    if state is State.PENDING:
        shown["stateReason"] = "The function is being created."
        shown["stateReasonCode"] = "Creating"
    return shown


def regions_body(regions: Sequence[Region]) -> dict[str, Any]:
    """Return DescribeRegions's body, whose names begin with capitals."""
    return {
        "Regions": {
            "Region": [{"RegionId": r.id, "LocalName": r.name or r.id} for r in regions]
        }
    }


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python takes although they are no JSON."""
    raise ValueError(name)


def _is_text(document: object) -> bool:
    """Whether every string in a document can be written as UTF-8."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _typed(document: Mapping[str, Any], name: str, kind: type) -> Any:
    value = document[name]
    if kind is float and type(value) is int and abs(value) < 1_000_000:
        return float(value)
    if type(value) is not kind:  # a bool is no int here
        raise invalid(f"{name} must be of type {kind.__name__}")
    return value


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str | None):
        raise invalid(f"{name} must be a string")
    return value or ""


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
