"""Route ``direct``: upload to a bucket in the region, and import it there."""

from ali_import.cloud.values import CloudImage, ObjectSource
from ali_import.errors import ApiError, CloudError
from ali_import.publish.job import Job
from ali_import.publish.making import import_object
from ali_import.publish.staging import stage_file


async def direct(job: Job) -> CloudImage:
    """Upload the file to the region and import it.

    Raises:
        CloudError: OSS is closed to us there, or the import failed.
    """
    return await import_object(job, await _stage(job))


async def direct_seed(job: Job) -> CloudImage:
    """Upload a large file, if this region is the one to upload it to.

    Raises:
        CloudError: OSS is closed to us there, another region is the seed, or the
            import failed.
    """
    try:
        await job.site.workspace.need_direct()
    except CloudError:
        job.sources.no_object(job.region)
        raise
    job.sources.add_reserve(job.region)
    while not job.sources.claim_seed(job.region):
        if await job.sources.seed_settled():
            raise not_the_seed(job)
    try:
        key = await _stage(job)
    except CloudError:
        job.sources.no_object(job.region)
        job.sources.give_up_seed(job.region)
        raise
    return await import_object(job, key)


async def _stage(job: Job) -> str:
    workspace = job.site.workspace
    await workspace.need_direct()
    try:
        key = await stage_file(job, relay="")
    except CloudError as error:
        if error.code == "PublicEndpointForbidden":
            workspace.refuse_direct(error)
        raise
    job.sources.add_object(
        ObjectSource(region=job.region, bucket=workspace.bucket, key=key)
    )
    return key


def not_the_seed(job: Job) -> ApiError:
    """Say that a large file goes up elsewhere, so that the next route is taken."""
    return ApiError(
        "the file goes up to another region, and is fetched or copied from there",
        region=job.region,
        operation="oss.PutObject",
        code="NotTheSeed",
        http_status=409,
    )
