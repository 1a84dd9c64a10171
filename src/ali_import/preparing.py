"""From files to targets: every image is inspected, and gets its name and its family."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
from anyio import from_thread, to_thread

from ali_import.cloud.steady import Steady
from ali_import.disk import BootMode, DiskImage, inspect
from ali_import.disk.scratch import Scratch, sweep
from ali_import.disk.unpack import is_pipe
from ali_import.errors import ConfigurationError, DiskImageError
from ali_import.publish.model import Event, Note, Options, Target
from ali_import.publish.naming import Image, targets
from ali_import.standing.unfinished import is_unfinished
from ali_import.units import sized

# Hashing is bound by the processor and the disk; more at once gains nothing.
_INSPECTIONS_MAX: Final = 4


async def make_targets(
    cloud: Steady,
    images: Sequence[Image],
    options: Options,
    scratch: Scratch,
    tell: Callable[[Event], None],
) -> tuple[Target, ...]:
    """Inspect images, name them, and tell what was learned.

    Names with a date are those of today, but where a run of yesterday's was cut short.

    Raises:
        ConfigurationError: Names will not do, or there is no image.
        DiskImageError: A file cannot be published; several: an ``ExceptionGroup``.
    """
    if not images:
        raise ConfigurationError("there is no image to publish")
    inspected = await _inspect_all(images, scratch, tell)
    now = datetime.fromtimestamp(time.time(), UTC)
    made = targets(images, inspected, today=now.date())
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC)
    dated = [index for index, image in enumerate(images) if image.name is None]
    if dated and (now - midnight).total_seconds() < options.lease_s:
        before = targets(images, inspected, today=now.date() - timedelta(days=1))
        wanted = [before[index] for index in dated]
        if await is_unfinished(cloud, wanted, options, time.time):
            made = before
            name = wanted[0].name
            text = f"yesterday's run was cut short: continuing it as {name}"
            tell(Note(text=text, level="WARNING"))
    for target in made:
        tell(Note(text=_learned(target)))
        for warning in target.image.warnings:
            tell(Note(text=f"{target.image.path}: {warning}", level="WARNING"))
    return made


async def _inspect_all(
    images: Sequence[Image], scratch: Scratch, tell: Callable[[Event], None]
) -> tuple[DiskImage, ...]:
    """Inspect every file, in worker threads; compressed ones are unpacked.

    Raises:
        ConfigurationError: An image cannot be what was said of it.
        DiskImageError: One file has a fault.
        ExceptionGroup: Several have; of the DiskImageError of each.
    """
    found: dict[int, DiskImage] = {}
    wrong: dict[int, ConfigurationError | DiskImageError] = {}
    limiter = anyio.CapacityLimiter(_INSPECTIONS_MAX)
    await to_thread.run_sync(sweep)  # what a killed process has left

    async def look(index: int) -> None:
        try:
            found[index] = await to_thread.run_sync(
                _inspect,
                images[index],
                scratch,
                tell,
                abandon_on_cancel=True,
                limiter=limiter,
            )
        except (ConfigurationError, DiskImageError) as error:
            wrong[index] = error

    async with anyio.create_task_group() as group:
        for index in range(len(images)):
            group.start_soon(look, index)
    errors = [wrong[index] for index in sorted(wrong)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("several files cannot be published", errors)
    return tuple(found[index] for index in range(len(images)))


def _inspect(
    image: Image, scratch: Scratch, tell: Callable[[Event], None]
) -> DiskImage:
    path = Path(image.path)
    if image.name is None and is_pipe(path):
        raise ConfigurationError(
            f"{path}: an image from a pipe needs a name", advice="add --name NAME"
        )

    def progress(size_bytes: int) -> None:
        if not scratch.closed:
            note = Note(text=f"{path}: {sized(size_bytes)} unpacked")
            from_thread.run_sync(tell, note)

    return inspect(
        path,
        image.boot_mode,
        image.architecture,
        sha256=image.sha256,
        as_qcow2=image.as_qcow2,
        scratch=scratch,
        progress=progress,
    )


def _learned(target: Target) -> str:
    image = target.image
    machine = image.architecture or "x86_64 and arm64"
    mode = BootMode.UEFI_PREFERRED if image.uefi_preferred else image.boot_mode
    return (
        f"{image.path}: {mode}, {machine}, {image.size_gib} GiB, becomes "
        f"{target.name} ({target.family})"
    )
