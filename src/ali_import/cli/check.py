"""``ali-import check``: is the account ready for a publication, and what does it need?"""

import json
from collections.abc import Iterable

import ali_import
from ali_import import Cloud, ConfigurationError, Finding, Grade, Release
from ali_import.cli import streams
from ali_import.cli.exit_status import ExitStatus
from ali_import.cli.session import ask, connected, may_ask
from ali_import.cli.standing_arguments import CheckArguments
from ali_import.report.lines import Messages

# Without these, nothing else could be asked.
_FIRST = frozenset({"credentials", "clock"})


class CheckCommand:
    """One execution of the command."""

    def __init__(self, arguments: CheckArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages

    async def check(self) -> ExitStatus:
        """Ask, and print.

        Raises:
            AliImportError: Something is wrong with the release or the set-up; in a group
                if several things are.
            KeyboardInterrupt: A signal came.
        """
        given = self._arguments
        release = self._release()
        options = release.options
        if given.policy:
            return _print(ali_import.least_policy(options, release.images))
        if given.fix and not (given.yes or may_ask(self._messages)):
            raise ConfigurationError(
                "check --fix asks before it changes anything, and there is no terminal to "
                "ask on",
                advice="add --yes to do it without asking",
            )

        async def work(cloud: Cloud) -> ExitStatus:
            if given.trust:
                return _print(await ali_import.trust_policy(cloud, given.trust))
            findings = await ali_import.check(cloud, options=options)
            self._show(findings)
            if given.fix:
                findings = await self._fix(cloud, findings)
            return status(findings)

        return await connected(work, verbosity=given.verbosity)

    def _show(self, findings: Iterable[Finding]) -> None:
        streams.print_lines(self._messages.redactor.line(line(f)) for f in findings)

    async def _fix(
        self, cloud: Cloud, findings: tuple[Finding, ...]
    ) -> tuple[Finding, ...]:
        """Do what can be done, after asking; print how it ended."""
        fixes = [finding.fix for finding in findings if finding.fix]
        if not fixes:
            self._messages.line("there is nothing for --fix to do")
            return findings
        question = f"{'; '.join(fixes)}?"
        if not (self._arguments.yes or await ask(self._messages, question)):
            return findings
        fixed = await ali_import.fix(cloud, findings)
        self._show(
            after for before, after in zip(findings, fixed, strict=True) if before.fix
        )
        return fixed

    def _release(self) -> Release:
        given = self._arguments
        if given.config is None:
            return ali_import.make_release(given.wanted)
        return ali_import.load_release(
            given.config, settings=given.settings, instead=given.wanted
        )


def _print(document: object) -> ExitStatus:
    streams.print_lines([json.dumps(document, indent=2)])
    return ExitStatus.ALL_PLACED


def line(finding: Finding) -> str:
    """Return the line that tells a finding."""
    text = f"{finding.grade} {finding.subject}: {finding.text}"
    return f"{text}; {finding.advice}" if finding.advice else text


def status(findings: tuple[Finding, ...]) -> ExitStatus:
    """Return the exit status: without credentials nothing can be said."""
    failed = {f.subject for f in findings if f.grade is Grade.FAIL}
    if _FIRST & failed:
        return ExitStatus.ALL_FAILED
    return ExitStatus.SOME_FAILED if failed else ExitStatus.ALL_PLACED
