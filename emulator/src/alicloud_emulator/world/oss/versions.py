"""Versions of objects, in buckets that keep them.

A bucket's ``objects`` are what readers see; its ``history`` has every version of every
key, the newest last, and is empty until versioning is first switched on. Then:

* ``Enabled``: every write adds a version with an id of its own; a delete adds a marker,
  which hides the key.
* ``Suspended``: writes and deletes put the version called ``null`` in its place.

Source: https://www.alibabacloud.com/help/en/oss/user-guide/overview-78/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from alicloud_emulator.world.oss.listing import LAST, Keys, rolled_up
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import Bucket, DeleteMarker, StoredObject

Version = StoredObject | DeleteMarker
NULL = "null"
ENABLED, SUSPENDED = "Enabled", "Suspended"

# Seen as CAEQ and about forty more letters and digits; any word of them may be asked for.
_ID = re.compile(r"null|CAEQ[A-Za-z0-9]{1,1000}")


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """What a delete did.

    Attributes:
        asked: The version that was to be deleted; "" for whatever is there.
        version_id: The version that went, or the marker that came; "" for none.
        marker: It was a marker that came or went.
    """

    key: str
    asked: str = ""
    version_id: str = ""
    marker: bool = False


@dataclass(kw_only=True)
class VersionsPage:
    """One page of versions by key, newest first; the markers are the last entry's.

    Attributes:
        rows: Versions, and whether each is its key's latest.
    """

    rows: list[tuple[Version, bool]] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next_key_marker: str = ""
    next_version_id_marker: str = ""
    truncated: bool = False


def check_id(version_id: str) -> None:
    """Refuse what is no version id.

    Raises:
        ServiceError: InvalidArgument.
    """
    if not _ID.fullmatch(version_id):
        raise refusal(
            "InvalidArgument",
            "Invalid version id specified",
            ArgumentName="versionId",
            ArgumentValue=version_id[:64],
        )


def switch(bucket: Bucket, status: str) -> None:
    """Begin, suspend or resume to keep versions."""
    if not bucket.versioning:
        for stored in bucket.objects.values():
            stored.version_id = NULL
            bucket.history[stored.key] = [stored]
    bucket.versioning = status


def add(bucket: Bucket, stored: StoredObject, new_id: str) -> None:
    """Put an object into a bucket: in place of what is there, or as a new version."""
    bucket.objects[stored.key] = stored
    if bucket.versioning:
        stored.version_id = new_id if bucket.versioning == ENABLED else NULL
        _append(bucket, stored)


def hide(bucket: Bucket, key: str, new_id: str, now: float) -> Deleted:
    """Delete a key without naming a version."""
    bucket.objects.pop(key)
    if not bucket.versioning:
        return Deleted(key=key)
    marker = DeleteMarker(
        key=key,
        version_id=new_id if bucket.versioning == ENABLED else NULL,
        modified_at=now,
    )
    _append(bucket, marker)
    return Deleted(key=key, version_id=marker.version_id, marker=True)


def drop(bucket: Bucket, key: str, version_id: str) -> Deleted:
    """Delete one version for good; one that is not there is as good as deleted.

    Raises:
        ServiceError: InvalidArgument: no version id.
    """
    check_id(version_id)
    if not bucket.versioning:
        if version_id == NULL:
            bucket.objects.pop(key)
        return Deleted(key=key, asked=version_id)
    kept = bucket.history.get(key) or []
    gone = next((one for one in kept if one.version_id == version_id), None)
    if gone is not None:
        kept.remove(gone)
        _show_newest(bucket, key, kept)
    return Deleted(
        key=key,
        asked=version_id,
        version_id=version_id,
        marker=isinstance(gone, DeleteMarker),
    )


def find(bucket: Bucket, key: str, version_id: str | None) -> StoredObject:
    """Return a version of an object; None for the one that readers see.

    Raises:
        ServiceError: NoSuchKey, NoSuchVersion, MethodNotAllowed (a marker),
            InvalidArgument (no version id).
    """
    kept = bucket.history.get(key) or []
    if version_id is None:
        stored = bucket.objects.get(key)
        if stored is not None:
            return stored
        headers = _marker_headers(kept[-1]) if kept else {}
        raise refusal("NoSuchKey", Key=key, **headers)
    check_id(version_id)
    if not bucket.versioning and version_id == NULL and key in bucket.objects:
        return bucket.objects[key]
    found = next((one for one in kept if one.version_id == version_id), None)
    if found is None:
        raise refusal("NoSuchVersion", Key=key, VersionId=version_id)
    if isinstance(found, DeleteMarker):
        raise refusal("MethodNotAllowed", **_marker_headers(found))
    return found


def page(
    bucket: Bucket,
    *,
    prefix: str,
    delimiter: str,
    key_marker: str,
    version_id_marker: str,
    size: int,
) -> VersionsPage:
    """Return a page of versions, up to ``size`` with the rolled-up prefixes."""
    found = VersionsPage()
    start = max(prefix, key_marker)
    if key_marker and rolled_up(key_marker, prefix, delimiter) == key_marker:
        start = key_marker + LAST
    for key, rolled in _entries(_keys(bucket), start, prefix, delimiter):
        rows = [] if rolled else _rows(bucket, key)
        if key == key_marker and not rolled:
            rows = _rows_after(rows, version_id_marker)
        for row in rows or ([None] if rolled else []):
            if len(found.rows) + len(found.prefixes) >= size:
                found.truncated = size > 0
                return found
            found.next_key_marker = key
            if row is None:
                found.prefixes.append(key)
                found.next_version_id_marker = ""
            else:
                found.rows.append(row)
                found.next_version_id_marker = row[0].version_id or NULL
    found.next_key_marker = found.next_version_id_marker = ""
    return found


def _entries(
    keys: Keys, start: str, prefix: str, delimiter: str
) -> Iterator[tuple[str, bool]]:
    """Yield keys and rolled-up prefixes from ``start`` on, and which each is."""
    while True:
        key = next(iter(keys.from_key(start)), None)
        if key is None or not key.startswith(prefix):
            return
        rolled = rolled_up(key, prefix, delimiter)
        yield rolled or key, bool(rolled)
        start = rolled + LAST if rolled else key + "\0"


def _keys(bucket: Bucket) -> Keys:
    return bucket.history if bucket.versioning else bucket.objects


def _rows(bucket: Bucket, key: str) -> list[tuple[Version, bool] | None]:
    if not bucket.versioning:
        return [(bucket.objects[key], True)]
    newest, *older = reversed(bucket.history[key])
    return [(newest, True), *((one, False) for one in older)]


def _rows_after(
    rows: list[tuple[Version, bool] | None], marker: str
) -> list[tuple[Version, bool] | None]:
    """Return the rows behind a version; without one, the whole key is behind us."""
    ids = [row[0].version_id or NULL for row in rows if row is not None]
    return rows[ids.index(marker) + 1 :] if marker in ids else []


def _append(bucket: Bucket, version: Version) -> None:
    kept = bucket.history.get(version.key) or []
    if version.version_id == NULL:
        kept = [one for one in kept if one.version_id != NULL]
    bucket.history[version.key] = [*kept, version]


def _show_newest(bucket: Bucket, key: str, kept: list[Version]) -> None:
    """Let readers see what is the newest now."""
    if not kept:
        bucket.history.pop(key)
        bucket.objects.pop(key)
    elif isinstance(kept[-1], StoredObject):
        bucket.objects[key] = kept[-1]
    else:
        bucket.objects.pop(key)


def _marker_headers(version: Version) -> dict[str, str]:
    return {
        "x-oss-delete-marker": "true",
        "x-oss-version-id": version.version_id,
    }
