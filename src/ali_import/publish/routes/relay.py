"""Route ``relay``: as ``direct``, but through a function inside the region."""

from ali_import.cloud.values import CloudImage
from ali_import.errors import CloudError
from ali_import.publish.job import Job
from ali_import.publish.making import import_object
from ali_import.publish.routes.direct import not_the_seed
from ali_import.publish.staging import stage_fetched, stage_file


async def relay(job: Job) -> CloudImage:
    """Send the file inside invocations, part by part, and import it.

    Raises:
        CloudError: No Function Compute, no bucket, or the import failed.
    """
    await _prepare(job)
    key = await stage_file(job, relay=job.site.workspace.function)
    return await import_object(job, key)


async def relay_seed(job: Job) -> CloudImage:
    """Have the function fetch a large file from a region that has staged it.

    If no region can stage it where it can be read, one region gets the file as
    ``relay`` does, and the others copy the image from there.

    Raises:
        CloudError: No Function Compute, no bucket, another region is the seed, or the
            import failed.
    """
    await _prepare(job)
    job.sources.add_reserve(job.region)
    if await job.sources.object_known(job.region):
        key = await stage_fetched(job, relay=job.site.workspace.function)
        return await import_object(job, key)
    if not job.sources.claim_seed(job.region):
        raise not_the_seed(job)
    try:
        return await relay(job)
    except CloudError:
        job.sources.give_up_seed(job.region)
        raise


async def _prepare(job: Job) -> None:
    await job.site.workspace.need_bucket()
    await job.site.workspace.need_relay()
