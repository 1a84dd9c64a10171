"""Route ``copy``: CopyImage from a region that has the image, not yet published."""

from collections import Counter
from typing import Final

import anyio

from ali_import.cloud.calls import CopyImage
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import CloudImage
from ali_import.errors import ApiError, CloudError, TaskFailedError, TransportError
from ali_import.publish.job import Job
from ali_import.publish.making import description, make
from ali_import.publish.model import Step
from ali_import.publish.sources import ImageSource

_FAILURES_MAX: Final = 24
_FAILURES_EACH_MAX: Final = 3
_CONFLICTS_MAX: Final = 60
_CONFLICT_S_MAX: Final = 30.0


async def copy(job: Job) -> CloudImage:
    """Copy the image from the least busy region that has it; on failure, another.

    Raises:
        CloudError: No source is left to try; the error is the last one's.
    """
    job.sources.no_image(job.region)
    job.enter(Step.COPY)
    failures: Counter[ImageSource] = Counter()
    conflicts = 0
    last: CloudError | None = None
    while failures.total() < _FAILURES_MAX and conflicts < _CONFLICTS_MAX:
        refused = [s for s, n in failures.items() if n >= _FAILURES_EACH_MAX]
        source = await job.sources.take_image(job.region, failures)
        if source is None and len(refused) < len(failures):
            # What failed once may work the next time, when there is no other.
            source = await job.sources.take_image(job.region, refused)
        if source is None:
            # Nobody has it unpublished: have it imported somewhere, for a while.
            if not await job.borrow(job, [s.region for s in failures]):
                break
            continue
        try:
            return await _copy_from(job, source)
        except CloudError as error:
            last = error
            if error.code == "OperationDenied.ImageCopyConflict":
                conflicts += 1
                await _yield_to_other_copies(job, conflicts)
            elif _is_for_good(job, error):
                raise
            else:
                passing = isinstance(error, TaskFailedError)
                failures[source] += 1 if passing else _FAILURES_EACH_MAX
        finally:
            job.sources.slots.give_back(source)
            job.sources.bell.ring()
    raise last or _no_source(job)


def _no_source(job: Job) -> ApiError:
    text, advice = "no region has the image to copy it from", ""
    if refusal := job.sources.refusal:
        text += f", nor can import it ({refusal.region}: {refusal.code})"
        advice = refusal.advice or look_up(refusal).advice
    return ApiError(
        text,
        region=job.region,
        operation="ecs.CopyImage",
        code="NoSource",
        http_status=404,
        advice=advice or "see why the other regions failed, and that OSS is activated",
    )


async def _copy_from(job: Job, source: ImageSource) -> CloudImage:
    async def ask(token: str) -> str:
        return await job.context.cloud.call(
            CopyImage(
                region=source.region,
                client_token=token,
                image_id=source.image_id,
                destination_region=job.region,
                destination_name=job.name,
                description=description(job),
                tags=job.tags,
            )
        )

    return await make(job, ask, "copy", source.region, source.image_id)


async def _yield_to_other_copies(job: Job, conflicts: int) -> None:
    """Let the copy that is in the way get on; from now on one at a time."""
    job.sources.slots.serial = True
    bound_s = min(1.5**conflicts, _CONFLICT_S_MAX)
    await anyio.sleep(bound_s * (0.5 + 0.5 * job.context.rng.random()))


def _is_for_good(job: Job, error: CloudError) -> bool:
    """Whether no other source would help: it is about where the image should go."""
    if isinstance(error, TaskFailedError):
        return False
    if isinstance(error, TransportError):
        return error.region == job.region
    return look_up(error).meaning in {Meaning.FINAL, Meaning.ROUTE}
