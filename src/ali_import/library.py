"""The library: everything that ``ali_import`` offers to its callers, and the command.

It opens nothing that it does not close, starts no thread that it does not need, installs
no signal handler, prints nothing, and leaves the environment as it is. Whatever could
block an event loop (reading files, loading the SDKs, the calls) happens in worker threads.
"""

import dataclasses
import os
import resource
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

import anyio
import anyio.lowlevel
from anyio import to_thread

from ali_import.cloud.calls import Cloud
from ali_import.disk.scratch import Scratch
from ali_import.errors import ConfigurationError
from ali_import.preparing import make_targets
from ali_import.publish import cleanup
from ali_import.publish.context import steadied, survey
from ali_import.publish.model import Event, Leftover, Note, Options, Report, Target
from ali_import.publish.naming import Image
from ali_import.publish.run import Run
from ali_import.standing import images as standing_images
from ali_import.standing import policy
from ali_import.standing import prune as pruning_of
from ali_import.standing.account import refuse_account
from ali_import.standing.check import check as check_of
from ali_import.standing.check import fix as fix_of
from ali_import.standing.finding import Finding
from ali_import.standing.images import Standing
from ali_import.standing.plan import Plan, make_plan
from ali_import.standing.prune import Pruned
from ali_import.standing.retention import Pruning, Retention

if TYPE_CHECKING:
    from ali_import.cloud.sdk.cloud import SdkCloud

# Descriptors for the images, for loading modules, and for what the caller opens; and
# those without which not even one call after another would get through.
_DESCRIPTORS_SPARED: Final = 16
_DESCRIPTORS_MIN: Final = 16


class OptionChanges(TypedDict, total=False):
    """The fields of ``Options`` as keyword arguments."""

    regions: tuple[str, ...]
    excluded: frozenset[str]
    public: bool | None
    share: tuple[str, ...] | None
    tags: Mapping[str, str] | None
    description: str | None
    overwrite: bool
    all_or_nothing: bool
    allow_failure: frozenset[str]
    role: str
    timeout_s: float
    nvme: str | None
    imds: str | None
    detect: bool


def _ignore(_: Event) -> None:
    """Take no notice of what happens."""


@asynccontextmanager
async def connect() -> AsyncIterator[Cloud]:
    """Open the cloud that the environment describes; makes no call yet.

    Proxy and trusted certificates come from the usual variables, credentials (at the
    first call) from the official chain. Leaving the block closes every connection.

    Raises:
        ConfigurationError: The proxy or the certificates to trust are set up wrong, or
            too few files may be open at once.
    """
    cloud = await to_thread.run_sync(_open)
    try:
        yield cloud
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(cloud.close)


def _open() -> "SdkCloud":
    # Takes a tenth of a second to load: in a worker thread, not in the event loop.
    from ali_import.cloud.sdk.cloud import SdkCloud  # noqa: PLC0415
    from ali_import.cloud.sdk.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment(os.environ)
    wanted = min(settings.descriptors_max, _descriptors_free())
    return SdkCloud(dataclasses.replace(settings, descriptors_max=wanted))


def _descriptors_free() -> int:
    """Return how many sockets and files the cloud may open at once.

    Raises:
        ConfigurationError: Too few to work at all.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        used = len(list(Path("/dev/fd").iterdir()))
    except OSError:  # all of them, perhaps
        used = limit
    free = limit - used - _DESCRIPTORS_SPARED
    if free < _DESCRIPTORS_MIN:
        raise ConfigurationError(
            f"the limit of open files is {limit}, and {used} are open already",
            advice="raise the limit, for example with `ulimit -n 1024`",
        )
    return free


class Publication:
    """One publication, for callers who want to stop it or to know what it may leave.

    Other callers use ``publish``.

    Args:
        cloud: From ``connect``.
        images: What to publish.
        options: How.
        on_event: Called with each event, in the event loop; must be quick and not raise.
    """

    def __init__(
        self,
        cloud: Cloud,
        images: Sequence[Image],
        options: Options | None = None,
        *,
        on_event: Callable[[Event], None] = _ignore,
    ) -> None:
        options = options or Options()
        # The same region twice would be one placement too many.
        regions = tuple(dict.fromkeys(options.regions))
        self._cloud = cloud
        self._images = tuple(images)
        self._options = dataclasses.replace(options, regions=regions)
        self._on_event = on_event
        self._interrupted = False
        self._run: Run | None = None
        self._targets: tuple[Target, ...] = ()
        self._scratch = Scratch()

    @property
    def targets(self) -> tuple[Target, ...]:
        """The images with their names and families; empty until they are inspected."""
        return self._targets

    async def execute(self) -> Report:
        """Inspect the images, publish them, clean up, and report; call it once.

        When cancelled, it cleans up first, which takes minutes at most; events tell what
        may be left.

        Raises:
            ConfigurationError: Names, options, credentials or the network cannot be used;
                nothing was changed.
            DiskImageError: A file cannot be published; nothing was changed. If several
                cannot, an ``ExceptionGroup`` of these.
        """
        try:
            return await self._publish()
        finally:
            self.discard()

    async def _publish(self) -> Report:
        self._targets = await make_targets(
            steadied(self._cloud, _dice(), self._on_event),
            self._images,
            self._options,
            self._scratch,
            self._on_event,
        )
        await refuse_account(steadied(self._cloud, _dice(), self._on_event))
        self._run = Run(
            self._cloud,
            self._targets,
            self._options,
            run_id=secrets.token_hex(4),
            rng=_dice(),
            now=time.time,
            emit=self._on_event,
        )
        if self._interrupted:
            self._run.interrupt()
        try:
            report = await self._run.execute()
            # A caller that was cancelled while cleaning up came to its end hears of it.
            await anyio.lowlevel.checkpoint_if_cancelled()
            return report
        except BaseException:
            for left in self.leftovers():
                text = f"left over: {left.kind} {left.name} {left.detail}".rstrip()
                self._on_event(Note(text=text, region=left.region, level="WARNING"))
            raise

    def interrupt(self) -> None:
        """Stop the publication: ``execute`` cleans up and returns its report."""
        self._interrupted = True
        if self._run is not None:
            self._run.interrupt()

    def discard(self) -> None:
        """Remove the temporary files of compressed images, as ``execute`` does at its end.

        For callers that end the process before that.
        """
        self._scratch.close()

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return the temporary things that exist, or may exist, right now."""
        return self._run.leftovers() if self._run is not None else ()


