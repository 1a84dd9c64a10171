"""``serve`` stays until it is interrupted."""

import argparse
import json
import os
import signal
from contextlib import nullcontext
from typing import Any

import anyio

from alicloud_emulator.cli import servers
from alicloud_emulator.cli.session import Session, session
from alicloud_emulator.cli.usage import usage_errors_unwrapped
from alicloud_emulator.front import environment

_STANDARD_INPUT = 0


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, and return 0.

    Raises:
        UsageError: An option is impossible, or a port or the name taken.
    """
    with usage_errors_unwrapped():
        anyio.run(_serve, options)
    return 0


async def _serve(options: argparse.Namespace) -> None:
    with anyio.open_signal_receiver(
        signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    ) as signals:
        async with session(options) as running:
            ready = _ready(running, options.name or str(os.getpid()))
            record = {
                **ready,
                "people": dict(running.people),
                "folder": str(running.emulator.bundle.parent),
            }
            found_by_env = (
                nullcontext() if options.until_eof else servers.announced(record)
            )
            with found_by_env:
                print(json.dumps(ready), flush=True)
                async with anyio.create_task_group() as tasks:
                    if options.until_eof:
                        tasks.start_soon(_end_with_input, tasks.cancel_scope)
                    async for _ in signals:
                        tasks.cancel_scope.cancel()


async def _end_with_input(scope: anyio.CancelScope) -> None:
    """Cancel when whoever started this closes its end, or is no more."""
    while True:
        await anyio.wait_readable(_STANDARD_INPUT)
        if not os.read(_STANDARD_INPUT, 4096):
            scope.cancel()
            return


def _ready(running: Session, name: str) -> dict[str, Any]:
    """Return the line that says where everything is."""
    return {
        "name": name,
        "pid": os.getpid(),
        "proxy": running.emulator.proxy,
        "endpoint": running.emulator.endpoint,
        "console": running.console_url,
        "ca_bundle": str(running.emulator.bundle),
        "env": {
            **running.environment({}),
            **environment.endpoints(running.emulator.proxy),
        },
        "unset": list(environment.REMOVED),
    }
