"""Buckets as websites: index pages, folders, and the page for what is not there.

Source: https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketwebsite:
``SupportSubDir`` and ``Type`` of the index page, ``HttpStatus`` of the error page, and
that a signed request for the root lists the bucket. NOTE a guess: that a signed request
for what is not there gets the usual error, which SDKs can read, and no page.
"""

from enum import StrEnum
from urllib.parse import quote
from xml.etree.ElementTree import Element

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.oss import Bucket


class Folder(StrEnum):
    """What a path that names a folder without a slash leads to: ``Type``."""

    REDIRECT = "0"
    NOTHING = "1"
    INDEX = "2"


def home(call: Call) -> str:
    """Return the key of the page for a bucket's root; "" where it is to be listed."""
    if call.request.caller is not None or call.request.query:
        return ""
    return _index(_site(call))


def page(call: Call) -> str:
    """Return the key to read: the index page for a folder that is no object."""
    site, key = _site(call), call.key
    index = _index(site)
    if not index or _bucket(call).objects.get(key) is not None:
        return key
    if key.endswith("/"):
        return f"{key}{index}" if _goes_deep(site) else index
    is_folder = _leads_to(call, site) is Folder.INDEX
    return f"{key}/{index}" if is_folder else key


def redirect(call: Call) -> Response | None:
    """Return the answer that leads from a folder's name into it, where it does."""
    if _leads_to(call, _site(call)) is not Folder.REDIRECT:
        return None
    path = f"{call.request.host.prefix}/{quote(call.key)}/"
    return Response(status=302, headers={"Location": path})


def error_page(call: Call) -> tuple[str, int] | None:
    """Return key and status of the page for what is not there, if there is one."""
    site = _site(call)
    if call.request.caller is not None or site is None:
        return None
    key = xml.text(site, "ErrorDocument/Key")
    if not key or _bucket(call).objects.get(key) is None:
        return None
    return key, 200 if xml.text(site, "ErrorDocument/HttpStatus") == "200" else 404


def _leads_to(call: Call, site: Element | None) -> Folder | None:
    """Return what becomes of a folder's name; None of a name that is none's."""
    if call.request.caller is not None or site is None or not _goes_deep(site):
        return None
    if _bucket(call).objects.get(f"{call.key}/{_index(site)}") is None:
        return None
    kind = xml.text(site, "IndexDocument/Type")
    return Folder(kind) if kind in list(Folder) else Folder.REDIRECT


def _index(site: Element | None) -> str:
    return "" if site is None else xml.text(site, "IndexDocument/Suffix")


def _goes_deep(site: Element | None) -> bool:
    """Whether every folder has an index page of its own."""
    said = "" if site is None else xml.text(site, "IndexDocument/SupportSubDir")
    return said == "true"


def _site(call: Call) -> Element | None:
    kept = _bucket(call).settings.get("website")
    return xml.parse(kept.encode(), "WebsiteConfiguration") if kept else None


def _bucket(call: Call) -> Bucket:
    return call.world.oss.gate.find(call.visit, call.bucket)