async def publish(
    cloud: Cloud,
    images: Sequence[Image],
    *,
    options: Options | None = None,
    on_event: Callable[[Event], None] = _ignore,
    **changes: Unpack[OptionChanges],
) -> Report:
    """Publish images, as ``ali-import IMAGE...`` does.

    A region that fails is not an exception; the report has it.

    Args:
        cloud: From ``connect``.
        images: What to publish.
        options: How; the defaults if None.
        on_event: Called with each event, in the event loop; must be quick and not raise.
        **changes: Fields of ``options`` to change, for example ``public=True``.

    Raises:
        ConfigurationError: As ``Publication.execute``.
        DiskImageError: As ``Publication.execute``.
    """
    chosen = dataclasses.replace(options or Options(), **changes)
    return await Publication(cloud, images, chosen, on_event=on_event).execute()


def publish_sync(
    images: Sequence[Image],
    *,
    options: Options | None = None,
    on_event: Callable[[Event], None] = _ignore,
    **changes: Unpack[OptionChanges],
) -> Report:
    """Connect and ``publish`` in an event loop of its own, from ordinary code.

    The first Ctrl-C cleans up, tells ``on_event`` what may be left, and then raises
    KeyboardInterrupt; the second raises it at once. (Both go to asyncio's handler, if
    Python's default handler is installed.)

    Raises:
        RuntimeError: An event loop runs in this thread.
        ConfigurationError: As ``Publication.execute``.
        DiskImageError: As ``Publication.execute``.
        KeyboardInterrupt: After cleaning up.
    """
    if _in_event_loop():
        raise RuntimeError(
            "publish_sync starts its own event loop; where one is running already, await "
            "ali_import.publish instead"
        )

    async def work() -> Report:
        async with connect() as cloud:
            return await publish(
                cloud, images, options=options, on_event=on_event, **changes
            )

    return anyio.run(work)


def _in_event_loop() -> bool:
    try:
        anyio.get_current_task()
    except RuntimeError:
        return False
    return True


async def plan(
    cloud: Cloud,
    images: Sequence[Image],
    *,
    options: Options | None = None,
    on_event: Callable[[Event], None] = _ignore,
    **changes: Unpack[OptionChanges],
) -> Plan:
    """Return what publishing images would do; changes nothing: no call writes.

    Args:
        cloud: From ``connect``.
        images: What would be published.
        options: How; the defaults if None.
        on_event: Called with each event, in the event loop; must be quick and not raise.
        **changes: Fields of ``options`` to change, for example ``public=True``.

    Raises:
        ConfigurationError: As ``Publication.execute``.
        DiskImageError: As ``Publication.execute``.
    """
    chosen = dataclasses.replace(options or Options(), **changes)
    steady = steadied(cloud, _dice(), on_event)
    scratch = Scratch()
    try:
        wanted = await make_targets(steady, images, chosen, scratch, on_event)
    finally:
        scratch.close()  # what was unpacked is not needed to compare
    return await make_plan(steady, wanted, chosen)


async def list_images(
    cloud: Cloud,
    *,
    regions: Sequence[str] = (),
    name: str = "",
    family: str = "",
    untagged: bool = False,
    on_event: Callable[[Event], None] = _ignore,
) -> Standing:
    """List the images in the cloud; changes nothing.

    Regions that could not be asked are no exception; ``Standing.unseen`` lists them.

    Args:
        cloud: From ``connect``.
        regions: Where to look; everywhere if empty.
        name: The name of an image or of a version, or a pattern with ``*``.
        family: A family, with a flavour's suffix or without it; or a pattern.
        untagged: Whether to list also images that this tool did not make.
        on_event: Called with each event, in the event loop; must be quick and not raise.

    Raises:
        ConfigurationError: A region does not exist, or the credentials or the network
            cannot be used.
    """
    return await standing_images.look(
        steadied(cloud, _dice(), on_event),
        regions=regions,
        wanted=standing_images.matching(name, family, untagged=untagged),
    )


