"""What OSS checks in the configurations of buckets, as far as SDKs' own tests go."""

import re
from collections.abc import Callable
from typing import NoReturn
from xml.etree.ElementTree import Element

from alicloud_emulator.services.oss import xml
from alicloud_emulator.world.oss.refusals import refusal

_COLDNESS = ("IA", "Archive", "ColdArchive", "DeepColdArchive")
_TAG = re.compile(r"[\w +\-=._:/]*")
_RULES_MAX = 1000


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
        _check_order(transitions, expiration)


def _check_order(transitions: list[Element], expiration: Element | None) -> None:
    """Demand that objects get colder with time, and expire last."""
    colder: list[tuple[int, int]] = []
    for transition in transitions:
        storage_class = xml.text(transition, "StorageClass")
        if storage_class not in _COLDNESS:
            _refuse_argument("StorageClass", storage_class)
        colder.append((_COLDNESS.index(storage_class), _days(transition)))
    days = [number for _, number in sorted(colder)]
    if expiration is not None:
        days.append(_days(expiration))
    if days != sorted(set(days)):
        _refuse_argument("Days", str(days[-1]))


def _days(step: Element) -> int:
    text = xml.text(step, "Days").strip()
    number = text.isascii() and text.isdigit() and len(text) < 10
    if not number or int(text) == 0:
        _refuse_argument("Days", text)
    return int(text)


def _check_encryption(root: Element) -> None:
    rule = "ApplyServerSideEncryptionByDefault"
    algorithm = xml.text(root, f"{rule}/SSEAlgorithm")
    if algorithm not in ("AES256", "KMS", "SM4"):
        raise refusal("InvalidEncryptionAlgorithmError")
    key_id = xml.text(root, f"{rule}/KMSMasterKeyID")
    if key_id and algorithm != "KMS":
        _refuse_argument("KMSMasterKeyID", key_id)


def _check_cors(root: Element) -> None:
    rules = root.findall("CORSRule")
    if not 1 <= len(rules) <= 20:
        raise refusal("MalformedXML")
    for rule in rules:
        age = xml.text(rule, "MaxAgeSeconds", "0").strip()
        if not age.isascii() or not age.isdigit() or len(age) > 9:
            _refuse_argument("MaxAgeSeconds", age)


def _check_versioning(root: Element) -> None:
    if xml.text(root, "Status") not in ("Enabled", "Suspended"):
        raise refusal("MalformedXML")


def _check_payer(root: Element) -> None:
    if xml.text(root, "Payer") not in ("BucketOwner", "Requester"):
        raise refusal("MalformedXML")


_CHECKERS: dict[str, Callable[[Element], None]] = {
    "lifecycle": _check_lifecycle,
    "encryption": _check_encryption,
    "cors": _check_cors,
    "versioning": _check_versioning,
    "requestPayment": _check_payer,
}


def _refuse_argument(name: str, value: str) -> NoReturn:
    raise refusal("InvalidArgument", ArgumentName=name, ArgumentValue=value[:64])
