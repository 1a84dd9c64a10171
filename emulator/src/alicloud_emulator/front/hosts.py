"""Which product and region a host name means, and whether it resolves.

Host forms: the fact sheet's sections 0.3, 2.1, 3.1 and 4, and the endpoint maps of the
official SDKs (docs/reference.md lists them all).
"""

import re
from functools import lru_cache

from alicloud_emulator.services.wire import Host
from alicloud_emulator.world.profile import OssMode, Profile

SUFFIX = ".aliyuncs.com"

_REGION = r"(?P<region>[a-z]{2,5}-[a-z0-9]+(?:-[a-z0-9]+)*?)"
_BUCKET = r"(?:(?P<bucket>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.)?"

# Tried in order on the name without ".aliyuncs.com". A "vpc" or "internal" group that
# matched makes the host internal: only its own region's network resolves it.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (service, re.compile(pattern))
    for service, pattern in (
        ("oss", rf"{_BUCKET}oss-accelerate(?:-overseas)?"),
        ("oss", rf"{_BUCKET}oss-{_REGION}(?P<internal>-internal)?"),
        ("oss", rf"{_BUCKET}{_REGION}\.oss"),
        ("oss", rf"{_BUCKET}oss"),
        ("ecs", r"ecs"),
        ("ecs", rf"ecs(?P<internal>-vpc)?\.{_REGION}"),
        ("ecs", rf"ecs-{_REGION}"),
        ("fc", rf"fcv3(?P<internal>-vpc)?\.{_REGION}"),
        ("fc", rf"fc(?P<internal>-vpc)?\.{_REGION}"),
        (
            "fc",
            rf"(?:(?P<account>[0-9]{{1,32}})\.)?{_REGION}(?P<internal>-internal)?\.fc",
        ),
        ("ram", r"ram"),
        ("sts", r"sts"),
        ("sts", rf"sts(?P<internal>-vpc)?\.{_REGION}"),
        ("kms", r"kms"),
        ("kms", rf"kms(?P<internal>-vpc)?\.{_REGION}"),
        ("location", r"location(?:-readonly)?"),
    )
)


def host_name(authority: str) -> str:
    """Return the bare lower-case host of ``host[:port]``, without a trailing dot."""
    name = authority.strip().lower()
    head, colon, port = name.rpartition(":")
    if colon and port.isdigit():
        name = head
    return name.rstrip(".")


def parse(authority: str) -> Host | None:
    """Return what a host name says, or None if the emulator does not serve it.

    Args:
        authority: ``host`` or ``host:port`` as in a CONNECT or a Host header.
    """
    name = host_name(authority)
    if len(name) > 253 or not name.endswith(SUFFIX):
        return None
    return _parse(name)


@lru_cache(maxsize=4096)
def _parse(name: str) -> Host | None:
    stem = name.removesuffix(SUFFIX)
    for service, pattern in _FORMS:
        if match := pattern.fullmatch(stem):
            found = match.groupdict()
            return Host(
                name=name,
                service=service,
                region=found.get("region") or "",
                bucket=found.get("bucket") or "",
                account_id=found.get("account") or "",
                internal=bool(found.get("internal")),
            )
    return None


def is_cloud_name(authority: str) -> bool:
    """Whether a host lies under ``aliyuncs.com``, known or not."""
    return host_name(authority).endswith(SUFFIX)


def resolves(host: Host, profile: Profile, inside: str) -> bool:
    """Whether name resolution would find the host.

    Args:
        host: The host.
        profile: The cloud.
        inside: Region of the network that asks; "" for the public internet.
    """
    if host.internal and host.region != inside:
        return False
    if not host.region:
        return True
    region = profile.region(host.region)
    if region is None:
        return False
    if host.service == "fc":
        return region.fc
    if host.service == "oss":
        return region.oss is not OssMode.UNRESOLVED
    return True


def is_dead(host: Host, profile: Profile) -> bool:
    """Whether the host takes connections and never answers."""
    region = profile.region(host.region)
    return region is not None and region.dead
