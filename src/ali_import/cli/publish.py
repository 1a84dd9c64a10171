"""``ali-import IMAGE...``: publish, and report."""

import dataclasses
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import anyio

import ali_import
from ali_import import (
    AliImportError,
    ConfigurationError,
    Event,
    Note,
    Options,
    Publication,
    RegionsKnown,
    Release,
    Report,
)
from ali_import.cli import signals, streams
from ali_import.cli.arguments import PublishArguments
from ali_import.cli.exit_status import ExitStatus, of_report
from ali_import.cli.release import NO_FAMILY, wanted_release
from ali_import.report import annotations, destinations, display, documents, log
from ali_import.report.destinations import Destination
from ali_import.report.ending import Ending, ending, ending_lines, headline, left_over
from ali_import.report.history import History
from ali_import.report.lines import Messages, result_lines, summary_lines
from ali_import.report.unanswered import Unanswered


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
        self._history = History(time.monotonic)
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
        given = self._arguments
        images = {Path(image.path): "image" for image in self._release.images}
        lists = {Path(name): "list of checksums" for name in given.sums}
        releases = {given.config: "release file"} if given.config else {}
        _check_reports(given.reports, images | lists | releases)
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
            watched = Unanswered(cloud, clock_s=time.monotonic)
            self._display.watch(watched)
            self._publication = Publication(
                log.logged(watched, verbosity=verbosity, clock_s=time.monotonic),
                self._release.images,
                self._release.options,
                on_event=self._emit,
            )
            return await self._publication.execute()

    def _emit(self, event: Event) -> None:
        self._display.emit(event)
        self._history.take(event)
        if isinstance(event, RegionsKnown):
            assert self._publication is not None
            self._history.know(self._publication.targets)
            self._display.know(self._publication.targets)
            if any(image.family is None for image in self._release.images):
                self._display.emit(Note(text=NO_FAMILY, level="WARNING"))

    def _stop_at_once(self) -> NoReturn:
        """Say what is left, and end the process."""
        left = self._publication.leftovers() if self._publication else ()
        if self._publication:
            self._publication.discard()
        self._showing.close()
        self._messages.line("ali-import: stopped")
        for each in left:
            self._messages.line(left_over(each))
        if left:
            self._messages.line("to remove what is left: ali-import cleanup --all")
        streams.leave_at_once(ExitStatus.INTERRUPTED)

    def _tell(self, report: Report) -> ExitStatus:
        """Write results, report and summary, each even if another cannot be written.

        Raises:
            ExceptionGroup: Of the AliImportError of each that could not.
        """
        status = of_report(report, self._release.options.allow_failure)
        end = self._ending(report, status)
        problems: list[AliImportError] = []
        reports = self._arguments.reports
        instead = next((each.format for each in reports if each.path is None), None)
        try:
            if instead is None:
                streams.print_lines(result_lines(report))
            else:
                streams.print_lines([documents.RENDERERS[instead](end).rstrip("\n")])
        except AliImportError as error:
            problems.append(error)
            status = ExitStatus.ALL_FAILED
            end = dataclasses.replace(end, exit_status=status)
        for each in reports:
            try:
                _write(end, each)
            except AliImportError as error:
                problems.append(error)
        self._explain(end)
        if problems:
            raise ExceptionGroup("some output could not be written", problems)
        return status

    def _ending(self, report: Report, status: ExitStatus) -> Ending:
        return ending(
            report,
            self._publication.targets if self._publication else (),
            self._history,
            exit_status=status,
            started_at=self._started_at,
            command=self._command(),
            public=bool(self._release.options.public),
            allow_failure=self._release.options.allow_failure,
            redactor=self._messages.redactor,
        )

    def _command(self) -> str:
        """Return the command that goes on from here, under the name of today."""
        targets = self._publication.targets if self._publication else ()
        name: tuple[str, ...] = ()
        if all(image.name is None for image in self._release.images):
            bases = {t.name.removesuffix(t.image.suffix) for t in targets}
            if len(bases) == 1:
                name = "-n", *bases
        return shlex.join(("ali-import", *name, *self._arguments.argv))

    def _explain(self, end: Ending) -> None:
        if annotations.wanted(os.environ):
            for line in annotations.lines(end):
                self._messages.table(line)
        for line in summary_lines(end.report):
            self._messages.table(line)
        for line in ending_lines(end):
            failed = line == headline(end)
            (self._messages.alarm if failed else self._messages.table)(line)


def _write(end: Ending, to: Destination) -> None:
    """Write one report; what goes to standard output was printed.

    Raises:
        AliImportError: It cannot be written.
    """
    if to.path is None:
        return
    text = documents.RENDERERS[to.format](end)
    try:
        destinations.write(text, to.path, appended=to.appended)
    except OSError as error:
        raise AliImportError(
            f"--report {to.given}: cannot be written: {error.strerror or error}",
            advice="run the same command again; nothing is done twice",
        ) from error


def _check_reports(reports: Sequence[Destination], inputs: Mapping[Path, str]) -> None:
    """Find out now, not after an hour, whether the reports can be written.

    Args:
        reports: Where they go.
        inputs: The files that the command reads, and what they are.

    Raises:
        ConfigurationError: One cannot, or it would take the place of an input or of
            another report.
    """
    if sum(each.path is None for each in reports) > 1:
        raise ConfigurationError(
            "--report: two reports for standard output", advice="give the other a file"
        )
    seen: set[Path] = set()
    for each in reports:
        if each.path is not None:
            _check_report(each, each.path, inputs, seen)


def _check_report(
    report: Destination, path: Path, inputs: Mapping[Path, str], seen: set[Path]
) -> None:
    for file, what in inputs.items():
        if destinations.same_file(path, file):
            raise ConfigurationError(
                f"--report {report.given}: is the same file as the {what} {file}",
                advice="name another file",
            )
    try:
        destinations.check_writable(path, appended=report.appended)
        real = path.resolve()
    except OSError as error:
        raise ConfigurationError(
            f"--report {report.given}: cannot be written: {error.strerror or error}",
            advice="name a file in a directory that exists and is writable",
        ) from error
    if real in seen and not report.appended:
        raise ConfigurationError(
            f"--report {report.given}: another report goes into this file",
            advice="name another file",
        )
    seen.add(real)
