"""What a check says of one thing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.errors import CloudError

_DENIED: Final = frozenset(
    {"Forbidden.RAM", "NoPermission", "Forbidden", "AccessDenied", "Forbbiden"}
)


class Grade(StrEnum):
    """What a check found: all is well, it may matter, it will fail, nobody can tell."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was checked.

    Attributes:
        subject: What it is about, in a word or two.
        text: What was found.
        advice: What to do about it, or "".
        fix: What ``check --fix`` would do about it, or "".
    """

    grade: Grade
    subject: str
    text: str
    advice: str = ""
    fix: str = ""


def failed(subject: str, text: str, advice: str) -> Finding:
    """Return that something will fail."""
    return Finding(grade=Grade.FAIL, subject=subject, text=text, advice=advice)


def refused(subject: str, error: CloudError) -> Finding:
    """Return what a refusal means: what may pass is no failure."""
    passing = {Meaning.TRANSIENT, Meaning.THROTTLED, Meaning.BUSY}
    grade = Grade.UNKNOWN if look_up(error).meaning in passing else Grade.FAIL
    return Finding(grade=grade, subject=subject, text=told(error), advice=error.advice)


def told(error: CloudError) -> str:
    """Return which call was refused, and how."""
    return f"{error.operation}: {error.code}: {error.message}"


def denied(error: CloudError) -> bool:
    """Tell whether the caller lacks the permission."""
    return error.code in _DENIED
