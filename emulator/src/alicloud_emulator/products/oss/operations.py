"""What each operation of object storage reads, and the codes it gives: observed.

operations.json is the record of a run of the tests (``python -m
emulator.tests.support.oss_record`` writes it anew; a test fails when the two differ). It
says of every name that an operation was seen to read, or that the official SDK can send
with it:

* ``read``: it counts.
* ``taken``: nothing reads it, and nothing could come of it (see ``WITHOUT_EFFECT``).
* ``refused``: nothing reads it. The answer is NotImplemented, before anything is done.

Names that are not there are ignored, as in life.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.oss.refusals import not_implemented

FILE = "operations.json"


class Place(StrEnum):
    """Where in a request a name is."""

    QUERY = "query"
    HEADER = "header"
    BODY = "body"


class Fate(StrEnum):
    """What becomes of a name."""

    READ = "read"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What was seen of an operation.

    Attributes:
        names: As on the wire by their place, headers in lower case, elements of bodies
            with their path; a ``*`` at its end stands for any ending, and ``bytes`` is
            a body that is data.
        codes: Error codes besides those of its level.
    """

    names: Mapping[Place, Mapping[str, Fate]]
    codes: tuple[str, ...]


ANY = frozenset(
    {(Place.HEADER, "x-oss-request-payer"), (Place.QUERY, "x-oss-request-payer")}
)
"""What any operation takes, besides a signature."""

WITHOUT_EFFECT = {
    "content-md5": "there are no bytes",
    "x-oss-traffic-limit": "nothing is moved",
    "x-oss-bypass-governance-retention": "nothing is retained",
    "x-oss-allow-same-action-overlap": "rules may overlap",
}
"""Names that need not be read where nothing reads them, and why."""

COMMON_CODES = (
    "AccessDenied",
    "InternalError",
    "InvalidAccessKeyId",
    "InvalidSecurityToken",
    "MethodNotAllowed",
    "NotImplemented",
    "QpsLimitExceeded",
    "RequestTimeTooSkewed",
    "SecondLevelDomainForbidden",
    "SecurityTokenExpired",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
)
"""Codes that any operation can give."""

BUCKET_CODES = (
    "InvalidLocationConstraint",
    "NoSuchBucket",
    "TransferAccelerationDisabled",
    "UserDisable",
)
"""Codes that any operation on a bucket, or on an object, can give as well."""

OBJECT_CODES = ("InvalidObjectName", "PublicEndpointForbidden")
"""Codes that any operation on an object can give as well."""


def _recorded() -> dict[str, Observed]:
    text = (files(__package__) / FILE).read_text(encoding="utf-8")
    return {
        action: Observed(
            names={
                place: {name: Fate(fate) for name, fate in told[place].items()}
                for place in Place
                if place in told
            },
            codes=tuple(told.get("codes", ())),
        )
        for action, told in json.loads(text).items()
    }


OPERATIONS = _recorded()
"""By the operation's name in Alibaba's reference."""


def refuse_unread(action: str, request: Request) -> None:
    """Refuse what an operation does not read though it should.

    Raises:
        ServiceError: NotImplemented.
    """
    query = {name for name, _ in request.query}
    for place, name in _REFUSED.get(action, ()):
        if place is Place.HEADER and name in request.headers:
            raise not_implemented(Header=name)
        if place is Place.QUERY and name in query:
            raise not_implemented(Argument=name)


_REFUSED = {
    action: [
        (place, name)
        for place, names in observed.names.items()
        for name, fate in names.items()
        if fate is Fate.REFUSED
    ]
    for action, observed in OPERATIONS.items()
}
