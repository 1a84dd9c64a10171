"""TagResources, UntagResources and ListTagResources, for images and snapshots."""

from collections.abc import Sequence

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.records import (
    Image,
    Page,
    Snapshot,
    cut_after_token,
)
from alicloud_emulator.world.ecs.refusals import FACTS, refusal
from alicloud_emulator.world.ecs.rules import (
    TAGS_MAX,
    TagFilters,
    Tags,
    check_tags,
    has_tags,
)
from alicloud_emulator.world.ecs.store import Store

RESOURCES_MAX = 50
LIST_PAGE_RESOURCES = 50
"""Resources (not rows) on a page of ListTagResources; the real number is unknown."""


class TagsOfResources:
    """Tags on images and snapshots. Tags of an image are not on its snapshots."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tag_resources(
        self,
        caller: Caller,
        *,
        region: str,
        resource_type: str,
        resource_ids: Sequence[str],
        tags: Tags,
    ) -> None:
        """Put tags on resources: on all of them, or on none if anything is refused.

        Raises:
            ServiceError: See REFUSALS.
        """
        found = self._enter(
            caller, "TagResources", region, resource_type, resource_ids, change=True
        )
        if not tags:
            raise refusal("MissingParameter", "Tag.1.Key")
        check_tags(tags, duplicate="Duplicate.TagKey")
        added = dict(tags)
        if any(len({*resource.tags, *added}) > TAGS_MAX for resource in found):
            raise refusal("QuotaExceed.Tags")
        for resource in found:
            resource.tags.update(added)

    def untag_resources(
        self,
        caller: Caller,
        *,
        region: str,
        resource_type: str,
        resource_ids: Sequence[str],
        keys: Sequence[str] = (),
        everything: bool = False,
    ) -> None:
        """Take tags off resources; ``everything`` counts only where no key is given.

        Raises:
            ServiceError: See REFUSALS.
        """
        found = self._enter(
            caller, "UntagResources", region, resource_type, resource_ids, change=True
        )
        if len(keys) > TAGS_MAX:
            raise refusal("NumberExceed.Tags")
        for resource in found:
            for key in keys or (list(resource.tags) if everything else ()):
                resource.tags.pop(key, None)

    def list_tag_resources(
        self,
        caller: Caller,
        *,
        region: str,
        resource_type: str,
        resource_ids: Sequence[str] = (),
        tags: TagFilters = (),
        next_token: str = "",
    ) -> Page[Image | Snapshot]:
        """Return one page of tagged resources (each is one row a tag on the wire).

        Args:
            caller: Who calls.
            region: Region id.
            resource_type: ``image`` or ``snapshot``.
            resource_ids: At most 50; unknown ones are left out.
            tags: Resources must carry all of these.
            next_token: From the page before.

        Raises:
            ServiceError: ``MissingParameter`` without ids and tags, and see REFUSALS.
        """
        self._store.enter(caller, "ListTagResources", region, f"{resource_type}/*")
        kind = _kind(resource_type)
        if not resource_ids and not tags:
            raise refusal("MissingParameter", "ResourceId.1 or Tag.1.Key")
        if len(resource_ids) > RESOURCES_MAX:
            raise refusal("NumberExceed.ResourceIds")
        if len(tags) > TAGS_MAX:
            raise refusal("InvalidTagCount")
        if any(not key for key, _ in tags):
            raise refusal("InvalidParameter.TagValue")
        rows = [
            resource
            for resource_id, resource in self._resources(caller, region, kind).items()
            if resource.tags
            and (not resource_ids or resource_id in resource_ids)
            and has_tags(resource, tags)
        ]
        rows.sort(key=lambda resource: -resource.order)
        try:
            return cut_after_token(
                rows,
                token=next_token,
                size=LIST_PAGE_RESOURCES,
                order=lambda resource: resource.order,
            )
        except ValueError:
            raise refusal("InvalidParameter", "NextToken") from None

    def _enter(
        self,
        caller: Caller,
        action: str,
        region: str,
        resource_type: str,
        resource_ids: Sequence[str],
        *,
        change: bool,
    ) -> list[Image | Snapshot]:
        """Return the resources named, if all exist and the caller may."""
        kind = resource_type.lower()
        for resource_id in resource_ids[:RESOURCES_MAX] or ("*",):
            arn = f"{kind}/{resource_id}"
            self._store.enter(caller, action, region, arn, change=change)
        kind = _kind(resource_type)
        if not resource_ids:
            raise refusal("MissingParameter", "ResourceId.1")
        if len(resource_ids) > RESOURCES_MAX:
            raise refusal("NumberExceed.ResourceIds")
        known = self._resources(caller, region, kind)
        if any(resource_id not in known for resource_id in resource_ids):
            raise refusal("InvalidResourceId.NotFound")
        return [known[resource_id] for resource_id in resource_ids]

    def _resources(
        self, caller: Caller, region: str, kind: str
    ) -> dict[str, Image | Snapshot]:
        if kind == "image":
            images = self._store.images_of(caller.account_id, region)
            return {image.image_id: image for image in images}
        if kind == "snapshot":
            snapshots = self._store.snapshots_of(caller.account_id, region)
            return {snapshot.snapshot_id: snapshot for snapshot in snapshots}
        return {}


def resource_id(resource: Image | Snapshot) -> str:
    """Return the id of an image or a snapshot."""
    return resource.image_id if isinstance(resource, Image) else resource.snapshot_id


def _kind(resource_type: str) -> str:
    kind = resource_type.lower()
    # The API knows more types; only images and snapshots exist here.
    if kind not in FACTS.values("ResourceType of tags"):
        raise refusal("InvalidResourceType.NotFound")
    return kind
