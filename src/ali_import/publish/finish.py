"""Publishing: names, then (all-or-nothing) one more look, then public, then family.

Each step is taken for every placement before the next begins, so that a family never
resolves to half a release; only a replacement takes all of them at once, unless
all-or-nothing forbids it, since its predecessor is hidden by then.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import inf
from typing import Final

import anyio

from ali_import.errors import ApiError, CloudError
from ali_import.publish.context import Context
from ali_import.publish.model import Result
from ali_import.publish.placement import Placement

_HURRY_S: Final = 30.0

_Step = Callable[[Placement], Awaitable[None]]


class Finish:
    """Publishes what was placed."""

    def __init__(self, context: Context, placements: Sequence[Placement]) -> None:
        self._context = context
        self._placements = placements
        self._shielded: list[anyio.CancelScope] = []
        self._over_at = inf

    def hurry(self) -> None:
        """Let what cannot be interrupted go on for a short time only."""
        for scope in self._shielded:
            scope.deadline = min(scope.deadline, anyio.current_time() + _HURRY_S)

    async def run(self, over_at: float) -> None:
        """Publish every good placement, unless all-or-nothing forbids it.

        Args:
            over_at: When it will be cut short, on the event loop's clock; what cannot
                be interrupted gets a little longer.
        """
        self._over_at = over_at + _HURRY_S
        for step in (self._name, self._look, self._show, self._join_family):
            if self._one_failed():
                text = "a placement failed, and --all-or-nothing is set: not publishing"
                self._context.note(text, level="WARNING")
                return
            await self._each(step)

    def conclude(self) -> None:
        """Have taken back what all-or-nothing forbids: nothing more is published."""
        if any(not placement.published for placement in self._counted()):
            for placement in self._placements:
                placement.mark_taken_back()

    def judge(self) -> None:
        """Say of replacements that were dropped whether another's failure did it."""
        if not any(p.result is Result.FAILED for p in self._counted()):
            return
        for placement in self._placements:
            if placement.result is Result.SKIPPED:
                error = ApiError(
                    "the replacement was dropped: another placement failed",
                    region=placement.region.id,
                    operation="ecs.ModifyImageAttribute",
                    code="HeldBack",
                    http_status=409,
                    advice="nothing was published; run again",
                )
                placement.fail(error)

    # --- which ------------------------------------------------------------------------

    def _counted(self) -> Iterable[Placement]:
        """Return the placements that all-or-nothing is about."""
        options = self._context.options
        if not options.all_or_nothing:
            return ()
        return [p for p in self._placements if p.region.id not in options.allow_failure]

    def _one_failed(self) -> bool:
        return any(not placement.good for placement in self._counted())

    async def _each(self, step: _Step) -> None:
        """Take a step for each; with all-or-nothing a failure ends the others' tries."""

        async def guarded(placement: Placement) -> None:
            try:
                await step(placement)
            except CloudError as error:
                placement.fail(error)
                if self._one_failed():
                    tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for placement in self._placements:
                if placement.good and not placement.published:
                    tasks.start_soon(guarded, placement)

    # --- the steps --------------------------------------------------------------------

    async def _name(self, placement: Placement) -> None:
        if not placement.is_replacing:
            return
        # An interrupt must not fall between the two renames.
        with anyio.CancelScope(shield=True, deadline=self._over_at) as scope:
            self._shielded.append(scope)
            await placement.take_name()
        if scope.cancelled_caught:
            raise placement.out_of_time("taking the name took too long")
        if not self._context.options.all_or_nothing:
            # The old image is hidden by now: this must not wait for other regions.
            await placement.show()
            await placement.join_family()

    async def _look(self, placement: Placement) -> None:
        """See that nobody took an image back since, if one would spoil all."""
        if self._context.options.all_or_nothing:
            await placement.see_it_stands()

    async def _show(self, placement: Placement) -> None:
        await placement.show()

    async def _join_family(self, placement: Placement) -> None:
        await placement.join_family()
