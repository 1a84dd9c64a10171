"""Which standing images are of too old a version, and what is done about each.

A version is all images of a family whose names are the same but for their flavours'
suffixes. Versions are ordered by their first creation over all regions; the newest stay.
Whatever is not surely dispensable stays as well, with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from ali_import.cloud.values import ImageStatus
from ali_import.errors import CloudError
from ali_import.publish.lease import TAG_DEPRECATED
from ali_import.standing.images import Standing, StandingImage


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What is kept of a family, and what happens to the rest.

    Attributes:
        keep: How many versions stay, the newest ones; at least 1.
        deprecate: Whether to deprecate older ones, so that the family never resolves to
            them; instances can still be made of them.
        delete_after_s: How long after that an image is deleted, in seconds; None: never.
        shared: Also images that are shared with accounts, which they lose then.
        untagged: Also images that this tool did not make.
    """

    keep: int
    deprecate: bool = False
    delete_after_s: float | None = None
    shared: bool = False
    untagged: bool = False


class Fate(StrEnum):
    """What becomes of an image of an older version.

    * ``deprecate``: it is deprecated, or marked as deprecated from now on.
    * ``delete``: it has been deprecated for long enough.
    * ``wait``: it is deprecated, and not yet for long enough.
    * ``keep``: it stays, for the reason given.
    """

    DEPRECATE = "deprecate"
    DELETE = "delete"
    WAIT = "wait"
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one image of an older version, and why it stays if it does."""

    image: StandingImage
    fate: Fate
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What is to be done about the older versions of some families.

    Attributes:
        kept: By family, the versions that stay, the newest first.
        verdicts: One for each image of an older version, by region and name.
        retention: The rules that say so.
        unseen: Why some regions could not be asked; nothing is done there.
    """

    families: tuple[str, ...]
    kept: Mapping[str, tuple[str, ...]]
    verdicts: tuple[Verdict, ...]
    retention: Retention
    unseen: tuple[CloudError, ...] = ()

    @property
    def due(self) -> tuple[Verdict, ...]:
        """Those images that something is to be done about."""
        doing = {Fate.DEPRECATE, Fate.DELETE}
        return tuple(each for each in self.verdicts if each.fate in doing)


def judge(
    standing: Standing, families: Sequence[str], retention: Retention, *, now: float
) -> Pruning:
    """Say what becomes of the older versions of some families.

    Args:
        standing: Everything that stands, untagged images too: any may be what its
            family resolves to.
        families: Families, without a flavour's suffix (all flavours) or with one.
        retention: The rules.
        now: Unix time in seconds.
    """
    assert retention.keep >= 1
    resolved = _resolved(standing.images)
    kept: dict[str, tuple[str, ...]] = {}
    verdicts: dict[str, Verdict] = {}
    for family in families:
        members = [
            image
            for image in standing.images
            if family in {image.family, image.base_family}
            and (image.ours or retention.untagged)
        ]
        versions = _versions(members)
        kept[family] = tuple(versions[: retention.keep])
        for image in members:
            if image.version not in kept[family]:
                verdicts[image.region + image.image_id] = _judge(
                    image, retention, resolved, now
                )
    return Pruning(
        families=tuple(families),
        kept=kept,
        verdicts=tuple(verdicts.values()),
        retention=retention,
        unseen=standing.unseen,
    )


def judge_again(
    pruning: Pruning, verdict: Verdict, there: Sequence[StandingImage], *, now: float
) -> Verdict:
    """Judge one image once more, by what is in its region now.

    Args:
        pruning: What was to be done.
        verdict: About the image.
        there: Everything that stands in its region.
        now: Unix time in seconds.
    """
    image = next((i for i in there if i.image_id == verdict.image.image_id), None)
    if image is None:
        why = "it no longer exists"
    elif (image.name, image.family, image.ours) != (
        verdict.image.name,
        verdict.image.family,
        verdict.image.ours,
    ):
        why = "it was changed meanwhile"
    else:
        again = _judge(image, pruning.retention, _resolved(there), now)
        if again.fate is verdict.fate or again.fate is Fate.KEEP:
            return again
        why = "it was changed meanwhile"
    return Verdict(image=verdict.image, fate=Fate.KEEP, why=why)


def _versions(images: Sequence[StandingImage]) -> list[str]:
    """Return versions, the newest first; one of unknown age is taken for new."""
    first: dict[str, float] = {}
    for image in images:
        created_at = image.created_at or inf
        first[image.version] = min(first.get(image.version, inf), created_at)
    return sorted(first, key=lambda version: (-first[version], version))


def _resolved(images: Sequence[StandingImage]) -> set[tuple[str, str]]:
    """Return (region, id) of each image that its family may resolve to there.

    DescribeImageFromFamily gives the newest Available image of a family in a region. Of
    several that are equally new, or whose age is not told, it may be any.
    """
    newest: dict[tuple[str, str], float] = {}
    for image in images:
        if image.status is ImageStatus.AVAILABLE:
            key = image.region, image.family
            newest[key] = max(newest.get(key, 0.0), image.created_at)
    return {
        (image.region, image.image_id)
        for image in images
        if image.status is ImageStatus.AVAILABLE
        and image.created_at in {newest[image.region, image.family], 0.0}
    }


def _judge(
    image: StandingImage,
    retention: Retention,
    resolved: set[tuple[str, str]],
    now: float,
) -> Verdict:
    def verdict(fate: Fate, why: str = "") -> Verdict:
        return Verdict(image=image, fate=fate, why=why)

    if (image.region, image.image_id) in resolved:
        return verdict(Fate.KEEP, f"family {image.family} resolves to it here")
    if image.in_use:
        return verdict(Fate.KEEP, "an instance of this account uses it")
    if image.shared and not retention.shared:
        return verdict(Fate.KEEP, "it is shared with accounts; --shared includes it")
    if image.status is ImageStatus.AVAILABLE:
        if retention.deprecate:
            return verdict(Fate.DEPRECATE)
        return verdict(Fate.KEEP, "it is Available; --deprecate would deprecate it")
    if image.status is not ImageStatus.DEPRECATED:
        return verdict(Fate.KEEP, f"it is {image.status}")
    since = deprecated_at(image)
    if since is None and retention.deprecate:
        return verdict(Fate.DEPRECATE, "it was deprecated by hand; its time starts now")
    after_s = retention.delete_after_s
    if since is not None and after_s is not None and now - since >= after_s:
        return verdict(Fate.DELETE)
    return verdict(Fate.WAIT)


def deprecated_at(image: StandingImage) -> float | None:
    """Return when pruning deprecated an image, Unix time in seconds; None if not so."""
    text = image.tags.get(TAG_DEPRECATED, "")
    if image.status is not ImageStatus.DEPRECATED:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return None
    return float(text)
