"""Pages of functions, and what a list can be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from alicloud_emulator.world.fc.values import Function


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a list; ``next_token`` is "" on the last one."""

    functions: tuple[Function, ...]
    next_token: str = ""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What ListFunctions is asked for; an empty field asks for everything.

    Attributes:
        nothing: Asks for nothing that there can be (functions of version 2.0).
    """

    prefix: str = ""
    name: str = ""
    description: str = ""
    runtime: str = ""
    gpu_type: str = ""
    resource_group: str = ""
    tags: Mapping[str, str] | None = None
    nothing: bool = False

    def match(self, function: Function) -> bool:
        """Whether the function is asked for."""
        settings = function.settings
        extras = settings.extras
        tags = self.tags or {}
        return (
            not self.nothing
            and function.name.startswith(self.prefix)
            and self.name in {"", function.name}
            and self.description in settings.description
            and self.runtime in {"", settings.runtime}
            and self.gpu_type in {"", extras.get("gpuConfig", {}).get("gpuType")}
            and self.resource_group in {"", extras.get("resourceGroupId")}
            and all(function.tags.get(key) == value for key, value in tags.items())
        )
