"""Listings that lag: what they show is what there was some seconds ago.

DescribeImages, ListBuckets and ListFunctions lag, each region by a time of its own, in
everything alike: what was made, deleted, renamed or tagged. Questions about one thing by
its id (GetFunction, DescribeTaskAttribute) do not.
"""

import operator
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.fc.values import Function
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.oss.buckets import Buckets
from alicloud_emulator.world.oss.values import Bucket
from alicloud_emulator.world.world import World


@dataclass(frozen=True, kw_only=True)
class _View:
    """The main account's things in a region at one moment."""

    images: tuple[Image, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    functions: tuple[Function, ...] = ()


class Lag:
    """By how much each region's listings lag, and what they have to show.

    Attributes:
        stale: How many listings showed something else than what there was.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._account_id = world.profile.accounts[0].id
        self._store = world.ecs._store
        self._lags: dict[str, float] = {}
        self._past: dict[str, list[tuple[float, _View]]] = {}
        self.stale = 0
        world.agenda.listeners.append(self.note)
        self._images_now = self._store.images
        self._buckets_now = world.oss.buckets.list
        self._functions_now = world.fc.listed
        self._store.images = self._images  # type: ignore[method-assign]
        world.oss.buckets.list = self._list_buckets  # type: ignore[method-assign]
        world.fc.listed = self._functions  # type: ignore[method-assign]

    def set(self, region: str, lag_s: float) -> None:
        """Let a region's listings lag by ``lag_s`` seconds from now on."""
        self._lags[region] = lag_s
        self._past[region] = [(self._world.agenda.now, self._look(region, _View()))]

    def clear(self) -> None:
        """Let every listing show what there is."""
        self._lags.clear()
        self._past.clear()

    def note(self) -> None:
        """Take note of what there is now, where it has changed."""
        now = self._world.agenda.now
        for region, past in self._past.items():
            seen = self._look(region, past[-1][1])
            if seen is past[-1][1]:
                continue
            past.append((now, seen))
            while len(past) > 1 and past[1][0] <= now - self._lags[region]:
                del past[0]

    def _look(self, region: str, before: _View) -> _View:
        """Return what there is; ``before`` itself if nothing has changed."""
        images = tuple(
            _kept(image, old)
            for image, old in _pairs(
                self._store.images_of(self._account_id, region), before.images
            )
        )
        buckets = tuple(self._buckets(region))
        there = self._world.fc.functions_of(self._account_id, region)
        functions = tuple(there.values())
        if (
            _same(images, before.images)
            and _same(buckets, before.buckets)
            and _same(functions, before.functions)
        ):
            return before
        return _View(images=images, buckets=buckets, functions=functions)

    def _buckets(self, region: str) -> Iterator[Bucket]:
        for bucket in self._world.oss._table.values():
            if bucket.owner == self._account_id and bucket.region == region:
                yield bucket

    def _as_of(self, region: str) -> _View | None:
        """Return what a region's listings show; None if they do not lag."""
        past = self._past.get(region)
        if past is None:
            return None
        until = self._world.agenda.catch_up() - self._lags[region]
        shown = past[0][1]
        for when, view in past[1:]:
            if when > until:
                break
            shown = view
        self.stale += shown is not past[-1][1]
        return shown

    # --- listings -----------------------------------------------------------------

    def _images(self, region: str) -> Iterator[Image]:
        """Yield the account's images as they were; nobody else's are asked for."""
        view = self._as_of(region)
        yield from self._images_now(region) if view is None else view.images

    def _list_buckets(self, visit: Visit, **asked: Any) -> tuple[list[Bucket], Any]:
        if not self._past:
            return self._buckets_now(visit, **asked)
        oss = self._world.oss
        shown = {b.name: b for b in oss._table.values() if b.region not in self._past}
        for region in self._past:
            view = self._as_of(region)
            assert view is not None
            shown |= {bucket.name: bucket for bucket in view.buckets}
        past = cast("Buckets", _Past(oss.buckets, _table=shown))
        return Buckets.list(past, visit, **asked)

    def _functions(self, account_id: str, region: str) -> Mapping[str, Function]:
        view = self._as_of(region)
        if view is None:
            return self._functions_now(account_id, region)
        return {function.name: function for function in view.functions}


class _Past:
    """Something of the world with a part of it as it was."""

    def __init__(self, present: object, **as_it_was: object) -> None:
        self._present = present
        vars(self).update(as_it_was)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._present, name)


def _pairs(
    images: Iterable[Image], before: tuple[Image, ...]
) -> Iterator[tuple[Image, Image | None]]:
    known = {image.image_id: image for image in before}
    for image in images:
        yield image, known.get(image.image_id)


def _kept(image: Image, before: Image | None) -> Image:
    """Return ``before`` if it shows the image as it is, else a copy of the image."""
    if image == before:
        return before
    kept = copy(image)
    kept.tags = dict(image.tags)
    kept.disks = [copy(disk) for disk in image.disks]
    kept.shared_with = dict(image.shared_with)
    return kept


def _same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))
