"""An emulator with console and report, as ``exec`` and ``serve`` need it."""

import argparse
import logging
import resource
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import anyio

from alicloud_emulator.cli import options as meaning
from alicloud_emulator.cli.people import keys_of, people_of
from alicloud_emulator.cli.usage import UsageError
from alicloud_emulator.front import documents
from alicloud_emulator.front.console import Console
from alicloud_emulator.front.emulator import Emulator, running
from alicloud_emulator.front.graph import StateError

logger = logging.getLogger(__name__)

_OPEN_TO_OTHERS = (
    "alicloud-emulator: warning: listening on {}: other machines can reach the cloud,"
    " and whoever knows a key can run functions as you on this machine"
)


@dataclass(frozen=True, kw_only=True)
class Session:
    """A running emulator and its console."""

    emulator: Emulator
    console_url: str
    people: Mapping[str, tuple[str, str]]
    keys: tuple[str, str]

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the variables a program is given, on top of ``env``."""
        return {
            **self.emulator.environment(env, *self.keys),
            "ALICLOUD_EMULATOR_CONSOLE": self.console_url,
        }


@asynccontextmanager
async def session(options: argparse.Namespace) -> AsyncIterator[Session]:
    """Start an emulator; at the end write the report, if one was asked for.

    Raises:
        UsageError: An option is impossible, or a port taken.
    """
    settings = meaning.settings(options)
    console_port = meaning.console_port(options)
    people = people_of(settings.profile)
    keys = keys_of(people, options.user or settings.profile.accounts[0].id)
    report = _report_file(options.report)
    _log(options.verbose)
    _raise_file_limit()
    async with running(settings) as emulator, anyio.create_task_group() as tasks:
        try:
            await emulator.open()
            port = await Console(emulator).open(tasks, console_port)
        except StateError as error:
            raise UsageError(str(error)) from error
        except OSError as error:
            raise UsageError(f"cannot listen: {error.strerror or error}") from error
        warn_of_others(settings.address)
        try:
            yield Session(
                emulator=emulator,
                console_url=f"http://127.0.0.1:{port}",
                people=people,
                keys=keys,
            )
        finally:
            if report is not None:
                with anyio.CancelScope(shield=True):
                    await _write(emulator, report)
            tasks.cancel_scope.cancel()


def warn_of_others(address: str) -> None:
    """Say so on standard error where other machines can reach an address."""
    if not ip_address(address).is_loopback:
        print(_OPEN_TO_OTHERS.format(address), file=sys.stderr)


def _report_file(name: str | None) -> Path | None:
    """Check early that the report can be written: a run may take long."""
    if name is None:
        return None
    file = Path(name).absolute()
    if file.is_dir() or not file.parent.is_dir():
        raise UsageError(f"--report {name}: not a file in an existing folder")
    return file


async def _write(emulator: Emulator, file: Path) -> None:
    """Write the report; a failure is told, and changes no exit status."""
    try:
        documents.write(await emulator.report(), file)
    except OSError as error:
        print(f"alicloud-emulator: --report {file}: {error.strerror}", file=sys.stderr)
    except Exception:
        logger.exception("the report could not be made")


def _log(verbosity: int) -> None:
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(
        level=level, format="alicloud-emulator: %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _raise_file_limit() -> None:
    """Allow as many connections as the machine lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
