"""``ali-import --plan IMAGE...``: what a publication would do, and is all as wanted?"""

import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import ali_import
from ali_import import (
    Action,
    Cloud,
    ConfigurationError,
    Intent,
    Options,
    Plan,
    Release,
    Route,
)
from ali_import.cli import streams
from ali_import.cli.arguments import PlanArguments
from ali_import.cli.exit_status import ExitStatus
from ali_import.cli.release import NO_FAMILY, wanted_release
from ali_import.cli.session import connected, tell_unseen
from ali_import.redaction import one_line
from ali_import.report import display
from ali_import.report.lines import Messages, counted
from ali_import.units import sized

_REGIONS_TOLD_MAX: Final = 8


class PlanCommand:
    """One execution of the command."""

    def __init__(self, arguments: PlanArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages
        self._release = Release(images=(), options=Options())
        self._display = display.choose(
            messages,
            verbosity=arguments.verbosity,
            clock_s=time.monotonic,
            environment={**os.environ, "TERM": "dumb"},  # it does not last
        )

    async def plan(self) -> ExitStatus:
        """Look, and print.

        Raises:
            AliImportError: Something is wrong with the release, the files or the set-up;
                in a group if several things are.
            KeyboardInterrupt: A signal came.
        """
        if any(report.path is None for report in self._arguments.reports):
            raise ConfigurationError(
                "--report: --plan writes no report, and its lines go to standard output",
                advice="leave --report out, or --plan",
            )
        self._release = wanted_release(self._arguments)
        return await connected(self._work, verbosity=self._arguments.verbosity)

    async def _work(self, cloud: Cloud) -> ExitStatus:
        plan = await ali_import.plan(
            cloud,
            self._release.images,
            options=self._release.options,
            on_event=self._display.emit,
        )
        streams.print_lines(map(line, plan.intents))
        self._tell(plan)
        return status(plan, self._release.options.allow_failure)

    def _tell(self, plan: Plan) -> None:
        unseen = {i.region: i.error for i in plan.intents if i.error is not None}
        tell_unseen(self._messages, unseen.values())
        if any(image.family is None for image in self._release.images):
            self._messages.line(NO_FAMILY)
        for text in summary(plan):
            self._messages.line(text)
        if self._arguments.reports:
            self._messages.line("--report is written by a publication, not by --plan")


def status(plan: Plan, allow_failure: Collection[str]) -> ExitStatus:
    """Return the exit status; regions of ``allow_failure`` count as if not asked for."""
    counted_in = [i for i in plan.intents if i.region not in allow_failure]
    if any(intent.action is Action.UNSEEN for intent in counted_in):
        return ExitStatus.SOME_FAILED
    if any(intent.action is not Action.KEEP for intent in counted_in):
        return ExitStatus.DIFFERS
    return ExitStatus.ALL_PLACED


def line(intent: Intent) -> str:
    """Return the line for standard output."""
    parts = [intent.region, intent.name, f"({intent.family})", intent.action.value]
    if intent.action in {Action.KEEP, Action.MEND, Action.REPLACE}:
        parts.append(intent.image_id)
    parts += [f"{key}={value}" for key, value in intent.changes.items()]
    parts.append(intent.error.code if intent.error else intent.why)
    return one_line(" ".join(parts))


def summary(plan: Plan) -> Iterator[str]:
    """Yield the lines for standard error: counts, expected routes, bytes."""
    counts = Counter(intent.action for intent in plan.intents)
    regions = {intent.region for intent in plan.intents}
    told = ", ".join(f"{counts[each]} {each}" for each in Action if counts[each])
    placements = counted(len(plan.intents), "placement")
    yield f"{placements} in {counted(len(regions), 'region')}: {told}"
    routes = Counter(intent.route for intent in plan.intents if intent.route)
    if routes:
        expected = ", ".join(
            f"{route} {routes[route]}" for route in Route if routes[route]
        )
        yield (
            f"expected routes: {expected} (a publication may have to take others); "
            f"about {sized(plan.uplink_bytes)} would be uploaded from here"
        )
    for name in plan.lent:
        copying = [i.region for i in plan.intents if i.name == name and i.route]
        yield (
            f"{name}: {_some(copying)} can only copy it, so another region would also make "
            "it, temporarily, to be copied from"
        )
    if counts[Action.BLOCKED]:
        blocked = [i.region for i in plan.intents if i.action is Action.BLOCKED]
        yield f"blocked, and would fail: {_some(list(dict.fromkeys(blocked)))}"
    if counts.keys() - {Action.KEEP, Action.BLOCKED, Action.UNSEEN}:
        yield "nothing was changed; to do it, run the same command without --plan"


def _some(regions: Sequence[str]) -> str:
    more = len(regions) - _REGIONS_TOLD_MAX
    told = ", ".join(regions[:_REGIONS_TOLD_MAX])
    return f"{told} and {more} more" if more > 0 else told
