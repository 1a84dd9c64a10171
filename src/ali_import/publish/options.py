"""What a run is asked to do: targets and options, in the engine's words."""

from dataclasses import dataclass

from ali_import.disk import DiskImage
from ali_import.units import HOUR_S


@dataclass(frozen=True, kw_only=True)
class Target:
    """One local disk image with the name and family it gets in the cloud."""

    image: DiskImage
    name: str
    family: str


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to publish.

    Attributes:
        regions: Region ids to publish in; empty means every region.
        public: Make the images community images.
        overwrite: Replace an image of the same name with other content.
        all_or_nothing: Publish only if every placement succeeded.
        allow_failure: Regions whose failure does not count in the exit status.
        role: Name of a RAM role to attach to relay functions, or "".
        timeout_s: Bound of the whole run in seconds, cleaning up aside.
        lease_s: How long temporary resources are ours before others may remove them.
        nvme: Features.NvmeSupport of the images.
        imds: Features.ImdsSupport of the images.
    """

    regions: tuple[str, ...] = ()
    public: bool = False
    overwrite: bool = False
    all_or_nothing: bool = False
    allow_failure: frozenset[str] = frozenset()
    role: str = ""
    timeout_s: float = 4 * HOUR_S
    lease_s: float = 6 * HOUR_S
    nvme: str = "supported"
    imds: str = "v1"
