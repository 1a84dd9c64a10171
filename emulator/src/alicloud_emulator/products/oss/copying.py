"""Copies, appends and symbolic links."""

from urllib.parse import quote, unquote_plus

from alicloud_emulator.products.oss.call import (
    META_PREFIX,
    Call,
    answer,
    etag_header,
    http_date,
    iso_date,
    version_headers,
)
from alicloud_emulator.products.oss.objects import checksum_headers, written_attributes
from alicloud_emulator.products.wire import Response


async def copy_object(call: Call) -> Response:
    """CopyObject."""
    name, key, visit = call.source()
    copying = call.world.oss.copying
    source = copying.source(visit, name, key, call.conditions("x-oss-copy-source-"))
    stored = copying.copy(
        call.visit,
        call.bucket,
        call.key,
        source=source,
        attributes=written_attributes(call),
        onto_itself=(name, key) == (call.bucket, call.key) and not visit.version_id,
        replace_metadata=_replace(call, "x-oss-metadata-directive"),
        replace_tags=_replace(call, "x-oss-tagging-directive"),
    )
    response = answer(
        "CopyObjectResult",
        [
            ("ETag", etag_header(stored.etag)),
            ("LastModified", iso_date(stored.modified_at)),
        ],
    )
    response.headers |= checksum_headers(stored)
    if source.version_id:
        response.headers["x-oss-copy-source-version-id"] = source.version_id
    response.headers.pop("Content-MD5", None)  # this answer's body has another
    return response


def _replace(call: Call, name: str) -> bool:
    directive = call.header(name, "COPY").upper()
    if directive not in ("COPY", "REPLACE"):
        call.bad_argument(name, directive)
    return directive == "REPLACE"


async def append_object(call: Call) -> Response:
    """AppendObject."""
    position = call.number("position")
    attributes = written_attributes(call)
    copying = call.world.oss.copying
    copying.check_append(call.visit, call.bucket, call.key, position, attributes)
    stored = copying.append(
        call.visit,
        call.bucket,
        call.key,
        await call.receive(),
        position=position,
        attributes=attributes,
        content_md5=call.header("content-md5"),
    )
    return Response(
        headers={
            **checksum_headers(stored),
            "x-oss-next-append-position": str(stored.blob.size),
        }
    )


async def seal_append_object(call: Call) -> Response:
    """SealAppendObject."""
    stored = call.world.oss.copying.seal(
        call.visit, call.bucket, call.key, call.number("position")
    )
    return Response(headers={"x-oss-sealed-time": http_date(stored.sealed_at)})


async def put_symlink(call: Call) -> Response:
    """PutSymlink; the target's name is percent-encoded in the header."""
    stored = call.world.oss.copying.link(
        call.visit,
        call.bucket,
        call.key,
        target=unquote_plus(call.header("x-oss-symlink-target")),
        attributes=call.attributes(),
    )
    headers = {"ETag": etag_header(stored.etag)}
    return Response(headers=headers | version_headers(stored.version_id))


async def get_symlink(call: Call) -> Response:
    """GetSymlink."""
    stored = call.world.oss.copying.get_link(
        call.versioned_visit, call.bucket, call.key
    )
    headers = {
        "ETag": etag_header(stored.etag),
        "Last-Modified": http_date(stored.modified_at),
        "x-oss-symlink-target": quote(stored.target, safe=""),
        "x-oss-storage-class": stored.storage_class,
        **version_headers(stored.version_id),
    }
    headers |= {f"{META_PREFIX}{name}": value for name, value in stored.meta.items()}
    return Response(headers=headers)
