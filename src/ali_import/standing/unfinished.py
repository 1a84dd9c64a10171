"""Whether a run that began before midnight, under a name with its date, was cut short.

Such a run is gone on with under the name that it began with, or every region would get
the images once more. What it has left says so: a bucket whose lease is not over, and
images of the same content. A run that came to its end has left no bucket, or has made
every image; it never stops the next day's.
"""

from collections.abc import Callable, Sequence

import anyio

from ali_import.cloud.calls import DescribeImages, ListBuckets
from ali_import.cloud.steady import BRIEF, Steady
from ali_import.cloud.values import READY, CloudImage
from ali_import.errors import CloudError, ConfigurationError
from ali_import.publish.lease import PREFIX, TAG_RUN, TAG_SHA256, marks, of_name
from ali_import.publish.model import Options, Target
from ali_import.standing.images import chosen_regions


async def is_unfinished(
    cloud: Steady, targets: Sequence[Target], options: Options, now: Callable[[], float]
) -> bool:
    """Tell whether targets were begun by a run whose lease goes on, and not finished.

    Makes one call where no run is cut short, and looks into every region otherwise. What
    cannot be asked counts as finished: the publication itself will tell why.

    Args:
        cloud: The cloud.
        targets: The targets, under the names of the day before.
        options: Where they are to be.
        now: Unix time in seconds.
    """
    try:
        buckets = await cloud.call(ListBuckets(prefix=PREFIX), BRIEF)
        leases = [of_name(bucket.name) for bucket in buckets]
        runs = {each.run_id for each in leases if each and each.expires_at > now()}
        if not runs:
            return False
        regions = await chosen_regions(cloud, options)
    except (CloudError, ConfigurationError):
        return False
    begun: list[bool] = []
    lacking: list[bool] = []

    async def look_into(region: str) -> None:
        for target in targets:
            try:
                found = await cloud.call(
                    DescribeImages(region=region, name=target.name), BRIEF
                )
            except CloudError:
                continue
            ours = [image for image in found if _holds(image, target)]
            begun.extend(marks(image).get(TAG_RUN) in runs for image in ours)
            lacking.append(not any(_is_done(i, target, options) for i in ours))

    async with anyio.create_task_group() as tasks:
        for region in regions:
            tasks.start_soon(look_into, region)
    return any(begun) and any(lacking)


def _is_done(image: CloudImage, target: Target, options: Options) -> bool:
    shown = image.public or not options.public
    return image.status in READY and image.family == target.family and shown


def _holds(image: CloudImage, target: Target) -> bool:
    return marks(image).get(TAG_SHA256) == target.image.sha256
