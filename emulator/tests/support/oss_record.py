"""Makes the record of what operations of object storage read, refuse and answer.

``python -m emulator.tests.support.oss_record`` writes it; a test holds it to a new one.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import anyio

from alicloud_emulator.products.oss import operations
from alicloud_emulator.products.oss.operations import (
    ANY,
    FILE,
    WITHOUT_EFFECT,
    Fate,
    Place,
)
from alicloud_emulator.products.oss.routing import Level, actions_of
from alicloud_emulator.world.oss.settings import SETTINGS
from emulator.tests.support import oss_models
from emulator.tests.support.oss_calls import Session, everything
from emulator.tests.support.oss_refused import (
    FORM_TYPE,
    GOOD,
    attempts,
    cloud_of_everything,
    form,
    make,
)
from emulator.tests.support.oss_watch import Code, Read, recording
from emulator.tests.unit.oss.conftest import Cloud

# The SDK's names for what the reference calls otherwise.
RENAMED = {
    "PutBucketTags": "PutBucketTagging",
    "GetBucketTags": "GetBucketTagging",
    "DeleteBucketTags": "DeleteBucketTagging",
}
WEBSITE = (
    "<WebsiteConfiguration><IndexDocument><Suffix>index</Suffix></IndexDocument>"
    "</WebsiteConfiguration>"
)
SITE = WEBSITE.replace(
    "<Suffix>index</Suffix></IndexDocument>",
    "<Suffix>index</Suffix><SupportSubDir>true</SupportSubDir><Type>0</Type>"
    "</IndexDocument><ErrorDocument><Key>index</Key><HttpStatus>404</HttpStatus>"
    "</ErrorDocument>",
)
# What only older SDKs know, and what is seen of a website alone.
OLDER_CALLS = (
    (
        "PUT",
        "pail?qos",
        "<BucketUserQos><StorageCapacity>1</StorageCapacity></BucketUserQos>",
    ),
    ("GET", "pail?qos", ""),
    ("GET", "pail?live", ""),
    ("DELETE", "pail?referer", ""),
    (
        "PUT",
        "pail?website",
        WEBSITE,
    ),
    ("PUT", "pail/index", ""),
    ("GET", "pail/folder/", ""),
)

GRANTS = (
    "<AccessControlPolicy><AccessControlList><Grant><Grantee><URI>"
    "http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>"
    "<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
)
# What S3's clients alone ask for.
S3_CALLS = (
    ("HEAD", "pail", ""),
    ("PUT", "pail?acl", GRANTS),
    ("PUT", "pail/index?acl", GRANTS),
)
S3_FORM = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": "LTAI-emulator/20270115/us-east-1/s3/aws4_request",
    "x-amz-date": "20270115T080000Z",
    "x-amz-signature": "0",
}

_LOOKS = {"GET", "HEAD", "OPTIONS"}
"""Methods that leave a cloud as it was."""

Record = dict[str, dict[str, Any]]


def sdk_requests() -> dict[str, Any]:
    """Return the SDK's request models by the names of the client's methods."""
    found = {}
    for name in dir(oss.Client):
        kind = getattr(oss, "".join(map(str.title, name.split("_"))) + "Request", None)
        if kind is not None:
            found[name] = kind
    return found | {"list_objects_v2": oss.ListObjectsV2Request}


def action_named(kind: Any) -> str:
    """Return the operation that a request model is of."""
    name: str = kind.__name__.removesuffix("Request")
    return RENAMED.get(name, name)


def known() -> set[Read]:
    """Return the parameters and headers that the SDK can send."""
    found: set[Read] = set()
    for kind in sdk_requests().values():
        for attribute, told in kind._attribute_map.items():
            wire = told.get("rename", attribute)
            match told.get("position"):
                case "query":
                    found.add((action_named(kind), Place.QUERY, wire))
                case "header" if wire != "Content-Length":
                    found.add((action_named(kind), Place.HEADER, wire.lower()))
    return {one for one in found if one[1:] not in ANY}


def made() -> Record:
    """Make every call, good and refused, and return what was seen."""
    with recording() as seen:
        everything(Session())
        anyio.run(_make_other_calls)
    reads = {*seen.reads, *_acted_on(seen.said)}
    return _document(reads, seen.codes)


async def _make_other_calls() -> None:
    cloud = Cloud()
    await cloud.answer("PUT", "pail")
    for method, target, body in OLDER_CALLS:
        answer = await cloud.answer(method, target, body.encode())
        assert answer.status < 300, target
    for method, target, body in S3_CALLS:
        s3 = {"x-oss-s3-compat": "true"}
        answer = await cloud.answer(method, target, body.encode(), headers=s3)
        assert answer.status < 300, target
    await cloud.answer("PUT", "pail?acl", headers={"x-oss-acl": "public-read"})
    await cloud.answer("PUT", "pail?website", SITE.encode())
    await cloud.answer("PUT", "pail/a/index")
    for target in ("pail", "pail/a", "pail/none"):
        await cloud.answer("GET", target, caller=None)
    # Forms that nobody signed, and as S3's clients do.
    for fields in ({}, S3_FORM):
        await cloud.answer(
            "POST", "pail", form(**fields), headers=FORM_TYPE, caller=None
        )
    for action in GOOD:
        cloud = await cloud_of_everything()
        for attempt in attempts(action):
            answer = await make(cloud, attempt)
            if answer.status < 300 and attempt.method not in _LOOKS:
                cloud = await cloud_of_everything()


def _acted_on(said: set[tuple[str, str]]) -> Iterator[Read]:
    """Yield the elements of kept configurations that the world goes by."""
    for place, element in said:
        if (setting := SETTINGS.get(place)) is None:
            continue
        action = setting.action("Put")
        paths = {
            path
            for kind in sdk_requests().values()
            if action_named(kind) == action
            for path in oss_models.request_elements(kind)
            if path.rpartition("/")[2] == element
        }
        for path in paths or {element}:
            yield action, Place.BODY, path


def _document(reads: set[Read], codes: set[Code]) -> Record:
    return {
        action: dict(_operation(action, reads, codes))
        for level in Level
        for action in actions_of(level)
    }


def _operation(
    action: str, reads: set[Read], codes: set[Code]
) -> Iterator[tuple[str, Any]]:
    unread = known() - reads
    for place in Place:
        fates = {name: Fate.READ for a, p, name in reads if (a, p) == (action, place)}
        for a, p, name in unread:
            if (a, p) == (action, place) and not _is_covered(name, fates):
                taken = name in WITHOUT_EFFECT
                fates[name] = Fate.TAKEN if taken else Fate.REFUSED
        if fates:
            yield place, dict(sorted(fates.items()))
    if given := sorted(code for a, code in codes if a == action):
        yield "codes", given


def _is_covered(name: str, fates: dict[str, Fate]) -> bool:
    """Whether a name, as the SDK has it, is one of those read by their beginning."""
    return any(one.endswith("*") and name.startswith(one[:-1]) for one in fates)


def text_of(record: Record) -> str:
    """Return the record as its file has it."""
    return json.dumps(record, indent=1) + "\n"


def main() -> None:
    """Write the record."""
    folder = Path(inspect.getfile(operations)).parent
    (folder / FILE).write_text(text_of(made()), encoding="utf-8")


if __name__ == "__main__":
    main()
