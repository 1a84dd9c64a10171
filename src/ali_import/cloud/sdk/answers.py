"""Read answers that come from the network, trusting nothing about their shape."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


class GarbledAnswerError(Exception):
    """The answer is not what the protocol says; the text holds no secret."""


def text(answer: Mapping[str, Any], key: str) -> str:
    """Return a text field, or "" if it is absent."""
    value = answer.get(key)
    return "" if value is None else str(value)


def required(answer: Mapping[str, Any], key: str) -> str:
    """Return a text field that must be there.

    Raises:
        GarbledAnswerError: It is not, or it is empty.
    """
    value = text(answer, key)
    if not value:
        raise GarbledAnswerError(f"the answer has no {key}")
    return value


def integer(answer: Mapping[str, Any], key: str) -> int:
    """Return a whole number, which some actions send as text; 0 if it is absent."""
    value = text(answer, key).removesuffix("%")
    if not value:
        return 0
    try:
        return int(value)
    except ValueError as exc:
        raise GarbledAnswerError(f"{key} in the answer is not a number") from exc


def percent(answer: Mapping[str, Any], key: str) -> int:
    """Return a progress, "32%" or 32, as a number from 0 to 100."""
    return min(max(integer(answer, key), 0), 100)


def flag(answer: Mapping[str, Any], key: str) -> bool:
    """Return a truth value, which some actions send as text."""
    return text(answer, key).lower() == "true"


def unix_time(answer: Mapping[str, Any], key: str) -> float:
    """Return a moment, ``2023-03-06T06:04:04Z``, as Unix seconds; 0 if there is none."""
    try:
        moment = datetime.fromisoformat(text(answer, key))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def mapping(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object within the answer; empty if it is absent."""
    value = answer.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise GarbledAnswerError(f"{key} in the answer is not an object")
    return value


def rows(answer: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a list of objects within the answer; empty if it is absent."""
    value = answer.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(
        isinstance(row, Mapping) for row in value
    ):
        raise GarbledAnswerError(f"{key} in the answer is not a list of objects")
    return value


def nested_rows(
    answer: Mapping[str, Any], outer: str, inner: str
) -> list[Mapping[str, Any]]:
    """Return the rows of Alibaba's ``{"Images": {"Image": [...]}}``."""
    return rows(mapping(answer, outer), inner)
