"""Configurations of buckets, kept as they come: handlers and checks for all kinds."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from textwrap import indent
from typing import NoReturn
from xml.etree.ElementTree import Element, SubElement

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.oss.encryption import EncryptionWish
from alicloud_emulator.world.oss.refusals import invalid_policy, refusal
from alicloud_emulator.world.oss.settings import Setting
from alicloud_emulator.world.policy import PolicyError, check_document

_Handler = Callable[[Call], Awaitable[Response]]


def operations(setting: Setting) -> Iterator[tuple[str, str, str, _Handler]]:
    """Yield the operations on one kind of configuration.

    Each is an HTTP method, a sub-resource, the action's name and what carries it out.
    """

    def which(call: Call) -> str:
        return call.param(setting.many.key) if setting.many else ""

    async def get(call: Call) -> Response:
        kept = call.world.oss.settings.get(
            call.visit, call.bucket, setting, which(call)
        )
        return _answer(kept, setting)

    async def get_all(call: Call) -> Response:
        after = call.param("continuation-token")
        found, following = call.world.oss.settings.page(
            call.visit, call.bucket, setting, after
        )
        nodes: list[xml.Node] = [
            ("IsTruncated", bool(following)),
            ("ContinuationToken", after or None),
            ("NextContinuationToken", following or None),
        ]
        root = f"List{setting.name}ConfigurationsResult"
        lines = [*found, *(xml.fragment([node]) for node in nodes)]
        inner = indent("\n".join(filter(None, lines)), "  ")
        return _answer(f"<{root}>\n{inner}\n</{root}>", setting)

    async def put(call: Call) -> Response:
        text = await _checked(call, setting, which(call))
        call.world.oss.settings.put(call.visit, call.bucket, setting, text, which(call))
        return Response()

    async def delete(call: Call) -> Response:
        call.world.oss.settings.delete(call.visit, call.bucket, setting, which(call))
        return Response(status=204)

    name = setting.many.key if setting.many else setting.sub_resource
    yield "GET", name, setting.action("Get"), get
    yield "PUT", name, setting.action("Put"), put
    if setting.removable:
        yield "DELETE", name, setting.action("Delete"), delete
    if setting.many:
        yield "GET", setting.sub_resource, setting.action("List"), get_all


def _answer(text: str, setting: Setting) -> Response:
    if not setting.root:
        headers = {"Content-Type": "application/json"}
        return Response(headers=headers, body=text.encode())
    headers = {"Content-Type": "application/xml"}
    return Response(headers=headers, body=xml.told(text))


async def _checked(call: Call, setting: Setting, which: str) -> str:
    """Return the body as it is kept.

    Raises:
        ServiceError: MalformedXML, InvalidArgument, InvalidPolicyDocument...
    """
    if not setting.root:
        return _policy(await call.request.body.read(xml.BODY_BYTES_MAX))
    root = await call.xml(setting.root)
    xml.lower_truth(root)
    for path, allowed in _CHOICES.get(setting.sub_resource, {}).items():
        _check_choice(root, path, allowed)
    if check := _CHECKS.get(setting.sub_resource):
        check(root)
    if setting.many and (not which or xml.text(root, "Id") != which):
        call.bad_argument(setting.many.key, which)
    if setting.sub_resource == "lifecycle":
        _name_rules(call, root)
    _complete(setting.sub_resource, root)
    return xml.written(root)


def _policy(body: bytes) -> str:
    """Return a policy if it is one, by the rules that RAM has for its own.

    Source: https://help.aliyun.com/zh/oss/user-guide/0030-00000002, and up to -00000005;
    the messages are guesses.
    """
    try:
        text = body.decode()
        document = json.loads(text)
    except UnicodeDecodeError as error:
        raise invalid_policy("not UTF-8", ec="0030-00000004") from error
    except (ValueError, RecursionError) as error:
        raise invalid_policy("not JSON") from error
    if not isinstance(document, dict):
        raise invalid_policy("not an object")
    try:
        check_document(document)
    except PolicyError as error:
        is_version = isinstance(document.get("Version"), str) and (
            document["Version"] != "1"
        )
        ec = "0030-00000002" if is_version else None
        raise invalid_policy(str(error), ec=ec) from error
    return text


def _name_rules(call: Call, root: Element) -> None:
    """Name lifecycle rules that have no id, as OSS does."""
    for rule in root.findall("Rule"):
        if not xml.text(rule, "ID"):
            for empty in rule.findall("ID"):
                rule.remove(empty)
            SubElement(rule, "ID").text = f"{call.world.rng.getrandbits(128):032x}"


_TRUTH = ("true", "false")
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "cors": {"ResponseVary": ("", *_TRUTH)},
    "lifecycle": {"Rule/Status": ("Enabled", "Disabled")},
    "requestPayment": {"Payer": ("BucketOwner", "Requester")},
}
"""What elements may say, by sub-resource; "" among it for an element that may be absent.

