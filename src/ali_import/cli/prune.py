"""``ali-import prune``: deprecate older versions, and delete them later."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import ali_import
from ali_import import Cloud, ConfigurationError, Fate, Pruned, Pruning, Verdict
from ali_import.cli import streams
from ali_import.cli.complaints import cloud_line
from ali_import.cli.exit_status import ExitStatus
from ali_import.cli.session import ask, connected, may_ask, tell_unseen
from ali_import.cli.standing_arguments import PruneArguments
from ali_import.redaction import one_line
from ali_import.report import display
from ali_import.report.lines import Messages, counted

_DONE: Final = {Fate.DEPRECATE: "deprecated", Fate.DELETE: "deleted"}
_VERSIONS_TOLD_MAX: Final = 8


class PruneCommand:
    """One execution of the command."""

    def __init__(self, arguments: PruneArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages
        self._display = display.choose(
            messages,
            verbosity=arguments.verbosity,
            clock_s=time.monotonic,
            environment={**os.environ, "TERM": "dumb"},  # what it does is soon told
        )

    async def prune(self) -> ExitStatus:
        """Look, ask if need be, and do what is due.

        Raises:
            AliImportError: Nothing could be begun; in a group if several things are
                wrong.
            KeyboardInterrupt: A signal came.
        """
        given = self._arguments
        families, retention = ali_import.load_retention(
            given.config, settings=given.settings, instead=given.wanted
        )
        if not (given.plan or given.yes or may_ask(self._messages)):
            raise ConfigurationError(
                "prune asks before it changes anything, and there is no terminal to ask on",
                advice="add --yes to do what is due without asking, or --plan to see it",
            )

        async def work(cloud: Cloud) -> ExitStatus:
            pruning = await ali_import.find_prunable(
                cloud, families, retention, on_event=self._display.emit
            )
            if given.plan:
                return self._show(pruning)
            return await self._do(cloud, pruning)

        return await connected(
            work, verbosity=given.verbosity, say_stopping=self._say_stopping
        )

    def _say_stopping(self) -> None:
        self._messages.line(
            "interrupted: finishing what was begun; interrupt again to stop at once"
        )

    def _show(self, pruning: Pruning) -> ExitStatus:
        streams.print_lines(lines(pruning, ()))
        self._tell(pruning)
        if pruning.unseen:
            return ExitStatus.SOME_FAILED
        return ExitStatus.DIFFERS if pruning.due else ExitStatus.ALL_PLACED

    async def _do(self, cloud: Cloud, pruning: Pruning) -> ExitStatus:
        self._tell(pruning)
        endings: tuple[Pruned, ...] = ()
        agreed = (
            not pruning.due
            or self._arguments.yes
            or await ask(self._messages, f"{_due(pruning)}?")
        )
        if pruning.due and agreed:
            endings = await ali_import.prune(
                cloud, pruning, on_event=self._display.emit
            )
        streams.print_lines(lines(pruning, endings) if agreed else ())
        failed = [ending for ending in endings if ending.error is not None]
        if endings:
            self._messages.line(
                f"{len(endings) - len(failed)} of {counted(len(endings), 'image')} done"
            )
        if failed and len(failed) == len(endings):
            return ExitStatus.ALL_FAILED
        if failed or pruning.unseen:
            return ExitStatus.SOME_FAILED
        return ExitStatus.ALL_PLACED

    def _tell(self, pruning: Pruning) -> None:
        tell_unseen(self._messages, pruning.unseen)
        for text in summary(pruning):
            self._messages.line(text)


def lines(pruning: Pruning, endings: Sequence[Pruned]) -> Iterator[str]:
    """Yield a line for each image that something is due about, or that stays.

    Args:
        pruning: What was due.
        endings: What became of that; empty if nothing was tried.
    """
    ended = {(e.verdict.image.region, e.verdict.image.image_id): e for e in endings}
    for verdict in pruning.verdicts:
        image = verdict.image
        ending = ended.get((image.region, image.image_id))
        if ending is None:
            if verdict.fate is not Fate.WAIT:
                yield _line(verdict, verdict.fate, verdict.why)
        elif ending.error is not None:
            yield _line(verdict, "failed", cloud_line(ending.error))
        else:
            done = _DONE.get(ending.verdict.fate, ending.verdict.fate.value)
            yield _line(verdict, done, ending.verdict.why)


def _line(verdict: Verdict, what: str, why: str) -> str:
    image = verdict.image
    said = f"{image.region} {image.name} ({image.family}) {image.image_id} {what} {why}"
    return one_line(said)


def summary(pruning: Pruning) -> Iterator[str]:
    """Yield the lines for standard error."""
    for family, versions in pruning.kept.items():
        told = ", ".join(versions[:_VERSIONS_TOLD_MAX])
        more = len(versions) - _VERSIONS_TOLD_MAX
        told += f" and {more} more" if more > 0 else ""
        count = counted(len(versions), "version stays", "versions stay")
        yield f"{family}: {count}: {told}" if versions else f"{family}: no image"
    counts = Counter(verdict.fate for verdict in pruning.verdicts)
    if counts[Fate.WAIT]:
        images = counted(counts[Fate.WAIT], "deprecated image")
        yield f"{images} of older versions: kept for now"
    if not pruning.due:
        where = " in the regions that answered" if pruning.unseen else ""
        yield f"nothing is due{where}"
    elif counts[Fate.KEEP]:
        images = counted(counts[Fate.KEEP], "image")
        yield f"{images} of older versions: kept for the reasons given"


def _due(pruning: Pruning) -> str:
    """Return what is due, as a question begins."""
    counts = Counter(verdict.fate for verdict in pruning.due)
    parts = []
    if counts[Fate.DEPRECATE]:
        parts.append(f"deprecate {counted(counts[Fate.DEPRECATE], 'image')}")
    if counts[Fate.DELETE]:
        parts.append(f"delete {counted(counts[Fate.DELETE], 'image')} for good")
    return " and ".join(parts)
