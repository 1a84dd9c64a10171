"""Fault rules as people write them: JSON for POST /faults, TOML for --faults."""

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.world.faults import ABOUT_HOSTS, Do, Fault, InForce, Rule
from alicloud_emulator.world.profile import Profile

RULES_MAX = 1000
_TEXT_MAX = 1024
_WILDCARDS = frozenset("*?[")
_UNKNOWN = "Unknown"
"""What a call is that asks for no action that there is."""


class RuleError(ValueError):
    """A rule says something impossible; the text says which key."""


def parse(table: object) -> Rule:
    """Return the rule a table describes.

    Keys: ``do`` (required); ``service``, ``action``, ``region``, ``resource``
    (wildcards ``*`` and ``?``); ``first``, ``times``, ``rate``, ``lasts_s``; ``code``,
    ``status``, ``message``, ``delay_s``, ``retry_after_ms``, ``bytes_per_s``,
    ``skew_s``.

    Raises:
        RuleError: A key is unknown or its value impossible.
    """
    if not isinstance(table, Mapping):
        raise RuleError("a rule is an object with at least the key 'do'")
    if unknown := sorted(set(map(str, table)) - {"do", *_KEYS}):
        known = ", ".join(("do", *_KEYS))
        raise RuleError(f"unknown key {unknown[0]!r}: the keys are {known}")
    try:
        do = Do(table.get("do", ""))
    except ValueError as error:
        raise RuleError(f"'do' is one of {', '.join(Do)}") from error
    values = {
        key: _KEYS[key](key, value) for key, value in table.items() if key != "do"
    }
    if do not in _PAGES and values.get("status", 400) < 400:
        raise RuleError("'status' of a refusal is a whole number from 400 to 599")
    if do in ABOUT_HOSTS and (told := {"action", "resource"} & set(values)):
        raise RuleError(f"{do!s} is about hosts: it has no {min(told)!r}")
    about_fault = {key: values.pop(key) for key in _FAULT_KEYS if key in values}
    return Rule(fault=Fault(do=do, **about_fault), **values)


def parse_all(document: object) -> list[Rule]:
    """Return the rules of a JSON body: one rule, a list, or ``{"faults": [...]}``.

    Raises:
        RuleError: One of them is impossible.
    """
    tables: object = document
    if isinstance(document, Mapping) and set(document) == {"faults"}:
        tables = document["faults"]
    if not isinstance(tables, list):
        tables = [tables]
    assert isinstance(tables, list)
    if len(tables) > RULES_MAX:
        raise RuleError(f"at most {RULES_MAX} rules at once")
    return [parse(table) for table in tables]


def check(found: Iterable[Rule], profile: Profile) -> None:
    """Refuse rules that no call of a cloud can match: nobody would hear of it.

    Raises:
        RuleError: There is no such service, region or action.
    """
    for rule in found:
        _check(rule, profile)


def _check(rule: Rule, profile: Profile) -> None:
    products = [one for one in PRODUCTS if fnmatchcase(one.name, rule.service)]
    if not products:
        known = ", ".join(product.name for product in PRODUCTS)
        raise RuleError(f"no service matches {rule.service!r}: there are {known}")
    regions = [region.id for region in profile.regions]
    # Calls to central hosts are about no region.
    if not any(fnmatchcase(region, rule.region) for region in ("", *regions)):
        near = _near(rule.region, regions)
        raise RuleError(f"no region of the profile matches {rule.region!r}{near}")
    if _WILDCARDS & set(rule.action):
        return
    actions = {_UNKNOWN}.union(*(product.action_names for product in products))
    if rule.action not in actions:
        where = "no service has an"
        if rule.service != "*":
            where = f"{rule.service!r} has no"
        near = _near(rule.action, sorted(actions))
        raise RuleError(f"{where} action {rule.action!r}{near}")


def _near(text: str, known: Sequence[str]) -> str:
    """Return a question after what was meant, or "" if nothing is like it."""
    near = get_close_matches(text[:_TEXT_MAX], known, n=1)
    return f": is {near[0]!r} meant?" if near else ""


def load(file: Path) -> list[Rule]:
    """Read rules from a TOML file of ``[[faults]]`` tables.

    Raises:
        RuleError: It cannot be read, or a rule is impossible.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RuleError(f"{file}: {error.strerror}") from error
    except RecursionError:
        raise RuleError(f"{file}: nested too deep") from None
    except ValueError as error:
        raise RuleError(f"{file}: {error}") from error
    if set(document) != {"faults"} or not isinstance(document["faults"], list):
        raise RuleError(f"{file}: write rules as [[faults]] tables and nothing else")
    try:
        return parse_all(document)
    except RuleError as error:
        raise RuleError(f"{file}: {error}") from error


def document(rule_id: int, one: InForce, now: float) -> dict[str, Any]:
    """Return a rule in force as GET /faults shows it; ``now`` is Unix time."""
    values = asdict(one.rule)
    fault = values.pop("fault")
    left_s = None if one.until == math.inf else round(max(0.0, one.until - now), 1)
    return {
        "id": rule_id,
        **fault,
        "do": str(one.rule.fault.do),
        **values,
        "seen": one.seen,
        "struck": one.struck,
        "left_s": left_s,
    }


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        raise RuleError(f"{key!r} is a text of at most {_TEXT_MAX} characters")
    return value


def _whole(low: int, high: int) -> Callable[[str, object], int]:
    def check(key: str, value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise RuleError(f"{key!r} is a whole number from {low} to {high}")
        return value

    return check


def _real(low: float, high: float) -> Callable[[str, object], float]:
    def check(key: str, value: object) -> float:
        if type(value) not in {int, float} or not low <= float(str(value)) <= high:
            raise RuleError(f"{key!r} is a number from {low:g} to {high:g}")
        return float(str(value))

    return check


# A page that somebody puts in the cloud's place may call itself a success.
_PAGES = (Do.HTML, Do.HTML_AFTER)
_FAULT_KEYS = (
    *("code", "status", "message", "delay_s", "retry_after_ms"),
    *("bytes_per_s", "skew_s"),
)
_KEYS: dict[str, Callable[[str, object], Any]] = {
    "service": _text,
    "action": _text,
    "region": _text,
    "resource": _text,
    "first": _whole(1, 10**9),
    "times": _whole(0, 10**9),
    "rate": _real(0.0, 1.0),
    "code": _text,
    "status": _whole(200, 599),
    "message": _text,
    "delay_s": _real(0.0, 600.0),
    "retry_after_ms": _whole(0, 3_600_000),
    "bytes_per_s": _whole(1, 10**9),
    "skew_s": _real(-1e9, 1e9),
    "lasts_s": _real(0.0, 1e9),
}