What is not here and has no check below is kept whatever it says. All of it goes as far
as the SDKs' own tests do.
"""


def _check_choice(root: Element, path: str, allowed: tuple[str, ...]) -> None:
    above, _, name = path.rpartition("/")
    for element in root.findall(above) if above else [root]:
        if xml.text(element, name) not in allowed:
            raise refusal("MalformedXML", ErrorDetail=name)


_COLDNESS = ("IA", "Archive", "ColdArchive", "DeepColdArchive")
_TAG = re.compile(r"[\w +\-=._:/]*")
_RULES_MAX = 1000


def _check_lifecycle(root: Element) -> None:
    rules = root.findall("Rule")
    if not 1 <= len(rules) <= _RULES_MAX:
        raise refusal("MalformedXML")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Element) -> None:
    if len(xml.text(rule, "ID")) > 255:
        _refuse_argument("ID", xml.text(rule, "ID"))
    for tag in rule.findall("Tag"):
        for name in ("Key", "Value"):
            if not _TAG.fullmatch(xml.text(tag, name)):
                _refuse_argument(name, xml.text(tag, name))
    transitions = rule.findall("Transition")
    expiration = rule.find("Expiration")
    steps = [*transitions, *([] if expiration is None else [expiration])]
    days = [step.find("Days") is not None for step in steps]
    if any(days) and not all(days):
        raise refusal("InvalidRequest", "Days and CreatedBeforeDate are mixed.")
    if all(days):
        _check_order(transitions, "Days", expiration)
    _check_order(rule.findall("NoncurrentVersionTransition"), "NoncurrentDays")


def _check_order(
    transitions: list[Element], name: str, expiration: Element | None = None
) -> None:
    """Demand that objects get colder with time, and expire last."""
    colder: list[tuple[int, int]] = []
    for transition in transitions:
        storage_class = xml.text(transition, "StorageClass")
        if storage_class not in _COLDNESS:
            _refuse_argument("StorageClass", storage_class)
        colder.append((_COLDNESS.index(storage_class), _days(transition, name)))
    days = [number for _, number in sorted(colder)]
    if expiration is not None:
        days.append(_days(expiration, name))
    if days != sorted(set(days)):
        _refuse_argument(name, str(days[-1]))


def _days(step: Element, name: str) -> int:
    text = xml.text(step, name).strip()
    number = text.isascii() and text.isdigit() and len(text) < 10
    if not number or int(text) == 0:
        _refuse_argument(name, text)
    return int(text)


_CORS_RULES_MAX = 20


def _check_cors(root: Element) -> None:
    rules = root.findall("CORSRule")
    if not rules:
        raise refusal("MalformedXML")
    if len(rules) > _CORS_RULES_MAX:
        raise refusal("CORSRuleBeyondLimit")
    for rule in rules:
        age = xml.text(rule, "MaxAgeSeconds", "0").strip()
        if not age.isascii() or not age.isdigit() or len(age) > 9:
            _refuse_argument("MaxAgeSeconds", age)


_LOG_FIELDS_MAX = 6
_LOG_HEADER = re.compile("[!-9;-^`-~]+")  # ASCII without colon and underscore


def _check_log_fields(root: Element) -> None:
    """Check the fields of real-time logs.

    Source: PutUserDefinedLogFieldsConfig's reference, and that of its ECs; the codes
    are nowhere.
    """
    headers = root.findall("HeaderSet/header")
    number = len(headers) + len(root.findall("ParamSet/parameter"))
    if not 1 <= number <= _LOG_FIELDS_MAX:
        refused = refusal("InvalidArgument", "There must be 1 to 6 log fields.")
        refused.ec = "0046-00000004" if number else "0046-00000003"
        raise refused
    for header in headers:
        if not _LOG_HEADER.fullmatch(xml.text(header, ".")):
            _refuse_argument("header", xml.text(header, "."))


_TLS_VERSIONS = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def _check_https(root: Element) -> None:
    versions = root.findall("TLS/TLSVersion")
    known = all(xml.text(one, ".") in _TLS_VERSIONS for one in versions)
    needed = xml.text(root, "TLS/Enable") == "true"
    if not known or (needed and not versions):
        raise refusal("MalformedXML")


def _check_encryption(root: Element) -> None:
    rule = "ApplyServerSideEncryptionByDefault"
    EncryptionWish(
        # An empty algorithm is a wrong one here, where no element may be missing.
        algorithm=xml.text(root, f"{rule}/SSEAlgorithm") or "none",
        data=xml.text(root, f"{rule}/KMSDataEncryption"),
        key_id=xml.text(root, f"{rule}/KMSMasterKeyID"),
    ).settled()


_CAPACITY = re.compile("-1|[0-9]{1,15}")


def _check_capacity(root: Element) -> None:
    text = xml.text(root, "StorageCapacity")
    if not _CAPACITY.fullmatch(text):
        _refuse_argument("StorageCapacity", text)


# What a configuration must say. [PutBucketInventory reference]
_INVENTORY = ("Id", "IsEnabled", "Destination", "Schedule", "IncludedObjectVersions")


def _check_inventory(root: Element) -> None:
    if any(root.find(name) is None for name in _INVENTORY):
        raise refusal("MalformedXML")


_CHECKS: dict[str, Callable[[Element], None]] = {
    "cors": _check_cors,
    "encryption": _check_encryption,
    "httpsConfig": _check_https,
    "inventory": _check_inventory,
    "lifecycle": _check_lifecycle,
    "qos": _check_capacity,
    "userDefinedLogFieldsConfig": _check_log_fields,
}


def _refuse_argument(name: str, value: str) -> NoReturn:
    raise refusal("InvalidArgument", ArgumentName=name, ArgumentValue=value[:64])


_USUAL = {
    "cors": {"ResponseVary": "false"},
    "referer": {"AllowTruncateQueryString": "true"},
}


def _complete(sub_resource: str, root: Element) -> None:
    """Add what OSS gives back though nobody wrote it, and drop what it keeps once."""
    for name, value in _USUAL.get(sub_resource, {}).items():
        if root.find(name) is None:
            SubElement(root, name).text = value
    for allowed in root.iter("AllowedHeader"):
        allowed.text = (allowed.text or "").lower()
    for redirect in root.iter("Redirect"):
        # Of a mirror, MirrorPassQueryString is the one that counts, and both tell it.
        if (wanted := xml.text(redirect, "MirrorPassQueryString")) == "":
            continue
        passes = redirect.find("PassQueryString")
        if passes is None:
            passes = SubElement(redirect, "PassQueryString")
        passes.text = wanted
    for rule in root.iter("ApplyServerSideEncryptionByDefault"):
        # It is KMS that can be told how: of others' rules, oss2's tests want it gone.
        how = rule.find("KMSDataEncryption")
        if how is not None and xml.text(rule, "SSEAlgorithm") != "KMS":
            rule.remove(how)
    for tls in root.iter("TLS"):
        seen: set[str | None] = set()
        for version in tls.findall("TLSVersion"):
            if version.text in seen:
                tls.remove(version)
            seen.add(version.text)
    classes = root.find("Filter/StorageClass")
    if sub_resource == "inventory" and classes is not None:
        # Given back in order, as the older SDK's tests have it.
        classes.text = ",".join(sorted((classes.text or "").split(",")))
