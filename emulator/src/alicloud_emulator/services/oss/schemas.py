"""What OSS checks in the configurations of buckets, as far as SDKs' own tests go."""

import re
from collections.abc import Callable
from typing import NoReturn
from xml.etree.ElementTree import Element, SubElement

from alicloud_emulator.services.oss import xml
from alicloud_emulator.world.oss.refusals import refusal

_COLDNESS = ("IA", "Archive", "ColdArchive", "DeepColdArchive")
_TAG = re.compile(r"[\w +\-=._:/]*")
_RULES_MAX = 1000
_LOG_FIELDS_MAX = 6
_LOG_HEADER = re.compile("[!-9;-^`-~]+")  # ASCII without colon and underscore
_TLS_VERSIONS = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def check(sub_resource: str, root: Element) -> None:
    """Refuse a configuration that OSS would refuse.

    Raises:
        ServiceError: MalformedXML, InvalidArgument, InvalidRequest...
    """
    if checker := _CHECKERS.get(sub_resource):
        checker(root)


def _check_lifecycle(root: Element) -> None:
    rules = root.findall("Rule")
    if not 1 <= len(rules) <= _RULES_MAX:
        raise refusal("MalformedXML")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Element) -> None:
    if xml.text(rule, "Status") not in ("Enabled", "Disabled"):
        raise refusal("MalformedXML")
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
    if xml.text(root, "ResponseVary", "false") not in ("true", "false"):
        raise refusal("MalformedXML", ErrorDetail="ResponseVary")


def _check_log_fields(root: Element) -> None:
    """Check the fields of real-time logs.

    Source: PutUserDefinedLogFieldsConfig's reference, and that of its ECs; the codes
    are nowhere.
    """
    headers = [xml.text(one, ".") for one in root.findall("HeaderSet/header")]
    number = len(headers) + len(root.findall("ParamSet/parameter"))
    if not 1 <= number <= _LOG_FIELDS_MAX:
        refused = refusal("InvalidArgument", "There must be 1 to 6 log fields.")
        refused.ec = "0046-00000004" if number else "0046-00000003"
        raise refused
    for name in headers:
        if not _LOG_HEADER.fullmatch(name):
            _refuse_argument("header", name)


def _check_https(root: Element) -> None:
    tls = root.find("TLS")
    versions = [] if tls is None else tls.findall("TLSVersion")
    known = all(one.text in _TLS_VERSIONS for one in versions)
    needed = xml.text(root, "TLS/Enable") == "true"
    if not known or (needed and not versions):
        raise refusal("MalformedXML")


def _check_payer(root: Element) -> None:
    if xml.text(root, "Payer") not in ("BucketOwner", "Requester"):
        raise refusal("MalformedXML")


_CHECKERS: dict[str, Callable[[Element], None]] = {
    "lifecycle": _check_lifecycle,
    "httpsConfig": _check_https,
    "cors": _check_cors,
    "requestPayment": _check_payer,
    "userDefinedLogFieldsConfig": _check_log_fields,
}


def _refuse_argument(name: str, value: str) -> NoReturn:
    raise refusal("InvalidArgument", ArgumentName=name, ArgumentValue=value[:64])


def complete(sub_resource: str, root: Element) -> None:
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
    tls = root.find("TLS")
    if sub_resource == "httpsConfig" and tls is not None:
        seen: set[str | None] = set()
        for version in tls.findall("TLSVersion"):
            if version.text in seen:
                tls.remove(version)
            seen.add(version.text)


_USUAL = {
    "cors": {"ResponseVary": "false"},
    "referer": {"AllowTruncateQueryString": "true"},
}
