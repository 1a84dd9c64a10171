"""What there was: listings that lag show it.

Nothing is noted until a listing lags for the first time, or is going to. What was before
that is not known; then a listing shows the oldest that is.
"""

import operator
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from alicloud_emulator.world.ecs.records import Image
from alicloud_emulator.world.fc.values import Function
from alicloud_emulator.world.oss.values import Bucket

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

KEPT_S = 600.0
"""How far back a listing can lag, in seconds."""

_AGO_S: ContextVar[float] = ContextVar("_AGO_S", default=0.0)
Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class _View:
    """What listings showed at one moment, of every account."""

    at: float
    images: Mapping[str, tuple[Image, ...]] = field(default_factory=dict)
    buckets: tuple[Bucket, ...] = ()
    functions: Mapping[tuple[str, str], Mapping[str, Function]] = field(
        default_factory=dict
    )


class Past:
    """What listings showed during the last while."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._views: deque[_View] = deque()

    def keep(self) -> None:
        """Begin to take note; does nothing the second time."""
        if not self._views:
            self._world.agenda.listeners.append(self.note)
            self._views.append(self._look(_View(at=0.0)))

    def note(self) -> None:
        """Take note of what there is now, where it has changed."""
        if not self._views:
            return
        before = self._views[-1]
        seen = self._look(before)
        if _same_view(seen, before):
            return
        self._views.append(seen)
        while len(self._views) > 1 and self._views[1].at <= seen.at - KEPT_S:
            self._views.popleft()

    @contextmanager
    def shown(self, ago_s: float) -> Iterator[None]:
        """Let listings show what there was ``ago_s`` seconds ago, inside the block."""
        self.keep()
        token = _AGO_S.set(ago_s)
        try:
            yield
        finally:
            _AGO_S.reset(token)

    def images(self, region: str, now: Iterable[Image]) -> Iterable[Image]:
        """Return a region's images as a listing shows them; ``now`` is what there is."""
        view = self._asked_for()
        return now if view is None else view.images.get(region, ())

    def buckets(self, now: Iterable[Bucket]) -> Iterable[Bucket]:
        """Return everybody's buckets, likewise."""
        view = self._asked_for()
        return now if view is None else view.buckets

    def functions(
        self, account_id: str, region: str, now: Mapping[str, Function]
    ) -> Mapping[str, Function]:
        """Return an account's functions in a region by name, likewise."""
        view = self._asked_for()
        return now if view is None else view.functions.get((account_id, region), {})

    def _asked_for(self) -> _View | None:
        """Return what is to be shown instead of what there is."""
        ago_s = _AGO_S.get()
        if not ago_s:
            return None
        until = self._world.agenda.now - ago_s
        shown = self._views[0]
        for view in self._views:
            if view.at > until:
                break
            shown = view
        return shown

    def _look(self, before: _View) -> _View:
        """Return what there is, with whatever has not changed as it was in ``before``."""
        world = self._world
        images = {
            region.id: tuple(
                _kept(
                    world.ecs.store.images(region.id), before.images.get(region.id, ())
                )
            )
            for region in world.profile.regions
        }
        return _View(
            at=world.agenda.now,
            images={region: there for region, there in images.items() if there},
            buckets=tuple(world.oss.every_bucket()),
            functions={key: dict(there) for key, there in world.fc.every_function()},
        )


def _kept(images: Iterable[Image], before: Iterable[Image]) -> Iterator[Image]:
    """Yield images as they are: a copy of each that differs from how it was before."""
    known = {image.image_id: image for image in before}
    for image in images:
        was = known.get(image.image_id)
        if image == was:
            yield was
            continue
        kept = copy(image)
        kept.tags = dict(image.tags)
        kept.disks = [copy(disk) for disk in image.disks]
        kept.shared_with = dict(image.shared_with)
        yield kept


def _same_view(one: _View, other: _View) -> bool:
    return (
        one.images.keys() == other.images.keys()
        and all(_same(one.images[key], other.images[key]) for key in one.images)
        and _same(one.buckets, other.buckets)
        and one.functions.keys() == other.functions.keys()
        and all(
            _same(tuple(one.functions[k].values()), tuple(other.functions[k].values()))
            for k in one.functions
        )
    )


def _same(some: tuple[Thing, ...], others: tuple[Thing, ...]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))
