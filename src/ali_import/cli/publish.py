"""``ali-import IMAGE...``: publish, and report."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import anyio

import ali_import
from ali_import import (
    AliImportError,
    ConfigurationError,
    Event,
    Leftover,
    Note,
    Options,
    Publication,
    RegionsKnown,
    Release,
    Report,
    Result,
)
from ali_import.cli import signals, streams
from ali_import.cli.arguments import PublishArguments
from ali_import.cli.exit_status import ExitStatus, of_report
from ali_import.cli.release import NO_FAMILY, wanted_release
from ali_import.report import display, documents, log
from ali_import.report.lines import (
    Messages,
    failure_line,
    result_lines,
    stands,
    summary_lines,
)


class PublishCommand:
    """One execution of the command, from reading the files to the last line."""

    def __init__(self, arguments: PublishArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages
        self._display = display.choose(
            messages,
            verbosity=arguments.verbosity,
            clock_s=time.monotonic,
            environment=os.environ,
        )
        self._showing = ExitStack()
        self._release = Release(images=(), options=Options())
        self._publication: Publication | None = None
        self._started_at = time.time()

    async def publish(self) -> ExitStatus:
        """Publish the images and report.

        Raises:
            AliImportError: Nothing could be begun; in a group if several things are
                wrong.
            KeyboardInterrupt: A signal came before anything was begun.
        """
        self._release = wanted_release(self._arguments)
        paths = [Path(image.path) for image in self._release.images]
        _check_report(self._arguments.report, paths)
        with self._showing:
            self._showing.enter_context(self._display)
            report = await self._execute()
        return self._tell(report)

    async def _execute(self) -> Report:
        report: Report | None = None
        preparing = anyio.CancelScope()

        def first() -> None:
            if self._publication is None or not self._publication.targets:
                preparing.cancel()
            else:
                self._display.say(
                    "interrupted: cleaning up; interrupt again to stop at once"
                )
                self._publication.interrupt()

        async with anyio.create_task_group() as group:
            await group.start(signals.receive, first, self._stop_at_once)
            with preparing:
                report = await self._connect_and_publish()
            group.cancel_scope.cancel()
        if report is None:
            raise KeyboardInterrupt
        return report

    async def _connect_and_publish(self) -> Report:
        verbosity = self._arguments.verbosity
        async with ali_import.connect() as cloud:
            self._publication = Publication(
                log.logged(cloud, verbosity=verbosity, clock_s=time.monotonic),
                self._release.images,
                self._release.options,
                on_event=self._emit,
            )
            return await self._publication.execute()

    def _emit(self, event: Event) -> None:
        self._display.emit(event)
        if isinstance(event, RegionsKnown):
            if any(image.family is None for image in self._release.images):
                self._display.emit(Note(text=NO_FAMILY, level="WARNING"))
            for region in sorted(
                self._release.options.allow_failure - set(event.regions)
            ):
                text = f"--allow-failure {region} is not one of the account's regions"
                self._display.emit(Note(text=text, level="WARNING"))

    def _stop_at_once(self) -> NoReturn:
        """Say what is left, and end the process."""
        left = self._publication.leftovers() if self._publication else ()
        if self._publication:
            self._publication.discard()
        self._showing.close()
        self._messages.line("ali-import: stopped")
        self._tell_leftovers(left)
        streams.leave_at_once(ExitStatus.INTERRUPTED)

    def _tell(self, report: Report) -> ExitStatus:
        """Write results, report and summary, each even if another cannot be written.

        Raises:
            ExceptionGroup: Of the AliImportError of each that could not.
        """
        status = of_report(report, self._release.options.allow_failure)
        problems: list[AliImportError] = []
        try:
            streams.print_lines(result_lines(report))
        except AliImportError as error:
            problems.append(error)
            status = ExitStatus.ALL_FAILED
        try:
            if self._arguments.report:
                self._write(report, self._arguments.report, status)
        except AliImportError as error:
            problems.append(error)
        self._explain(report)
        if problems:
            raise ExceptionGroup("not all could be written", problems)
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
            self._publication.targets if self._publication else (),
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


def _check_report(path: Path | None, images: Sequence[Path]) -> None:
    """Find out now, not after an hour, whether the report can be written.

    Raises:
        ConfigurationError: It cannot, or it would take the place of an image.
    """
    if path is None:
        return
    for image in images:
        if _same_file(path, image):
            raise ConfigurationError(
                f"--report {path}: is the same file as the image {image}",
                advice="name another file",
            )
    try:
        documents.check_writable(path)
    except OSError as error:
        raise ConfigurationError(
            f"--report {path}: cannot be written: {error.strerror or error}",
            advice="name a file in a directory that exists and is writable",
        ) from error


def _same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by whatever links; not if one is missing."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
