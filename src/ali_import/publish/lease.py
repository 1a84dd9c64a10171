"""Names of temporary things: they say whose they are and when they may be removed.

Buckets and functions carry run id and expiry in the name, images and snapshots in
their tags. Some actions that make things were seen to lose the tags they are given, so
an image carries both in its description, too. Only what fits these patterns exactly is
ever removed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ali_import.cloud.values import CloudImage
from ali_import.publish.model import Leftover

PREFIX: Final = "ali-import-"
TAG_SHA256: Final = "ali-import:sha256"
TAG_VERSION: Final = "ali-import:version"
TAG_RUN: Final = "ali-import:run"
TAG_EXPIRES: Final = "ali-import:expires"
"""Only on temporary images and doomed snapshots: Unix time in seconds."""
TAG_WAS: Final = "ali-import:was"
"""Only on an image that is being replaced: its name, to go back to if need be."""
TAG_WAS_PUBLIC: Final = "ali-import:was-public"
"""As well, if the image was public."""
TAG_DEPRECATED: Final = "ali-import:deprecated"
"""On an image that pruning deprecated: when, Unix time in seconds."""
TAG_PUBLIC: Final = "ali-import:public"
"""On an image that we made public; who names ``public = false`` takes that back."""
TAG_SHARED: Final = "ali-import:shared-"
"""With a number behind it, on an image that we shared: with which accounts."""
TEMPORARY_TAGS: Final = (TAG_EXPIRES, TAG_WAS, TAG_WAS_PUBLIC)
"""Tags of temporary images alone; they are taken off what is there to stay."""
_MADE_WITH: Final = frozenset({TAG_SHA256, TAG_VERSION, TAG_RUN})

_NAME: Final = re.compile(
    r"ali-import-(?P<run>[0-9a-f]{8})-(?P<expires>[0-9a-f]{8})(?P<region>-[a-z0-9-]+)?"
)
_DESCRIPTION: Final = re.compile(
    "Published by ali-import; content sha256 (?P<sha256>[0-9a-f]{64}); "
    "run (?P<run>[0-9a-f]{8})-(?P<expires>[0-9a-f]{8})"
)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Whose a temporary thing is, and until when (Unix time in seconds)."""

    run_id: str
    expires_at: int

    def bucket(self, region: str) -> str:
        """Name a region's bucket; bucket names are global, and at most 63 long."""
        return f"{self.function()}-{region}"[:63].rstrip("-")

    def function(self) -> str:
        """Name the relay function; function names are a region's own."""
        return f"{PREFIX}{self.run_id}-{self.expires_at:08x}"

    def tags(self) -> dict[str, str]:
        """Tag a temporary image or a doomed snapshot."""
        return {TAG_RUN: self.run_id, TAG_EXPIRES: str(self.expires_at)}

    def description(self, sha256: str) -> str:
        """Describe an image, to people and to ``marks``, by its content and its run."""
        run = f"{self.run_id}-{self.expires_at:08x}"
        return f"Published by ali-import; content sha256 {sha256}; run {run}"

    def leftover(
        self, region: str, kind: str, name: str, *, detail: str = ""
    ) -> Leftover:
        """Tell of something under this lease that is left, or may be."""
        return Leftover(
            region=region,
            kind=kind,
            name=name,
            run_id=self.run_id,
            expires_at=float(self.expires_at),
            detail=detail,
        )


def of_name(name: str) -> Lease | None:
    """Read the lease out of a bucket's or function's name; None if it is not ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Lease(run_id=match["run"], expires_at=int(match["expires"], 16))


def marks(image: CloudImage) -> Mapping[str, str]:
    """Return an image's tags; if none of ours are there, those it was to be made with.

    Its description says them. As soon as one of ours is there, the tags alone count: a
    run may have taken the image over, or somebody may have taken a tag off.
    """
    match = _DESCRIPTION.fullmatch(image.description)
    if match is None or not _MADE_WITH.isdisjoint(image.tags):
        return image.tags
    said = {TAG_SHA256: match["sha256"], TAG_RUN: match["run"]}
    if image.name.startswith(PREFIX):
        said[TAG_EXPIRES] = str(int(match["expires"], 16))
    return said | dict(image.tags)


def of_tags(tags: Mapping[str, str]) -> Lease | None:
    """Read the lease out of tags; None if the thing is not temporary, or not ours."""
    expires = tags.get(TAG_EXPIRES, "")
    run_id = tags.get(TAG_RUN, "")
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12 and run_id):
        return None
    return Lease(run_id=run_id, expires_at=int(expires))


def temporary_image_name(kind: str, *parts: str) -> str:
    """Name a temporary image: the same parts give the same name in every run.

    Args:
        kind: ``new`` (to replace an older image), ``old`` (replaced, to be deleted) or
            ``src`` (a source to copy from).
        parts: What the image is about.
    """
    digest = sha256("\0".join(parts).encode()).hexdigest()[:24]
    return f"{PREFIX}{kind}-{digest}"


def is_temporary(image: CloudImage) -> bool:
    """Whether an image is temporary and ours: by its name and by its marks."""
    return image.name.startswith(PREFIX) and of_tags(marks(image)) is not None


def aside_tags(name: str, *, public: bool) -> dict[str, str]:
    """Tag an image that goes aside with what it was, and what it takes to put it back."""
    tags = {TAG_WAS: name}
    if public:
        tags[TAG_WAS_PUBLIC] = "true"
    return tags


def is_going_aside(image: CloudImage) -> bool:
    """Whether a run meant to replace the image, hid it maybe, and got no further."""
    return image.tags.get(TAG_WAS, "") == image.name


def client_token(*parts: str) -> str:
    """Derive a ClientToken (64 ASCII characters): the same parts, the same token."""
    return sha256("\0".join(("ali-import", *parts)).encode()).hexdigest()
