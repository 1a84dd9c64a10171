"""DescribeSnapshots and DeleteSnapshot."""

from collections.abc import Sequence
from dataclasses import dataclass

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.records import (
    Page,
    Snapshot,
    cut_after_token,
    cut_page,
)
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import TagFilters, check_pages, has_tags
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.wildcard import matches

SNAPSHOT_IDS_MAX = 100
MAX_RESULTS_DEFAULT = 10


@dataclass(frozen=True, kw_only=True)
class SnapshotQuery:
    """DescribeSnapshots' filters; all that are given must hold.

    Attributes:
        max_results: With it (or ``next_token``), pages are cut by token; without, by
            ``page_number`` and ``page_size``.
        status: ``progressing``, ``accomplished``, ``failed`` or ``all``.
        usage: ``image``, ``disk``, ``image_disk`` or ``none``.
    """

    region: str
    snapshot_ids: Sequence[str] = ()
    name: str = ""
    status: str = ""
    usage: str = ""
    snapshot_type: str = ""
    source_disk_type: str = ""
    disk_id: str = ""
    encrypted: bool = False
    resource_group_id: str = ""
    tags: TagFilters = ()
    created_from: float = 0.0
    page_number: int = 1
    page_size: int = 10
    max_results: int | None = None
    next_token: str = ""
    dry_run: bool = False


class Snapshots:
    """What images leave behind."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe_snapshots(
        self, caller: Caller, query: SnapshotQuery
    ) -> Page[Snapshot]:
        """Return one page of the snapshots that meet every filter, newest first."""
        store = self._store
        store.enter(caller, "DescribeSnapshots", query.region, "snapshot/*")
        check_pages(number=query.page_number, size=query.page_size)
        if len(query.snapshot_ids) > SNAPSHOT_IDS_MAX:
            raise refusal("InvalidParameter", "SnapshotIds")
        if query.dry_run:
            raise refusal("DryRunOperation")
        rows = [
            snapshot
            for snapshot in store.snapshots_of(caller.account_id, query.region)
            if self._passes(snapshot, query)
        ]
        rows.sort(key=lambda snapshot: -snapshot.order)
        if query.max_results is None and not query.next_token:
            return cut_page(rows, number=query.page_number, size=query.page_size)
        size = query.max_results or MAX_RESULTS_DEFAULT
        if not 1 <= size <= 100:
            raise refusal("InvalidParameter", "MaxResults")
        try:
            return cut_after_token(
                rows, token=query.next_token, size=size, order=lambda s: s.order
            )
        except ValueError:
            raise refusal("InvalidParameter", "NextToken") from None

    def delete_snapshot(
        self, caller: Caller, *, region: str, snapshot_id: str, force: bool = False
    ) -> None:
        """Delete a snapshot whose image is gone; one that is not there is ignored.

        Args:
            caller: Who calls.
            region: The region of the endpoint; the call itself names none.
            snapshot_id: Snapshot id.
            force: Helps against disks made of it, never against images.

        Raises:
            ServiceError: ``SnapshotCreatedImage`` (403), until the image is gone and
                ``snapshot_release_s`` has passed.
        """
        del force
        store = self._store
        resource = f"snapshot/{snapshot_id}"
        store.enter(caller, "DeleteSnapshot", region, resource, change=True)
        snapshot = store.snapshot(caller.account_id, region, snapshot_id)
        if snapshot is None:
            return
        if self.in_use(snapshot) or store.now < self._release_at(snapshot):
            raise refusal("SnapshotCreatedImage")
        store.remove_snapshot(snapshot)

    def in_use(self, snapshot: Snapshot) -> bool:
        """Whether the image made with a snapshot is still there."""
        return self._store.has_image(snapshot.image_id, snapshot.region)

    def _release_at(self, snapshot: Snapshot) -> float:
        lag_s = self._store.world.profile.durations.snapshot_release_s
        return self._store.removed_at(snapshot.image_id) + lag_s

    def _passes(self, snapshot: Snapshot, query: SnapshotQuery) -> bool:
        usage = "image" if self.in_use(snapshot) else "none"
        return (
            (not query.snapshot_ids or snapshot.snapshot_id in query.snapshot_ids)
            and (not query.name or matches(query.name, snapshot.name))
            and query.status.lower() in ("", "all", "accomplished")
            and query.usage in ("", usage)
            and query.snapshot_type in ("", "all", "user")
            and query.source_disk_type.lower() in ("", snapshot.disk_type)
            and query.resource_group_id in ("", snapshot.resource_group_id)
            and not query.disk_id
            and not query.encrypted
            and snapshot.created_at >= query.created_from
            and has_tags(snapshot, query.tags)
        )
