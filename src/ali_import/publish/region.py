"""A region as a place to work in: what is there for the run's own use, and its end."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio

from ali_import.cloud.calls import DeleteSnapshot
from ali_import.cloud.steady import BRIEF, NORMAL
from ali_import.errors import CloudError
from ali_import.publish.context import Context
from ali_import.publish.model import Leftover
from ali_import.publish.watcher import Watcher
from ali_import.publish.workspace import Workspace

_Step = Callable[[], Awaitable[None]]


class Work(Protocol):
    """The making of an image, which has to end before its region can."""

    name: str
    is_lent: bool
    """Whether it was made only for other regions to copy."""

    async def cancel(self) -> None:
        """Stop what is being made, if it is this run's."""
        ...

    async def settle(self) -> None:
        """Delete or put back what was to be replaced; nothing is published any more."""
        ...

    async def drop(self) -> None:
        """Remove the image if it is temporary."""
        ...

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return what is temporary, and there or maybe there."""
        ...


class Region:
    """One region: its workspace, its watcher, and everything that is made in it.

    Attributes:
        id: The cloud's id of the region.
        news: Set, and made anew, when there may be something to do.
    """

    def __init__(self, context: Context, region_id: str) -> None:
        self.id = region_id
        self.context = context
        self.cloud = context.cloud
        self.workspace = Workspace(context, region_id)
        self.watcher = Watcher(context.cloud, region_id)
        # Snapshots of images that were deleted; the cloud gives them back a little later.
        self._doomed: dict[str, None] = {}
        self._works: list[Work] = []
        self.news = anyio.Event()

    def add(self, work: Work) -> None:
        """Take on the making of an image: the region's end will be its end."""
        self._works.append(work)

    @contextmanager
    def lending(self) -> Iterator[None]:
        """Have an image made for other regions while inside, and wake the region then."""
        with self.workspace.used():
            yield
        self.wake()

    def wake(self) -> None:
        """Let the region see whether there is something to do."""
        self.news.set()
        self.news = anyio.Event()

    async def stop_lending(self) -> None:
        """Remove what only other regions had a use for, and they have none any more."""
        await self.workspace.clean_up(if_idle=True)
        if self.workspace.idle:
            loans = [(w.name, w.drop) for w in self._works if w.is_lent]
            await self._all(loans)

    def doom(self, snapshot_ids: Iterable[str]) -> None:
        """Take on the deletion of snapshots whose image is being deleted."""
        self._doomed.update(dict.fromkeys(snapshot_ids))

    def spare(self, snapshot_ids: Iterable[str]) -> None:
        """Forget snapshots whose image was not deleted after all."""
        for snapshot_id in snapshot_ids:
            self._doomed.pop(snapshot_id, None)

    async def delete_doomed(self, snapshot_ids: Iterable[str] | None = None) -> None:
        """Delete snapshots of images that are gone; which of them will not go is told.

        Args:
            snapshot_ids: Which; None for whatever is left, without much patience.
        """
        for snapshot_id in tuple(snapshot_ids or self._doomed):
            delete = DeleteSnapshot(region=self.id, snapshot_id=snapshot_id)
            patience = NORMAL if snapshot_ids else BRIEF
            try:
                await self.cloud.call(delete, patience)
            except CloudError as error:
                text = f"snapshot {snapshot_id} is left: {error.diagnostics()}"
                self.note(text, level="WARNING")
            else:
                self._doomed.pop(snapshot_id, None)

    def note(self, text: str, *, level: str = "INFO") -> None:
        """Tell something worth saying about the region."""
        self.context.note(text, region=self.id, level=level)

    async def end(self, decided: anyio.Event) -> None:
        """Leave nothing behind, as far as the cloud lets us; what is left is told.

        What is being made is cancelled; then replaced images are deleted or put back,
        and temporary ones dropped. Bucket and function wait for none of that.

        Args:
            decided: Set when nothing will be published any more.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.workspace.clean_up)
            tasks.start_soon(self._end_works, decided)

    async def _end_works(self, decided: anyio.Event) -> None:
        await self._all([(work.name, work.cancel) for work in self._works])
        await decided.wait()
        await self._all([(work.name, work.settle) for work in self._works])
        await self._all([(work.name, work.drop) for work in self._works])
        await self.delete_doomed()

    async def _all(self, steps: Iterable[tuple[str, _Step]]) -> None:
        """Take a step for everything that is made here; a failure is told."""

        async def guarded(name: str, step: _Step) -> None:
            try:
                await step()
            except CloudError as error:
                text = f"cleaning up {name}: {error.diagnostics()}"
                self.note(text, level="WARNING")

        async with anyio.create_task_group() as tasks:
            for name, step in steps:
                tasks.start_soon(guarded, name, step)

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the temporary things that exist here, or may exist, right now."""
        made = [left for work in self._works for left in work.leftovers()]
        lease = self.context.lease
        doomed = (lease.leftover(self.id, "snapshot", id_) for id_ in self._doomed)
        return (*self.workspace.leftovers(), *made, *doomed)
