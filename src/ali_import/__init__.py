"""Publish bootable disk images to every Alibaba Cloud region.

    async with ali_import.connect() as cloud:
        images = [ali_import.Image("disk.img", name="demo-1", family="demo")]
        report = await ali_import.publish(cloud, images, public=True)

What ``__all__`` names is the library, described in docs/library.md; the modules below
are its own affair, and may change. Nothing is loaded before it is used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ali_import.cloud.calls import Cloud
    from ali_import.cloud.values import ImageStatus
    from ali_import.disk import (
        Architecture,
        BootMode,
        DiskImage,
        Inspection,
        examine,
    )
    from ali_import.errors import (
        AliImportError,
        ApiError,
        CloudError,
        ConfigurationError,
        DiskImageError,
        HostNotFoundError,
        TaskFailedError,
        TransportError,
    )
    from ali_import.library import (
        Publication,
        check,
        connect,
        find_leftovers,
        find_prunable,
        fix,
        list_images,
        plan,
        prune,
        publish,
        publish_sync,
        remove_leftovers,
        trust_policy,
    )
    from ali_import.publish.model import (
        CallRetried,
        Event,
        Leftover,
        Note,
        Options,
        Outcome,
        Phase,
        PhaseBegan,
        PlacementEnded,
        PlacementMoved,
        RegionsKnown,
        Report,
        Result,
        Route,
        Step,
        Target,
    )
    from ali_import.publish.naming import Image
    from ali_import.release import (
        Release,
        load_release,
        load_retention,
        make_release,
    )
    from ali_import.standing.finding import Finding, Grade
    from ali_import.standing.images import Standing, StandingImage
    from ali_import.standing.plan import Action, Intent, Plan
    from ali_import.standing.policy import least_policy
    from ali_import.standing.prune import Pruned
    from ali_import.standing.retention import Fate, Pruning, Retention, Verdict

__all__ = [
    "Action",
    "AliImportError",
    "ApiError",
    "Architecture",
    "BootMode",
    "CallRetried",
    "Cloud",
    "CloudError",
    "ConfigurationError",
    "DiskImage",
    "DiskImageError",
    "Event",
    "Fate",
    "Finding",
    "Grade",
    "HostNotFoundError",
    "Image",
    "ImageStatus",
    "Inspection",
    "Intent",
    "Leftover",
    "Note",
    "Options",
    "Outcome",
    "Phase",
    "PhaseBegan",
    "PlacementEnded",
    "PlacementMoved",
    "Plan",
    "Pruned",
    "Pruning",
    "Publication",
    "RegionsKnown",
    "Release",
    "Report",
    "Result",
    "Retention",
    "Route",
    "Standing",
    "StandingImage",
    "Step",
    "Target",
    "TaskFailedError",
    "TransportError",
    "Verdict",
    "__version__",
    "check",
    "connect",
    "examine",
    "find_leftovers",
    "find_prunable",
    "fix",
    "least_policy",
    "list_images",
    "load_release",
    "load_retention",
    "make_release",
    "plan",
    "prune",
    "publish",
    "publish_sync",
    "remove_leftovers",
    "trust_policy",
]

__version__: Final = "0.1.0"

_HOMES: Final = {
    "ali_import.cloud.calls": ["Cloud"],
    "ali_import.cloud.values": ["ImageStatus"],
    "ali_import.disk": [
        "Architecture",
        "BootMode",
        "DiskImage",
        "Inspection",
        "examine",
    ],
    "ali_import.errors": [name for name in __all__ if name.endswith("Error")],
    "ali_import.publish.naming": ["Image"],
    "ali_import.release": [
        "Release",
        "load_release",
        "load_retention",
        "make_release",
    ],
    "ali_import.standing.prune": ["Pruned"],
    "ali_import.standing.retention": ["Fate", "Pruning", "Retention", "Verdict"],
    "ali_import.standing.plan": ["Action", "Intent", "Plan"],
    "ali_import.standing.finding": ["Finding", "Grade"],
    "ali_import.standing.policy": ["least_policy"],
    "ali_import.standing.images": ["Standing", "StandingImage"],
    "ali_import.library": [
        "Publication",
        "check",
        "connect",
        "find_leftovers",
        "find_prunable",
        "fix",
        "list_images",
        "plan",
        "prune",
        "publish",
        "publish_sync",
        "remove_leftovers",
        "trust_policy",
    ],
    "ali_import.publish.model": [
        "CallRetried",
        "Event",
        "Leftover",
        "Note",
        "Options",
        "Outcome",
        "Phase",
        "PhaseBegan",
        "PlacementEnded",
        "PlacementMoved",
        "RegionsKnown",
        "Report",
        "Result",
        "Route",
        "Step",
        "Target",
    ],
}
_HOME: Final = {name: home for home, names in _HOMES.items() for name in names}


class _Library(ModuleType):
    """This module: ``publish`` is the function, though the engine has the same name.

    Python gives a package an attribute for each of its modules that is loaded, which
    would put the engine's package in the function's place. A property stays.
    """

    @property
    def publish(self) -> Any:
        return import_module("ali_import.library").publish

    @publish.setter
    def publish(self, _engine: ModuleType) -> None:
        pass


if not TYPE_CHECKING:  # or any name would do for a type checker
    sys.modules[__name__].__class__ = _Library

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME[name]), name)
        return value


def __dir__() -> list[str]:
    return __all__