async def find_prunable(
    cloud: Cloud,
    families: Sequence[str],
    retention: Retention,
    *,
    on_event: Callable[[Event], None] = _ignore,
) -> Pruning:
    """Return which images of older versions are due to be deprecated or deleted.

    Changes nothing. Regions that could not be asked are no exception; ``Pruning.unseen``
    lists them.

    Args:
        cloud: From ``connect``.
        families: Families, without a flavour's suffix (all flavours) or with one.
        retention: What is kept, and what happens to the rest.
        on_event: Called with each event, in the event loop; must be quick and not raise.

    Raises:
        ConfigurationError: Fewer than one version is to be kept, or the credentials or
            the network cannot be used.
    """
    if retention.keep < 1:
        raise ConfigurationError("at least 1 version of a family has to be kept")
    return await pruning_of.find_prunable(
        cloud, families, retention, now=time.time(), rng=_dice(), emit=on_event
    )


async def prune(
    cloud: Cloud,
    pruning: Pruning,
    *,
    on_event: Callable[[Event], None] = _ignore,
) -> tuple[Pruned, ...]:
    """Deprecate and delete what ``find_prunable`` found due.

    Looks at every region again first, and leaves alone what is no longer due. A failure
    is not an exception, but ``Pruned.error``.

    Raises:
        ConfigurationError: The credentials or the network cannot be used.
    """
    return await pruning_of.prune(
        cloud, pruning, rng=_dice(), now=time.time, emit=on_event
    )


async def check(
    cloud: Cloud,
    *,
    options: Options | None = None,
    on_event: Callable[[Event], None] = _ignore,
    **changes: Unpack[OptionChanges],
) -> tuple[Finding, ...]:
    """Check whether a publication can work, as far as that can be known beforehand.

    Changes nothing. Credentials that do not work are a finding, not an exception.

    Args:
        cloud: From ``connect``.
        options: How it would be published; the defaults if None.
        on_event: Called with each event, in the event loop; must be quick and not raise.
        **changes: Fields of ``options`` to change, for example ``public=True``.
    """
    chosen = dataclasses.replace(options or Options(), **changes)
    steady = steadied(cloud, _dice(), on_event)
    return await check_of(steady, chosen, now=time.time)


async def fix(
    cloud: Cloud,
    findings: Sequence[Finding],
    *,
    on_event: Callable[[Event], None] = _ignore,
) -> tuple[Finding, ...]:
    """Repair the findings that have a ``fix``.

    Returns the findings; those that were repaired, or could not be, are replaced by their
    results. A refusal is a finding, not an exception.

    Args:
        cloud: From ``connect``.
        findings: From ``check``.
        on_event: Called with each event, in the event loop; must be quick and not raise.
    """
    steady = steadied(cloud, _dice(), on_event)
    return tuple(
        [await fix_of(steady, each) if each.fix else each for each in findings]
    )


async def trust_policy(cloud: Cloud, project: str) -> dict[str, Any]:
    """Return the trust policy of a role that a project's CI jobs can assume by OIDC.

    Args:
        cloud: From ``connect``; its account is the one with the role.
        project: ``github:ORG/REPO`` or ``gitlab:GROUP/PROJECT``.

    Raises:
        ConfigurationError: It is no such project, or the credentials or the network
            cannot be used.
    """
    policy.trust_policy(project, "")  # complains before anybody is asked
    account_id, _ = await survey(steadied(cloud, _dice(), _ignore))
    return policy.trust_policy(project, account_id)


async def find_leftovers(
    cloud: Cloud, *, on_event: Callable[[Event], None] = _ignore
) -> tuple[Leftover, ...]:
    """List what publications left behind in every region.

    For regions that could not be asked, ``on_event`` gets a ``Note`` of level WARNING.

    Raises:
        ConfigurationError: The credentials or the network cannot be used.
    """
    return await cleanup.find_leftovers(cloud, emit=on_event)


async def remove_leftovers(
    cloud: Cloud,
    leftovers: Sequence[Leftover],
    *,
    on_event: Callable[[Event], None] = _ignore,
) -> tuple[Leftover, ...]:
    """Remove leftovers, whatever their lease says; return those not removed.

    Those whose ``expires_at`` lies in the future may belong to a run in progress. When
    cancelled, it first removes the functions that it made to empty buckets.

    Raises:
        ConfigurationError: The credentials or the network cannot be used.
    """
    return await cleanup.remove_leftovers(
        cloud, leftovers, rng=_dice(), now=time.time, emit=on_event
    )


def _dice() -> Random:
    """Return a generator for jitter that no two processes share."""
    return Random(secrets.randbits(128))
