"""The images that stand in the cloud, as one list over all regions.

An image is ours if it carries the tag with its content's SHA-256, which every image
that this tool makes has. What is temporary (``publish/lease.py``) does not stand:
``ali-import cleanup`` tells of that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

import anyio

from ali_import.cloud.calls import DescribeImages
from ali_import.cloud.steady import BRIEF, Steady
from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.errors import CloudError
from ali_import.publish.context import survey, wrong_regions
from ali_import.publish.lease import PREFIX, TAG_RUN, TAG_SHA256
from ali_import.publish.model import Options

SUFFIXES: Final = ("-uefi-x86-64", "-uefi-arm64", "-uefi-multi")
"""What the names and families of flavours end with (``DiskImage.suffix``)."""


@dataclass(frozen=True, kw_only=True)
class StandingImage:
    """One image that stands in a region.

    Attributes:
        usable: Whether it can be used, which comes after Available; None: not told.
        shared: Whether it is shared with single accounts.
        in_use: Whether an instance of this account was made of it; those of other
            accounts cannot be seen.
        created_at: Unix time in seconds; 0 if not told.
        sha256: Of the file that it was made from, in hexadecimal; "" if it is not ours.
        run_id: The run that made it; "" if it is not ours.
        tags: All of them.
    """

    region: str
    image_id: str
    name: str
    family: str
    status: ImageStatus
    usable: bool | None
    public: bool
    shared: bool
    in_use: bool
    created_at: float
    sha256: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def version(self) -> str:
        """Its name without its flavour's suffix: the same for a whole release."""
        return without_suffix(self.name)

    @property
    def base_family(self) -> str:
        """Its family without its flavour's suffix."""
        return without_suffix(self.family)

    @property
    def ours(self) -> bool:
        """Whether this tool made it."""
        return bool(self.sha256)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands, as far as the regions told.

    Attributes:
        regions: Those that answered, sorted.
        images: In the order of regions, then names.
        unseen: Why other regions could not be asked: the last error of each.
    """

    regions: tuple[str, ...]
    images: tuple[StandingImage, ...]
    unseen: tuple[CloudError, ...] = ()


def without_suffix(text: str) -> str:
    """Take a flavour's suffix off a name or a family."""
    for suffix in SUFFIXES:
        if text.endswith(suffix) and len(text) > len(suffix):
            return text.removesuffix(suffix)
    return text


async def chosen_regions(cloud: Steady, options: Options) -> tuple[str, ...]:
    """Return the regions to look into: those wanted, or all that there are, sorted.

    Raises:
        ConfigurationError: Some do not exist (all are named), or the credentials or the
            network will not do.
    """
    _, everywhere = await survey(cloud)
    wrong = wrong_regions(options, everywhere)
    if wrong is not None:
        raise wrong
    chosen = set(options.regions) or set(everywhere)
    return tuple(sorted(chosen - options.excluded))


async def look(
    cloud: Steady,
    *,
    regions: Sequence[str] = (),
    wanted: Callable[[StandingImage], bool],
) -> Standing:
    """Look into regions, all at once; one that does not answer holds up no other.

    Raises:
        ConfigurationError: As ``chosen_regions``.
    """
    where = await chosen_regions(cloud, Options(regions=tuple(regions)))
    found: dict[str, list[StandingImage]] = {}
    unseen: dict[str, CloudError] = {}

    async def look_into(region: str) -> None:
        try:
            # Not by tag: the cloud shows at most 1000 things that have one.
            there = await cloud.call(DescribeImages(region=region), BRIEF)
        except CloudError as error:
            unseen[region] = error
        else:
            standing = (standing_image(region, image) for image in there)
            found[region] = [
                image
                for image in standing
                if not image.name.startswith(PREFIX) and wanted(image)
            ]

    async with anyio.create_task_group() as tasks:
        for region in where:
            tasks.start_soon(look_into, region)
    return Standing(
        regions=tuple(region for region in where if region in found),
        images=tuple(
            image
            for region in where
            for image in sorted(found.get(region, ()), key=lambda image: image.name)
        ),
        unseen=tuple(unseen[region] for region in where if region in unseen),
    )


def matching(
    name: str, family: str, *, untagged: bool
) -> Callable[[StandingImage], bool]:
    """Return what tells whether an image is to be listed.

    Args:
        name: The name of an image or of a version, or a pattern with ``*``; "" for any.
        family: A family, with a flavour's suffix or without; or a pattern; "" for any.
        untagged: Whether images that are not ours are wanted, too.
    """

    def wanted(image: StandingImage) -> bool:
        return (
            (untagged or image.ours)
            and _fits(name, image.name, image.version)
            and _fits(family, image.family, image.base_family)
        )

    return wanted


def _fits(pattern: str, *texts: str) -> bool:
    # No name holds one of the characters that are special beside *.
    return not pattern or any(fnmatchcase(text, pattern) for text in texts)


def standing_image(region: str, image: CloudImage) -> StandingImage:
    """Return an image of a region with what its tags say."""
    return StandingImage(
        region=region,
        image_id=image.image_id,
        name=image.name,
        family=image.family,
        status=image.status,
        usable=image.usable,
        public=image.public,
        shared=image.shared,
        in_use=image.in_use,
        created_at=image.created_at,
        sha256=image.tags.get(TAG_SHA256, ""),
        run_id=image.tags.get(TAG_RUN, ""),
        tags=image.tags,
    )
