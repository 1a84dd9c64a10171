"""Making an image: asking once, whatever gets lost, and waiting until it is there."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Final

from ali_import.cloud.calls import (
    DescribeImages,
    ImportImage,
    ModifyImageAttribute,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import BROKEN, CloudImage, ImageStatus
from ali_import.disk import BootMode
from ali_import.errors import ApiError, CloudError, TaskFailedError
from ali_import.publish import images
from ali_import.publish.job import Job
from ali_import.publish.lease import (
    TAG_RUN,
    TAG_SHA256,
    TEMPORARY_TAGS,
    client_token,
)
from ali_import.publish.model import Step
from ali_import.publish.removal import remove_image
from ali_import.publish.watcher import ImageGoneError

_ROUNDS_MAX: Final = 6

Ask = Callable[[str], Awaitable[str]]
"""Asks the cloud to make the image, with a ClientToken, and returns its id."""


async def import_object(job: Job, key: str) -> CloudImage:
    """Import the staged object, and return the image when it is Available.

    Raises:
        TaskFailedError: The import failed; its code is the cloud's reason.
        CloudError: The cloud refused.
    """
    disk = job.target.image

    async def ask(token: str) -> str:
        started = await job.context.cloud.call(
            ImportImage(
                region=job.region,
                client_token=token,
                name=job.name,
                description=description(job),
                architecture=disk.architecture or "",
                boot_mode=disk.boot_mode,
                size_gib=disk.size_gib,
                bucket=job.site.workspace.bucket,
                key=key,
                nvme=job.context.options.nvme,
                imds=job.context.options.imds,
                tags=job.tags,
            )
        )
        job.task_id = started.task_id
        return started.image_id

    job.enter(Step.IMPORT)
    try:
        image = await make(job, ask, "import", key)
    except TaskFailedError as error:
        job.sources.failed_imports += 1
        job.sources.refusal = error
        raise
    job.sources.failed_imports = 0
    return image


def description(job: Job) -> str:
    """Describe the image for people who find it in the console."""
    digest = job.target.image.sha256
    return f"Published by ali-import; content sha256 {digest}"


async def make(job: Job, ask: Ask, *about: str) -> CloudImage:
    """Have the cloud make the job's image, and wait until it is Available.

    The ClientToken is derived from what is to be made, so repeating the request after
    a lost reply gives the same image. When the cloud says that the name or the token
    is taken, what is there is looked at: ours is adopted. When nothing is there, the
    token is used up (an image made with it was deleted since), and a fresh one is
    taken.

    Raises:
        TaskFailedError: The import or copy failed for good.
        CloudError: The cloud refused, or the name is somebody else's.
    """
    step = job.step
    for round_ in range(_ROUNDS_MAX):
        job.making = True
        try:
            image_id = await ask(_token(job, *about))
        except CloudError as error:
            if look_up(error).meaning is not Meaning.LOOK:
                raise
            found = await find(job)
            if found is None:
                job.salt = f"{job.context.lease.run_id}-{round_}"
                continue
            refuse_foreign(job, found)
            if found.status in BROKEN:
                await make_room(job, found)
                continue
            await adopt(job, found)
            image_id = found.image_id
        try:
            return await wait(job, image_id)
        except ImageGoneError:
            job.salt = f"{job.context.lease.run_id}-{round_}"
            job.task_id = ""
        except TaskFailedError:
            await clear_away(job)
            # What somebody else began may fail for reasons of his: begin it ourselves.
            if not job.adopted:
                raise
            job.adopted = False
        job.enter(step)
    raise ApiError(
        f"the image {job.name} vanished {_ROUNDS_MAX} times while it was being made",
        region=job.region,
        operation="ecs.ImportImage",
        code="ImageGone",
        http_status=409,
        advice="somebody else may be deleting it; run again",
    )


async def adopt(job: Job, found: CloudImage) -> None:
    """Take over an image that another run began; a temporary one gets our lease.

    One that we began ourselves, and lost the answer, is ours already.

    Raises:
        CloudError: It cannot be tagged.
    """
    job.adopted = found.tags.get(TAG_RUN) != job.context.lease.run_id
    if job.adopted and job.temporary:
        lease = job.context.lease
        await images.tag(job.context, job.region, found.image_id, lease.tags())


async def wait(job: Job, image_id: str) -> CloudImage:
    """Wait until an image in the making is Available, and repair what it lost."""
    job.making = True
    job.enter(Step.WAIT)
    try:
        image = await job.site.watcher.available(
            image_id, job.task_id, lambda percent: job.enter(Step.WAIT, percent)
        )
    except CloudError:
        job.making = False
        raise
    job.making = False
    job.image = image
    await repair(job, image)
    return job.image


async def find(job: Job) -> CloudImage | None:
    """Return the image that has the job's name in the region, in any status."""
    found = await job.context.cloud.call(
        DescribeImages(region=job.region, name=job.name)
    )
    return next((image for image in found if image.name == job.name), None)


