"""What must be true of an emulated cloud after ali-import ran: asserted in one place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ali_import.disk import DiskImage, inspect

State = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One published image, the same in every region.

    ``architecture`` is "" where any will do (hybrids).
    """

    name: str
    family: str
    sha256: str
    architecture: str
    boot_mode: str
    size_gib: int


def expected(paths: Iterable[Path], *, name: str, family: str) -> list[Expected]:
    """Say what publishing ``paths`` under ``name`` should give."""
    return [_expected(inspect(path), name, family) for path in paths]


def _expected(image: DiskImage, name: str, family: str) -> Expected:
    return Expected(
        name=f"{name}{image.suffix}",
        family=f"{family}{image.suffix}",
        sha256=image.sha256,
        architecture=image.architecture or "",
        boot_mode=image.boot_mode,
        size_gib=image.size_gib,
    )


def problems(
    report: State,
    wanted: Sequence[Expected],
    *,
    public: bool,
    regions: Sequence[str] = (),
) -> list[str]:
    """List everything that is not as it should be after a run that ended well."""
    found: list[str] = []
    for region, state in report["regions"].items():
        there = wanted if not regions or region in regions else []
        found += [f"{region}: {text}" for text in _images(state, there, public=public)]
        found += [f"{region}: {text}" for text in left_behind(state)]
    return found


def left_behind(state: State) -> list[str]:
    """List what should not be in a region when no run is going on."""
    wanted = {image["snapshot_id"] for image in state["images"]}
    stray = [
        snapshot["snapshot_id"]
        for snapshot in state["snapshots"]
        if snapshot["snapshot_id"] not in wanted
    ]
    names = [image["name"] for image in state["images"]]
    return [
        *(f"bucket {bucket['name']} is left" for bucket in state["buckets"]),
        *(f"function {function['name']} is left" for function in state["functions"]),
        *(f"snapshot {snapshot} is left" for snapshot in stray),
        *(f"image {name} is left" for name in names if name.startswith("ali-import-")),
    ]


def _images(state: State, wanted: Sequence[Expected], *, public: bool) -> list[str]:
    names = [item.name for item in wanted]
    found = [
        f"image {image['name']} should not be there"
        for image in state["images"]
        if image["name"] not in names
    ]
    for item in wanted:
        same = [image for image in state["images"] if image["name"] == item.name]
        if len(same) != 1:
            found.append(f"{len(same)} images {item.name}")
            continue
        image = same[0]
        facts = {
            "status": "Available",
            "public": public,
            "family": item.family,
            "architecture": item.architecture or image["architecture"],
            "boot_mode": item.boot_mode,
            "size_gib": item.size_gib,
            "nvme": "supported",
            "imds": "v1",
            "content_sha256": item.sha256,
        }
        found += [
            f"{item.name}: {key} is {image[key]!r}, not {value!r}"
            for key, value in facts.items()
            if image[key] != value
        ]
        if image["tags"].get("ali-import:sha256") != item.sha256:
            found.append(f"{item.name}: tags are {image['tags']}")
    return found
