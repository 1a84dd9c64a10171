"""ListObjects, ListObjectsV2, ListObjectVersions and ListLiveChannel."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import replace

from alicloud_emulator.products.oss import objects, websites, xml
from alicloud_emulator.products.oss.call import (
    Call,
    answer,
    encoded,
    etag_header,
    iso_date,
)
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.oss import StoredObject
from alicloud_emulator.world.oss.listing import page_size
from alicloud_emulator.world.oss.versions import NULL, Version

_LENGTH_MAX = 1024


async def list_objects(call: Call) -> Response:
    """ListObjects, the first version: marker in, NextMarker out.

    Of a website, strangers get its index page.
    """
    if index := websites.home(call):
        return await objects.get_object(replace(call, key=index))
    size, encoding = _size(call), _encoding(call)
    prefix, delimiter = call.param("prefix"), call.param("delimiter")
    marker = call.param("marker")
    stored, page = call.world.oss.objects.list(
        call.visit,
        call.bucket,
        prefix=prefix,
        delimiter=delimiter,
        after=marker,
        size=size,
    )
    owner = _owner(call)
    return answer(
        "ListBucketResult",
        [
            ("Name", call.bucket),
            ("Prefix", encoded(prefix, encoding)),
            ("Marker", encoded(marker, encoding)),
            ("MaxKeys", size),
            ("Delimiter", encoded(delimiter, encoding)),
            ("EncodingType", encoding or None),
            ("IsTruncated", page.truncated),
            ("NextMarker", encoded(page.next_marker, encoding) or None),
            *(("Contents", _described(call, one, encoding, owner)) for one in stored),
            *_common_prefixes(page.prefixes, encoding),
        ],
    )


async def list_objects_v2(call: Call) -> Response:
    """ListObjectsV2: start-after or a continuation token in, the next token out."""
    size, encoding = _size(call), _encoding(call)
    prefix, delimiter = call.param("prefix"), call.param("delimiter")
    token, start_after = call.param("continuation-token"), call.param("start-after")
    stored, page = call.world.oss.objects.list(
        call.visit,
        call.bucket,
        prefix=prefix,
        delimiter=delimiter,
        after=_key_of(call, token) or start_after,
        size=size,
    )
    owner = _owner(call) if call.param("fetch-owner") == "true" else None
    return answer(
        "ListBucketResult",
        [
            ("Name", call.bucket),
            ("Prefix", encoded(prefix, encoding)),
            ("StartAfter", encoded(start_after, encoding) or None),
            ("MaxKeys", size),
            ("Delimiter", encoded(delimiter, encoding)),
            ("EncodingType", encoding or None),
            ("IsTruncated", page.truncated),
            ("ContinuationToken", token or None),
            ("NextContinuationToken", _token_of(page.next_marker) or None),
            *(("Contents", _described(call, one, encoding, owner)) for one in stored),
            *_common_prefixes(page.prefixes, encoding),
            ("KeyCount", len(page)),
        ],
    )


async def list_versions(call: Call) -> Response:
    """ListObjectVersions: newest first; in most buckets each object's only one, null."""
    size, encoding = _size(call), _encoding(call)
    asked = {
        name: call.param(name)
        for name in ("prefix", "delimiter", "key-marker", "version-id-marker")
    }
    for name, value in asked.items():
        if len(value) > _LENGTH_MAX:
            call.bad_argument(name, value)
    page = call.world.oss.objects.versions(
        call.visit,
        call.bucket,
        prefix=asked["prefix"],
        delimiter=asked["delimiter"],
        key_marker=asked["key-marker"],
        version_id_marker=asked["version-id-marker"],
        size=size,
    )
    owner = _owner(call)
    return answer(
        "ListVersionsResult",
        [
            ("Name", call.bucket),
            ("Prefix", encoded(asked["prefix"], encoding)),
            ("KeyMarker", encoded(asked["key-marker"], encoding)),
            ("VersionIdMarker", asked["version-id-marker"]),
            ("MaxKeys", size),
            ("Delimiter", encoded(asked["delimiter"], encoding)),
            ("EncodingType", encoding or None),
            ("IsTruncated", page.truncated),
            ("NextKeyMarker", encoded(page.next_key_marker, encoding) or None),
            ("NextVersionIdMarker", page.next_version_id_marker or None),
            *(_version(call, row, encoding, owner) for row in page.rows),
            *_common_prefixes(page.prefixes, encoding),
        ],
    )


async def list_live_channels(call: Call) -> Response:
    """ListLiveChannel: there are none, for making one is not implemented.

    Programs that empty a bucket before they delete it ask for them.
    """
    call.world.oss.buckets.get(call.visit, call.bucket, "ListLiveChannel")
    return answer(
        "ListLiveChannelResult",
        [
            ("Prefix", call.param("prefix")),
            ("Marker", call.param("marker")),
            ("MaxKeys", _size(call)),
            ("IsTruncated", False),
        ],
    )


def _version(
    call: Call, row: tuple[Version, bool], encoding: str, owner: str
) -> xml.Node:
    version, latest = row
    numbered: list[xml.Node] = [
        ("VersionId", version.version_id or NULL),
        ("IsLatest", latest),
    ]
    if isinstance(version, StoredObject):
        return ("Version", [*numbered, *_described(call, version, encoding, owner)])
    return (
        "DeleteMarker",
        [
            ("Key", encoded(version.key, encoding)),
            *numbered,
            ("LastModified", iso_date(version.modified_at)),
            ("Owner", [("ID", owner), ("DisplayName", owner)]),
        ],
    )


def _size(call: Call) -> int:
    return page_size(call.param("max-keys"), "max-keys")


def _encoding(call: Call) -> str:
    encoding = call.param("encoding-type").lower()
    if encoding not in ("", "url"):
        call.bad_argument("encoding-type", encoding)
    return encoding


def _owner(call: Call) -> str:
    return call.world.oss.gate.find(call.visit, call.bucket).owner


def _described(
    call: Call, stored: StoredObject, encoding: str, owner: str | None
) -> list[xml.Node]:
    nodes: list[xml.Node] = [
        ("Key", encoded(stored.key, encoding)),
        ("LastModified", iso_date(stored.modified_at)),
        ("ETag", etag_header(stored.etag)),
        ("Type", stored.kind),
        ("Size", stored.blob.size),
        ("StorageClass", stored.storage_class),
    ]
    if stored.restoring_until:
        now = call.world.agenda.now
        ongoing = str(now < stored.restoring_until).lower()
        nodes.append(("RestoreInfo", f'ongoing-request="{ongoing}"'))
    if owner is not None:
        nodes.append(("Owner", [("ID", owner), ("DisplayName", owner)]))
    return nodes


def _common_prefixes(prefixes: list[str], encoding: str) -> list[xml.Node]:
    return [
        ("CommonPrefixes", [("Prefix", encoded(prefix, encoding))])
        for prefix in prefixes
    ]


def _token_of(key: str) -> str:
    """Return a token for a key: base64, as it looks in life."""
    return b64encode(key.encode()).decode()


def _key_of(call: Call, token: str) -> str:
    try:
        return b64decode(token, validate=True).decode()
    except (Base64Error, ValueError):
        call.bad_argument("continuation-token", token)
