"""What an image that stands has, and a release would have otherwise, in words.

The rules are those by which a publication sets it (``publish/wanted.py``).
"""

from collections.abc import Collection

from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.publish.lease import TEMPORARY_TAGS
from ali_import.publish.model import Options, Target
from ali_import.publish.wanted import (
    attributes,
    is_finished,
    other_tags,
    shares,
    visibility,
    wanted_of,
)


def drift(
    image: CloudImage, target: Target, options: Options, there: Collection[str] = ()
) -> dict[str, str]:
    """Return what a publication would set, and to what; nothing if all is as wanted.

    Args:
        image: What stands.
        target: What should.
        options: How it would be published.
        there: The accounts that it is shared with.
    """
    wanted, finished = wanted_of(target, options), is_finished(image)
    found: dict[str, str] = {}
    if image.status is ImageStatus.DEPRECATED:
        found["status"] = ImageStatus.AVAILABLE.value
    public = visibility(image, wanted)
    if public is not None:
        found["public"] = str(public).lower()
    add, remove = shares(image, wanted, there)
    if add or remove:
        found["share"] = ",".join([*(f"+{a}" for a in add), *(f"-{a}" for a in remove)])
    if image.family != target.family:
        found["family"] = target.family
    change = attributes(image, target, wanted, finished=finished)
    found |= {key.replace("_", "-"): value for key, value in change.items()}
    surplus = any(key in image.tags for key in TEMPORARY_TAGS)
    named = [f"{key}:{value}" for key, value in other_tags(image, wanted).items()]
    ours = ["ours"] if not finished or surplus else []
    if ours or named:
        found["tags"] = ",".join([*ours, *named])
    return found
