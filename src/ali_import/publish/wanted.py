"""What an image that stands has, and a release would have otherwise: each rule once.

Publishing sets it (`Making.repair`, `Placement.show` and ``join_family``), and
``standing/drift.py`` says it beforehand. What is not named is never touched, but for what
an image needs that is not finished: copies lose attributes and tags.
"""

from collections.abc import Collection, Mapping
from typing import Final

from ali_import.cloud.values import CloudImage
from ali_import.disk import BootMode
from ali_import.publish.lease import (
    TAG_PUBLIC,
    TAG_RUN,
    TAG_SHA256,
    TAG_SHARED,
    TAG_VERSION,
)
from ali_import.publish.model import Options, Target, Wanted

NVME: Final = "supported"
IMDS: Final = "v1"
"""What an image is made with where nothing is named."""

OUR_TAGS: Final = (TAG_SHA256, TAG_VERSION, TAG_RUN)
"""Tags that every image of ours has which is finished."""

_ACCOUNTS_PER_TAG: Final = 6
_TAGS_MAX: Final = 4
ACCOUNTS_MAX: Final = _ACCOUNTS_PER_TAG * _TAGS_MAX
"""As many accounts as the tags hold that say with whom we shared an image."""


def wanted_of(target: Target, options: Options) -> Wanted:
    """Return what is wanted of a target: what it says itself, or else the release."""
    return target.wanted.over(options)


def is_finished(image: CloudImage) -> bool:
    """Tell whether an image got all that it is made with; a copy gets its tags last."""
    return all(key in image.tags for key in OUR_TAGS)


def attributes(
    image: CloudImage, target: Target, wanted: Wanted, *, finished: bool
) -> dict[str, str]:
    """Return the attributes that an image should have and has not.

    IMDS is raised to v2, which cannot be undone, where that is named, and never lowered.
    Whoever set a UEFI image to UEFI-Preferred, be it an earlier run, wanted it so.
    """
    change: dict[str, str] = {}
    nvme = wanted.nvme or ("" if finished else NVME)
    if nvme and image.nvme != nvme:
        change["nvme"] = nvme
    if wanted.imds == "v2" and image.imds != "v2":
        change["imds"] = "v2"
    boot_mode = target.image.boot_mode
    fits = {boot_mode}
    if boot_mode is BootMode.UEFI:
        fits.add(BootMode.UEFI_PREFERRED)
    if (image.boot_mode or BootMode.BIOS) not in fits:
        change["boot_mode"] = boot_mode
    if wanted.description is not None and image.description != wanted.description:
        change["description"] = wanted.description
    return change


def other_tags(image: CloudImage, wanted: Wanted) -> dict[str, str]:
    """Return the tags that are named and that an image has not, or otherwise."""
    named = wanted.tags or {}
    return {key: value for key, value in named.items() if image.tags.get(key) != value}


def visibility(image: CloudImage, wanted: Wanted) -> bool | None:
    """Return whether an image is to become public (or private again); None to leave it.

    Only what this tool gave is taken back.
    """
    if wanted.public and not image.public:
        return True
    taken_back = wanted.public is False and image.public and TAG_PUBLIC in image.tags
    return False if taken_back else None


def shares(
    image: CloudImage, wanted: Wanted, there: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the accounts to share an image with, and those to take that back from.

    While an image is public, everybody has it, and nothing is taken back.

    Args:
        image: The image; its tags say with whom we shared it.
        wanted: What is wanted of it.
        there: The accounts that it is shared with.
    """
    if wanted.share is None:
        return [], []
    given = shared_by_us(image.tags)
    add = [account for account in wanted.share if account not in there]
    if stays_public(image, wanted):
        return add, []
    return add, [a for a in given if a not in wanted.share and a in there]


def stays_public(image: CloudImage, wanted: Wanted) -> bool:
    """Tell whether an image is public and will be."""
    return image.public and visibility(image, wanted) is not False


def asks_for_shares(image: CloudImage, wanted: Wanted) -> bool:
    """Tell whether it has to be asked with whom an image is shared."""
    return wanted.share is not None and bool(wanted.share or shared_by_us(image.tags))


def shared_by_us(tags: Mapping[str, str]) -> list[str]:
    """Return the accounts that we shared an image with, by its tags."""
    keys = sorted(key for key in tags if key.startswith(TAG_SHARED))
    return [a for key in keys for a in tags[key].split(" ") if a.isdigit()]


def sharing_tags(accounts: Collection[str]) -> dict[str, str]:
    """Return the tags that say with whom we shared an image."""
    ordered = list(accounts)
    steps = range(0, len(ordered), _ACCOUNTS_PER_TAG)
    return {
        f"{TAG_SHARED}{number}": " ".join(ordered[start : start + _ACCOUNTS_PER_TAG])
        for number, start in enumerate(steps, 1)
    }
