"""Route ``relay``: as ``direct``, but through a function inside the region."""

from ali_import.cloud.values import CloudImage
from ali_import.publish.job import Job
from ali_import.publish.making import import_object
from ali_import.publish.routes.direct import not_the_seed
from ali_import.publish.staging import stage_fetched, stage_file


async def relay(job: Job) -> CloudImage:
    """Have the region's own function put the file into the bucket, and import it.

    A small file travels inside the invocation. A large one is fetched by the function
    from a region that has staged it; if no region can, one region gets it in parts
    inside invocations, and the others copy the image from there.

    Raises:
        CloudError: No Function Compute, no bucket, or the import failed.
    """
    workspace = job.site.workspace
    await workspace.need_bucket()
    await workspace.need_relay()
    if not job.large:
        key = await stage_file(job, relay=workspace.function)
    elif await job.sources.object_known(job.region):
        key = await stage_fetched(job, relay=workspace.function)
    elif job.sources.claim_seed(job.region):
        key = await stage_file(job, relay=workspace.function)
    else:
        raise not_the_seed(job)
    return await import_object(job, key)
