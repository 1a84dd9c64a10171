"""The door: the cloud under this machine's own name, for programs that mind no proxy.

``http://localhost:PORT``, where the real host names say nothing, so that the request
itself has to: an RPC call by its version, Function Compute by its version or its paths;
everything else is object storage, with the bucket first in the path, or before the name
(``BUCKET.localhost``). A real host name also means there what it always means, with
``localhost`` in place of ``aliyuncs.com``: ``oss-eu-central-1.localhost``.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from alicloud_emulator.front import hosts
from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.http import Head
from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.product import Product
from alicloud_emulator.products.wire import Host
from alicloud_emulator.world.profile import Profile

CONSOLE = "/_emulator"
"""Below it is the console: no bucket can have that name."""

_LOCALHOST = ".localhost"
_FORM_BYTES_MAX = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_USUAL_REGION = "cn-hangzhou"
"""Object storage's first region, which its central host means in life, too."""

# How the signatures of version 4 name the region, in a header or percent-encoded.
_SCOPE = re.compile(
    r"(?:Credential=|-credential=)[^/%,&]{1,256}(?:/|%2F)[0-9]{8}(?:/|%2F)"
    r"(?:oss-)?([a-z0-9-]{1,64})(?:/|%2F)(oss|s3)(?:/|%2F)",
    re.IGNORECASE,
)
_BY_VERSION = {product.version: product for product in PRODUCTS if product.version}
_OSS = next(product for product in PRODUCTS if not product.version)


class UnknownVersionError(Exception):
    """No product here has the version that a call names."""


class Door:
    """Finds out which host a request would have been sent to in life.

    Args:
        profile: The cloud.
        bucket_region: Returns the region of a bucket, or "" if there is none of the name.
    """

    def __init__(self, profile: Profile, bucket_region: Callable[[str], str]) -> None:
        self._profile = profile
        self._bucket_region = bucket_region

    async def find(self, head: Head, body: RequestBody) -> Host:
        """Return the host.

        Raises:
            UnknownVersionError: A call for a product that is not here.
            ServiceError: A form is not as long as it says.
        """
        authority = head.headers.get("host", "").strip().lower()
        name = hosts.host_name(authority)
        label = name.removesuffix(_LOCALHOST) if name.endswith(_LOCALHOST) else ""
        real = hosts.parse(f"{label}{hosts.SUFFIX}") if label else None
        raw_path, _, query = head.target.partition("?")
        if real is not None and real.region:
            return self._object_storage(
                authority, real.bucket, raw_path, real.region, real
            )
        product = await _product(head, raw_path, query, body)
        if product is not _OSS:
            return Host(
                name=authority,
                service=product.name,
                region=self._region_of(product, head, query),
                door=True,
            )
        region = self._scope(head, query, label or _first(raw_path))
        return self._object_storage(authority, label, raw_path, region)

    def _object_storage(
        self,
        authority: str,
        bucket: str,
        raw_path: str,
        region: str,
        real: Host | None = None,
    ) -> Host:
        """Return a host of object storage (or of whatever ``real`` is)."""
        service = real.service if real else _OSS.name
        prefix = ""
        if service == _OSS.name and not bucket and (bucket := _first(raw_path)):
            prefix = f"/{bucket}"
        return Host(
            name=authority,
            service=service,
            region=region,
            bucket=bucket,
            account_id=real.account_id if real else "",
            s3=real is not None and real.s3,
            door=True,
            prefix=prefix,
        )

    def _scope(self, head: Head, query: str, bucket: str) -> str:
        """Return the region that an object storage request is about.

        OSS's own signature of version 4 says it and is held to it. Others do not, or
        name one of another cloud's: then it is where the bucket is.
        """
        found = _SCOPE.search(head.headers.get("authorization", "") or query)
        said = found[1].lower() if found else ""
        known = said if self._profile.region(said) else ""
        if found and found[2].lower() == "oss":
            return known or _USUAL_REGION
        return self._bucket_region(bucket) or known or _USUAL_REGION

    def _region_of(self, product: Product, head: Head, query: str) -> str:
        """Return the region of a call of another product; "" for a central host."""
        wanted = head.headers.get("x-acs-region-id") or _param(query, "RegionId")
        if self._profile.region(wanted) is not None:
            return wanted
        if product.api is not None:
            return ""
        regions = [
            region for region in self._profile.regions if product.is_there(region)
        ]
        usual = [region for region in regions if region.id == _USUAL_REGION] or regions
        return usual[0].id if usual else _USUAL_REGION


async def _product(head: Head, raw_path: str, query: str, body: RequestBody) -> Product:
    """Return the product that a request is for."""
    version = head.headers.get("x-acs-version", "") or _param(query, "Version")
    if not version and head.headers.get("content-type", "").startswith(_FORM):
        form = await body.peek(_FORM_BYTES_MAX) or b""
        version = _param(form.decode("utf-8", "replace"), "Version")
    version = version or next(
        (known for known in _BY_VERSION if raw_path.startswith(f"/{known}/")), ""
    )
    if not version:
        return _OSS
    if version not in _BY_VERSION:
        raise UnknownVersionError(version)
    return _BY_VERSION[version]


def _param(query: str, name: str) -> str:
    if f"{name}=" not in query:
        return ""
    return dict(reversed(parse_qsl(query))).get(name, "")


def _first(raw_path: str) -> str:
    """Return the first part of a path, which names the bucket."""
    return unquote(raw_path.removeprefix("/").partition("/")[0], errors="replace")
