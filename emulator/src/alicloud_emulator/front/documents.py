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
            pieces.update(product.state(world, region.id, account_id))
        regions[region.id] = pieces
    return {
        "version": VERSION,
        "profile": profile.name,
        "seed": seed,
        "account_id": account_id,
        "regions": regions,
    }


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
