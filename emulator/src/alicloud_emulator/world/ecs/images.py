"""Which images DescribeImages finds."""

from collections.abc import Sequence
from dataclasses import dataclass

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.records import Image, ImageStatus, Page, cut_page
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import (
    TagFilters,
    check_choice,
    check_pages,
    has_tags,
)
from alicloud_emulator.world.ecs.store import Store, may_see
from alicloud_emulator.world.wildcard import matches

IMAGE_IDS_MAX = 100


@dataclass(frozen=True, kw_only=True)
class ImageQuery:
    """DescribeImages' filters; all that are given must hold.

    Attributes:
        name: Exact, or a pattern with ``*``.
        status: ``""`` means Available; several, comma-separated; or ``ALL``.
        created_from: Unix seconds, 0 for no bound.
        created_until: Unix seconds, 0 for no bound.
    """

    region: str
    image_ids: Sequence[str] = ()
    name: str = ""
    family: str = ""
    status: str = ""
    owner_alias: str = ""
    owner_id: str = ""
    is_public: bool = False
    snapshot_id: str = ""
    usage: str = ""
    os_type: str = ""
    architecture: str = ""
    resource_group_id: str = ""
    tags: TagFilters = ()
    created_from: float = 0.0
    created_until: float = 0.0
    page_number: int = 1
    page_size: int = 10
    dry_run: bool = False


class Images:
    """Looking at images."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe_images(self, caller: Caller, query: ImageQuery) -> Page[Image]:
        """Return one page of the images that meet every filter, newest first.

        Without ``status``, only Available ones: an image in the making, or one that
        failed, is invisible to those who do not ask. Unknown ids are no error.

        NOTE: There are no system and marketplace images here.
        """
        store = self._store
        store.enter(caller, "DescribeImages", query.region, "image/*")
        _check(query)
        if query.dry_run:
            raise refusal("DryRunOperation")
        statuses = _statuses(query.status)
        rows = [
            image
            for image in store.images(query.region)
            if image.status in statuses
            and _is_asked_for(caller.account_id, image, query)
            and _passes(image, query)
        ]
        rows.sort(key=lambda image: -image.order)
        return cut_page(rows, number=query.page_number, size=query.page_size)


def _check(query: ImageQuery) -> None:
    check_pages(number=query.page_number, size=query.page_size)
    check_choice(
        query.owner_alias, "ImageOwnerAlias", "InvalidImageOwnerAlias.ValueNotSupported"
    )
    check_choice(query.usage, "Usage", "InvalidUsage")
    check_choice(query.os_type.lower(), "OSType", "InvalidOSType")
    check_choice(query.architecture, "Architecture", "InvalidArchitecture")
    if query.is_public and query.owner_alias != "others":
        raise refusal("InvalidImageOwnerAlias.PublicImageUnsupported")
    if query.owner_id and query.owner_alias in ("system", "self", "marketplace"):
        raise refusal("InvalidOperation.ImageOwnerIdUnsupported")
    if len(query.image_ids) > IMAGE_IDS_MAX:
        raise refusal("InvalidParamter", "ImageId")


def _statuses(asked: str) -> frozenset[ImageStatus]:
    if not asked:
        return frozenset({ImageStatus.AVAILABLE})
    if asked == "ALL":
        return frozenset(ImageStatus)
    try:
        return frozenset(ImageStatus(name.strip()) for name in asked.split(","))
    except ValueError:
        raise refusal("InvalidParamter", "Status") from None


def _is_asked_for(account_id: str, image: Image, query: ImageQuery) -> bool:
    """Whether the caller may see an image, and asked for its owner's kind.

    Other accounts' public images show when asked for as such or by id; otherwise a
    region's community images would fill every listing.
    """
    if not may_see(account_id, image):
        return False
    if query.is_public:
        return image.public
    own = image.account_id == account_id
    if query.owner_alias == "self":
        return own
    if query.owner_alias == "others":
        return not own and _is_meant(account_id, image, query)
    if query.owner_alias in ("system", "marketplace"):
        return False
    return own or _is_meant(account_id, image, query)


def _is_meant(account_id: str, image: Image, query: ImageQuery) -> bool:
    return account_id in image.shared_with or image.image_id in query.image_ids


def _passes(image: Image, query: ImageQuery) -> bool:
    return (
        (not query.image_ids or image.image_id in query.image_ids)
        and (not query.name or matches_name(query.name, image.name))
        and query.family in ("", image.family)
        and query.owner_id in ("", image.account_id)
        and query.usage in ("", "none")
        and query.os_type.lower() in ("", image.os_type)
        and query.architecture in ("", image.architecture)
        and query.resource_group_id in ("", image.resource_group_id)
        and (
            not query.snapshot_id
            or any(disk.snapshot_id == query.snapshot_id for disk in image.disks)
        )
        and image.created_at >= query.created_from
        and (not query.created_until or image.created_at <= query.created_until)
        and has_tags(image, query.tags)
    )


def matches_name(pattern: str, name: str) -> bool:
    """Whether a name matches; ``*`` is the only wildcard."""
    if "*" not in pattern:
        return pattern == name
    return "?" not in pattern and matches(pattern, name)
