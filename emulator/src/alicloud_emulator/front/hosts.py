"""Which product and region a host name means, and whether it resolves.

Host forms: the fact sheet's sections 0.3, 2.1, 3.1 and 4, and the endpoint maps of the
official SDKs (docs/reference.md lists them all).
"""

import re
from functools import lru_cache
from ipaddress import ip_address

from alicloud_emulator.products import BY_NAME, PRODUCTS
from alicloud_emulator.products.wire import Host
from alicloud_emulator.world.profile import Profile

SUFFIX = ".aliyuncs.com"

_OWN_NAME = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.)?localhost"
    r"|host\.(?:docker|containers)\.internal|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
)

# Tried in order on the name without ".aliyuncs.com".
_FORMS = tuple(
    (product.name, re.compile(pattern))
    for product in PRODUCTS
    for pattern in product.hosts
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
                s3=bool(found.get("s3")),
            )
    return None


@lru_cache(maxsize=1024)
def is_own_name(name: str) -> bool:
    """Whether a host is this machine, as programs and containers on it call it.

    Names without a dot are such as container networks give.

    Args:
        name: As ``host_name`` returns it.
    """
    bare = name.removeprefix("[").removesuffix("]")
    try:
        ip_address(bare)
    except ValueError:
        return bool(_OWN_NAME.fullmatch(name))
    return True


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
    return BY_NAME[host.service].is_there(region)


def is_dead(host: Host, profile: Profile) -> bool:
    """Whether the host takes connections and never answers."""
    region = profile.region(host.region)
    return region is not None and region.dead
