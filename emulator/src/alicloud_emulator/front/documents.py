"""The documents people and tests read: the state of the cloud, and what was asked of it.

Their shape is stable and described in docs/report.md.
"""

import json
import os
from pathlib import Path
from typing import Any

from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.world.world import World

VERSION = 1
"""Of the documents' shape; raised when a field changes its meaning or goes."""

Document = dict[str, Any]


def state(world: World, *, seed: int, account_id: str = "") -> Document:
    """Return what there is: regions with their images, buckets, functions and so on.

    Args:
        world: The cloud.
        seed: What it was made with.
        account_id: Whose; "" for the main account's.

    Raises:
        ValueError: The profile has no such account.
    """
    return _state(world, seed, account_id, brief=False)


def tiles(world: World, *, seed: int, account_id: str = "") -> Document:
    """Return the same in short: a bucket has counts and no objects.

    Raises:
        ValueError: The profile has no such account.
    """
    found = _state(world, seed, account_id, brief=True)
    for region in world.profile.regions:
        found["regions"][region.id]["name"] = region.name
        found["regions"][region.id]["dead"] = region.dead
    return found


def _state(world: World, seed: int, account_id: str, *, brief: bool) -> Document:
    world.agenda.catch_up()
    profile = world.profile
    known = [account.id for account in profile.accounts]
    account_id = account_id or known[0]
    if account_id not in known:
        raise ValueError(f"no account {account_id!r}: there are {', '.join(known)}")
    regions: Document = {}
    for region in profile.regions:
        pieces: Document = {}
        for product in PRODUCTS:
            look = (product.brief if brief else None) or product.state
            pieces.update(look(world, region.id, account_id))
        regions[region.id] = pieces
    central: Document = {}
    for product in PRODUCTS:
        central.update(product.central(world, account_id))
    return {
        "version": VERSION,
        "profile": profile.name,
        "seed": seed,
        "account_id": account_id,
        "left_behind": _left_behind({**regions, "": central}),
        "regions": regions,
        "central": central,
    }


_IDS = {
    "images": "image_id",
    "snapshots": "snapshot_id",
    "tasks": "task_id",
    "buckets": "name",
    "functions": "name",
    "vpcs": "vpc_id",
    "vswitches": "vswitch_id",
    "security_groups": "security_group_id",
    "kms_keys": "key_id",
    "roles": "name",
    "policies": "name",
}
"""Which field of a thing is its own, by the list that it is in."""

_MADE = {"Available", "Deprecated"}
_UNDER_WAY = {"Waiting", "Processing"}


def _left_behind(regions: Document) -> list[Document]:
    """Return what a program that cleans up after itself would not leave.

    Args:
        regions: The lists of each region, and under "" those of none.
    """
    return [
        {
            "region": region,
            "kind": kind,
            "id": one[own],
            "name": one.get("name", ""),
        }
        for region, lists in regions.items()
        for kind, own in _IDS.items()
        for one in lists.get(kind, ())
        if not _may_stay(kind, one, lists)
    ]


def _may_stay(kind: str, one: Document, lists: Document) -> bool:
    """Whether a thing is what runs are made for: finished images and their snapshots."""
    match kind:
        case "images":
            return one["status"] in _MADE
        case "snapshots":
            return any(
                one["image_id"] == image["image_id"] for image in lists["images"]
            )
        case "tasks":
            return one["status"] not in _UNDER_WAY
        case _:
            return False


def requests(world: World) -> Document:
    """Return what was asked, what went wrong, and how many bytes went where."""
    traffic = world.traffic
    return {
        "version": VERSION,
        "requests": {
            "total": traffic.by_action.total(),
            "by_action": dict(sorted(traffic.by_action.items())),
            "errors": dict(sorted(traffic.errors.items())),
            "faults": dict(sorted(world.faults.struck.items())),
        },
        "traffic": {
            "uplink_bytes": traffic.uplink_bytes,
            "downlink_bytes": traffic.downlink_bytes,
            "cross_region_bytes": traffic.cross_region_bytes,
            "internal_bytes": traffic.internal_bytes,
        },
    }


def report(world: World, *, seed: int) -> Document:
    """Return both documents in one."""
    return {**state(world, seed=seed), **requests(world)}


def write(document: Document, file: Path) -> None:
    """Write a document whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
