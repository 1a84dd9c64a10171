"""What an image that stands has, and a release would have otherwise.

Only what a publication would set is drift: what nobody asked for is left as it is.
NOTE: the setting itself is in ``publish/`` (`Making.repair`, `Placement.show` and
``join_family``); a test in ``tests/simulation`` holds the two together.
"""

from typing import Final

from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.disk import BootMode
from ali_import.publish.lease import TAG_RUN, TAG_SHA256, TAG_VERSION, TEMPORARY_TAGS
from ali_import.publish.model import Options, Target

_OUR_TAGS: Final = (TAG_SHA256, TAG_VERSION, TAG_RUN)


def drift(image: CloudImage, target: Target, options: Options) -> dict[str, str]:
    """Return what a publication would set, and to what; nothing if all is as wanted."""
    found: dict[str, str] = {}
    if image.status is ImageStatus.DEPRECATED:
        found["status"] = ImageStatus.AVAILABLE.value
    if options.public and not image.public:
        found["public"] = "true"
    if image.family != target.family:
        found["family"] = target.family
    if image.nvme != options.nvme:
        found["nvme"] = options.nvme
    if options.imds == "v2" and image.imds != "v2":  # which cannot be undone
        found["imds"] = "v2"
    fits = {target.image.boot_mode}
    if BootMode.UEFI in fits:
        fits.add(BootMode.UEFI_PREFERRED)
    if (image.boot_mode or BootMode.BIOS) not in fits:
        found["boot-mode"] = target.image.boot_mode.value
    missing = any(key not in image.tags for key in _OUR_TAGS)
    surplus = any(key in image.tags for key in TEMPORARY_TAGS)
    if missing or surplus:
        found["tags"] = "ours"
    return found