async def make_room(job: Job, broken: CloudImage) -> None:
    """Remove a failed image of ours from the name, and change the token."""
    await remove_image(job.context, job.region, broken)
    job.replaced = broken.image_id
    job.task_id = ""


async def clear_away(job: Job) -> None:
    """Remove what is left of an image that failed, as far as the cloud lets us.

    Its name is needed for the next try, and its token would only give it again.
    """
    try:
        left = await find(job)
        if left is not None and job.is_ours(left) and left.status in BROKEN:
            await make_room(job, left)
    except CloudError as error:
        text = f"a failed image may be left as {job.name}: {error.code}"
        job.context.note(text, region=job.region, level="WARNING")


def refuse_foreign(job: Job, image: CloudImage) -> None:
    """Raise if an image under the job's name holds other content."""
    if job.is_ours(image):
        return
    why = "has other content"
    if TAG_SHA256 not in image.tags:
        why = "has no tag of ours, so that nobody knows its content"
    raise ApiError(
        f"an image of this name ({image.image_id}) {why}",
        region=job.region,
        operation="ecs.DescribeImages",
        code="ImageExists",
        http_status=409,
        advice="use --overwrite to replace it, or another --name",
    )


async def repair(job: Job, image: CloudImage) -> bool:
    """Set what the image should have and has not; copies lose attributes and tags.

    Returns:
        Whether anything had to be set.
    """
    options, wanted = job.context.options, job.target.image
    deprecated = image.status is ImageStatus.DEPRECATED
    if deprecated:
        # Whoever asks to publish it again wants it to be found.
        await job.context.cloud.call(
            ModifyImageAttribute(
                region=job.region,
                image_id=image.image_id,
                status=ImageStatus.AVAILABLE,
            )
        )
        job.image = dataclasses.replace(image, status=ImageStatus.AVAILABLE)
        text = f"{image.name} was deprecated; made it Available again"
        job.context.note(text, region=job.region, level="WARNING")
    change: dict[str, str] = {}
    if image.nvme != options.nvme:
        change["nvme"] = options.nvme
    if (image.imds or "v1") != options.imds:
        change["imds"] = options.imds
    if (image.boot_mode or BootMode.BIOS) != wanted.boot_mode:
        change["boot_mode"] = wanted.boot_mode
    if change:
        await job.context.cloud.call(
            ModifyImageAttribute(
                region=job.region,
                image_id=image.image_id,
                nvme=change.get("nvme"),
                imds=change.get("imds"),
                boot_mode=change.get("boot_mode"),
            )
        )
    missing = {k: v for k, v in job.tags.items() if k not in image.tags}
    if missing:
        await images.tag(job.context, job.region, image.image_id, missing)
    surplus = not job.temporary and any(key in image.tags for key in TEMPORARY_TAGS)
    if surplus:
        await images.mark_permanent(job.context, job.region, image.image_id)
    return bool(deprecated or change or missing or surplus)


def _token(job: Job, *about: str) -> str:
    return client_token(
        job.context.account_id,
        job.region,
        job.name,
        job.target.image.sha256,
        *about,
        job.replaced,
        job.salt,
    )
