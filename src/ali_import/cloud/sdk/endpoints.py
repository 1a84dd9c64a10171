"""Host names of the services, by region.

Source: the endpoint maps of the official SDKs (``alibabacloud_ecs20140526`` 7.11.8,
``alibabacloud_fc20230330`` 4.8.3). A test compares these rules with those maps.
"""

import re
from collections.abc import Callable, Mapping

from ali_import.errors import ConfigurationError

_REGION_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_REGION_ID_CHARS_MAX = 40

DOMAIN = ".aliyuncs.com"

# A bucket list is asked of one region for all; a mainland region knows every bucket.
OSS_CENTRAL_REGION = "cn-hangzhou"

_ECS_EXCEPTIONS = {
    "": "ecs.aliyuncs.com",
    "cn-hangzhou": "ecs-cn-hangzhou.aliyuncs.com",
    "cn-hangzhou-finance": "ecs.aliyuncs.com",
    "cn-north-2-gov-1": "ecs.aliyuncs.com",
    "cn-shanghai-finance-1": "ecs-cn-hangzhou.aliyuncs.com",
    "cn-shenzhen-finance-1": "ecs-cn-hangzhou.aliyuncs.com",
}
# NOTE: the SDK's own map has a TAB after the name for ap-southeast-5.
_FC_EXCEPTIONS = {
    "cn-hangzhou-finance": "cn-hangzhou-finance.fc.aliyuncs.com",
    "cn-heyuan-acdr-1": "cn-heyuan-acdr-1.fc.aliyuncs.com",
    "cn-shanghai-finance-1": "cn-shanghai-finance-1.fc.aliyuncs.com",
    "me-central-1": "me-central-1.fc.aliyuncs.com",
}


def is_region_id(region: str) -> bool:
    """Tell whether ``region`` looks like a region id, so may stand in a host name."""
    return len(region) <= _REGION_ID_CHARS_MAX and bool(_REGION_ID.fullmatch(region))


def _checked(region: str) -> str:
    if not is_region_id(region):
        raise ConfigurationError(f"{region!r} is not a region id")
    return region


def ecs(region: str) -> str:
    """Return the ECS host; "" is the central one."""
    return _ECS_EXCEPTIONS.get(region) or f"ecs.{_checked(region)}.aliyuncs.com"


def sts(region: str) -> str:
    """Return the STS host; "" is the central one."""
    return f"sts.{_checked(region)}.aliyuncs.com" if region else "sts.aliyuncs.com"


def ram(_region: str) -> str:
    """Return the RAM host: there is one, for all regions."""
    return "ram.aliyuncs.com"


def fc(region: str) -> str:
    """Return the Function Compute host, which may not resolve."""
    return _FC_EXCEPTIONS.get(region) or f"fcv3.{_checked(region)}.aliyuncs.com"


def is_fc(host: str) -> bool:
    """Tell whether a host is one of Function Compute's."""
    return host.startswith("fcv3.") or host.endswith(".fc" + DOMAIN)


def oss(region: str, *, internal: bool = False) -> str:
    """Return the OSS host: public, or the one reached from inside the region."""
    suffix = "-internal" if internal else ""
    return f"oss-{_checked(region or OSS_CENTRAL_REGION)}{suffix}.aliyuncs.com"


_HOSTS: Mapping[str, Callable[[str], str]] = {
    "ecs": ecs,
    "fc": fc,
    "oss": oss,
    "ram": ram,
    "sts": sts,
}


def host(service: str, region: str) -> str:
    """Return the public host of a service in a region; "" is the central one."""
    return _HOSTS[service](region)
