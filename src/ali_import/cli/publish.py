"""``ali-import IMAGE...``: inspect, run, report."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import anyio
from anyio import to_thread

from ali_import.cli import compose, signals, streams
from ali_import.cli.arguments import PublishArguments
from ali_import.cli.exit_status import ExitStatus, of_report
from ali_import.disk import DiskImage, inspect
from ali_import.errors import AliImportError, ConfigurationError, DiskImageError
from ali_import.publish.model import (
    Event,
    Leftover,
    Note,
    Options,
    RegionsKnown,
    Report,
    Result,
    Target,
)
from ali_import.publish.naming import targets
from ali_import.report import display, documents
from ali_import.report.lines import (
    Messages,
    failure_line,
    result_lines,
    stands,
    summary_lines,
)
from ali_import.report.log import DEBUG_VERBOSITY
from ali_import.units import HOUR_S

if TYPE_CHECKING:
    from ali_import.publish.run import Run

# Hashing is bound by the processor and the disk; more at once gains nothing.
_INSPECTIONS_MAX: Final = 4

# What expires while its own run goes on, another run may take away.
_LEASE_BEYOND_TIMEOUT_S: Final = HOUR_S


class Publication:
    """One execution of the command, from reading the files to the last line."""

    def __init__(self, arguments: PublishArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages
        self._display = display.choose(
            messages,
            verbosity=arguments.verbosity,
            clock_s=compose.elapsed_s,
            environment=os.environ,
        )
        self._showing = ExitStack()
        self._run: Run | None = None
        self._started_at = compose.now()
        self._targets: tuple[Target, ...] = ()

    async def publish(self) -> ExitStatus:
        """Publish the images and report.

        Raises:
            AliImportError: Nothing could be begun; in a group if several things are
                wrong.
            KeyboardInterrupt: A signal came before anything was begun.
        """
        _check_report(self._arguments.report)
        with self._showing:
            self._showing.enter_context(self._display)
            report = await self._execute()
        return self._tell(report)

    async def _execute(self) -> Report:
        preparing = anyio.CancelScope()

        def first() -> None:
            if self._run is None:
                preparing.cancel()
            else:
                self._display.say(
                    "interrupted: cleaning up; interrupt again to stop at once"
                )
                self._run.interrupt()

        async with anyio.create_task_group() as group:
            await group.start(signals.receive, first, self._stop_at_once)
            with preparing:
                self._run = await self._prepare()
            if self._run is None or preparing.cancel_called:
                raise KeyboardInterrupt
            report = await self._run.execute()
            group.cancel_scope.cancel()
        return report

    async def _prepare(self) -> "Run":
        """Read and check everything that is here, then get ready to reach the cloud."""
        arguments = self._arguments
        self._targets = targets(
            await _inspect_all(arguments.images),
            name=arguments.name,
            family=arguments.family,
            today=datetime.fromtimestamp(self._started_at, UTC).date(),
        )
        for target in self._targets:
            self._emit(Note(text=_learned(target)))
            for warning in target.image.warnings:
                text = f"{target.image.path}: {warning}"
                self._emit(Note(text=text, level="WARNING"))
        cloud = compose.connect(log_calls=arguments.verbosity >= DEBUG_VERBOSITY)
        return compose.start_run(cloud, self._targets, _options(arguments), self._emit)

    def _emit(self, event: Event) -> None:
        self._display.emit(event)
        if isinstance(event, RegionsKnown):
            for region in sorted(self._arguments.allow_failure - set(event.regions)):
                text = f"--allow-failure {region} is not one of the account's regions"
                self._display.emit(Note(text=text, level="WARNING"))

    def _stop_at_once(self) -> NoReturn:
        """Say what is left, and end the process."""
        left = self._run.leftovers() if self._run else ()
        self._showing.close()
        self._messages.line("ali-import: stopped")
        self._tell_leftovers(left)
        streams.leave_at_once(ExitStatus.INTERRUPTED)

    def _tell(self, report: Report) -> ExitStatus:
        status = of_report(report, self._arguments.allow_failure)
        try:
            streams.print_lines(result_lines(report))
            if self._arguments.report:
                self._write(report, self._arguments.report, status)
        finally:
            self._explain(report)
        return status

    def _explain(self, report: Report) -> None:
        for outcome in report.outcomes:
            # Whoever stopped the run knows why so much was skipped or not published.
            known = report.interrupted and outcome.result is not Result.FAILED
            told = stands(outcome) or outcome in self._display.shown
            if not (told or known):
                self._messages.line(failure_line(outcome))
        if report.interrupted:
            self._messages.line("run the same command again to go on from here")
        self._tell_leftovers(report.leftovers)
        for line in summary_lines(report):
            self._messages.table(line)

    def _tell_leftovers(self, left: Sequence[Leftover]) -> None:
        for leftover in left:
            line = f"left over: {leftover.region} {leftover.kind} {leftover.name}"
            self._messages.line(f"{line} {leftover.detail}")
        if left:
            self._messages.line("to remove what is left: ali-import cleanup --all")

    def _write(self, report: Report, path: Path, status: ExitStatus) -> None:
        document = documents.as_json(
            report,
            self._targets,
            exit_status=status,
            started_at=self._started_at,
            redactor=self._messages.redactor,
        )
        try:
            documents.write(document, path)
        except OSError as error:
            raise AliImportError(
                f"--report {path}: cannot be written: {error.strerror or error}",
                advice="run the same command again: what is done is not done twice",
            ) from error


async def _inspect_all(paths: Sequence[Path]) -> tuple[DiskImage, ...]:
    """Inspect every file.

    Raises:
        ExceptionGroup: Of the DiskImageError of every file that has one.
    """
    found: dict[int, DiskImage] = {}
    wrong: dict[int, DiskImageError] = {}
    limiter = anyio.CapacityLimiter(_INSPECTIONS_MAX)

    async def look(index: int) -> None:
        try:
            found[index] = await to_thread.run_sync(
                inspect, paths[index], abandon_on_cancel=True, limiter=limiter
            )
        except DiskImageError as error:
            wrong[index] = error

    async with anyio.create_task_group() as group:
        for index in range(len(paths)):
            group.start_soon(look, index)
    if wrong:
        raise ExceptionGroup("bad files", [wrong[index] for index in sorted(wrong)])
    return tuple(found[index] for index in range(len(paths)))


def _options(arguments: PublishArguments) -> Options:
    timeout_s = arguments.timeout_s or Options.timeout_s
    return Options(
        regions=arguments.regions,
        public=arguments.public,
        overwrite=arguments.overwrite,
        all_or_nothing=arguments.all_or_nothing,
        allow_failure=arguments.allow_failure,
        role=arguments.role,
        timeout_s=timeout_s,
        lease_s=max(Options.lease_s, timeout_s + _LEASE_BEYOND_TIMEOUT_S),
    )


def _learned(target: Target) -> str:
    image = target.image
    machine = image.architecture or "x86_64 and arm64"
    return (
        f"{image.path}: {image.boot_mode}, {machine}, {image.size_gib} GiB, becomes "
        f"{target.name} ({target.family})"
    )


def _check_report(path: Path | None) -> None:
    """Find out now, not after an hour, whether the report can be written."""
    if path is None:
        return
    try:
        documents.check_writable(path)
    except OSError as error:
        raise ConfigurationError(
            f"--report {path}: cannot be written: {error.strerror or error}",
            advice="name a file in a directory that exists and is writable",
        ) from error
