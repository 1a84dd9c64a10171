"""What a request of the port is about, and which action of the cloud it is."""

from typing import Any, Final

from ali_import.cloud.calls import Call

_RESOURCES: Final = ("name", "image_id", "key", "bucket", "task_id", "snapshot_id")
_ACTIONS: Final = {
    "DeleteObjects": "DeleteMultipleObjects",
    "ListObjects": "ListObjectsV2",
}


def resource(request: Call[Any]) -> str:
    """Return what a request is about, for rules and traces."""
    found = (getattr(request, field, "") for field in _RESOURCES)
    return next((str(text) for text in found if text), "")


def action(request: Call[Any]) -> str:
    """Return the action that a request stands for, as the emulator names it."""
    return action_named(type(request).__name__)


def action_named(name: str) -> str:
    """Return the emulator's name of what the port calls ``name``."""
    return _ACTIONS.get(name, name)
