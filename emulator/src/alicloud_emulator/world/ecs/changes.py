"""ModifyImageAttribute and DeleteImage."""

from dataclasses import dataclass, replace
from functools import partial

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.copies import Copies
from alicloud_emulator.world.ecs.import_checks import check_boot_mode, check_features
from alicloud_emulator.world.ecs.records import Image, ImageStatus, Origin
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import (
    check_choice,
    check_description,
    check_name,
    is_name,
)
from alicloud_emulator.world.ecs.store import Store

BOOT_MODES = ("BIOS", "UEFI", "UEFI-Preferred")


@dataclass(frozen=True, kw_only=True)
class ImageChange:
    """ModifyImageAttribute's parameters; "" leaves an attribute as it is.

    An empty value on the wire counts as not given, so that a family, once set, can be
    changed but not taken away (whether the real API can is unknown).
    """

    region: str
    image_id: str
    name: str = ""
    description: str = ""
    family: str = ""
    status: str = ""
    boot_mode: str = ""
    license_type: str = ""
    nvme: str = ""
    imds: str = ""
    dry_run: bool = False

    @property
    def only_features(self) -> bool:
        """Whether nothing but Features is given."""
        rest = replace(self, nvme="", imds="", dry_run=False)
        return rest == ImageChange(region=self.region, image_id=self.image_id)


class Changes:
    """Changing and deleting images."""

    def __init__(self, store: Store, copies: Copies) -> None:
        self._store = store
        self._copies = copies

    def modify_image_attribute(self, caller: Caller, change: ImageChange) -> None:
        """Change what is given; all of it, or nothing if anything is refused.

        Raises:
            ServiceError: See REFUSALS.
        """
        store = self._store
        resource = f"image/{change.image_id}"
        store.enter(
            caller, "ModifyImageAttribute", change.region, resource, change=True
        )
        image = store.own_image(caller, change.region, change.image_id)
        early = store.world.profile.habits.features_while_creating
        if image.in_making and not (early and change.only_features):
            raise refusal("InvalidStatus.ImageIsCreating")
        self._check(image, change)
        if change.dry_run:
            raise refusal("DryRunOperation")
        image.name = change.name or image.name
        image.description = change.description or image.description
        image.family = change.family or image.family
        image.boot_mode = change.boot_mode or image.boot_mode
        image.license_type = change.license_type or image.license_type
        image.nvme = change.nvme or image.nvme
        image.imds = change.imds or image.imds
        if change.status:
            image.status = ImageStatus(change.status)

    def delete_image(
        self,
        caller: Caller,
        *,
        region: str,
        image_id: str,
        force: bool = False,
        dry_run: bool = False,
    ) -> None:
        """Delete an image some time later; its snapshots stay.

        An image that is not there is ignored, as the page says. Until it is gone it
        shows as UnAvailable and keeps its name.

        Args:
            caller: Who calls.
            region: Region id.
            image_id: Image id.
            force: Also if instances use it; there are no instances here.
            dry_run: Only check.

        Raises:
            ServiceError: ``ImageIsPublic``, ``ImageUseShared``, ``ImageIsImporting``,
                ``OperationDenied.ImageCopying`` (403).
        """
        del force
        store = self._store
        store.enter(caller, "DeleteImage", region, f"image/{image_id}", change=True)
        image = next(
            (
                found
                for found in store.images_of(caller.account_id, region)
                if found.image_id == image_id and not found.deleting
            ),
            None,
        )
        if image is not None:
            self._check_deletable(image)
        if dry_run:
            raise refusal("DryRunOperation")
        if image is None:
            return
        image.deleting = True
        image.status = ImageStatus.UNAVAILABLE
        delay_s = store.world.profile.durations.image_delete_s * store.slowness(region)
        store.world.agenda.after(delay_s, partial(self._remove, image))

    def _remove(self, image: Image) -> None:
        self._store.remove_image(image)

    def _check(self, image: Image, change: ImageChange) -> None:
        if change.name and change.name != image.name:
            check_name(change.name)
            self._store.check_name_free(
                image.account_id,
                image.region,
                change.name,
                message="The specified Image name has already bean used.",  # so spelt
            )
        check_description(change.description)
        if change.family and change.family != image.family:
            self._check_family(image, change.family)
        check_choice(change.boot_mode, BOOT_MODES, "InvalidBootMode.Malformed")
        check_boot_mode(image.architecture, change.boot_mode)
        check_choice(
            change.license_type.upper(), ("BYOL",), "InvalidLicenseType.NotSupported"
        )
        check_features(change.nvme, change.imds)
        if change.imds == "v1" and image.imds == "v2":
            raise refusal("InvalidOperation.FeaturesImdsSupportNotMatch")
        match change.status:
            case "":
                pass
            case "Deprecated":
                if image.status is not ImageStatus.AVAILABLE:
                    raise refusal("ImageStatus.NotAvailable")
                if image.shared_with or image.public:
                    raise refusal("ImageUseShared")
            case "Available":
                if image.status is not ImageStatus.DEPRECATED:
                    raise refusal("ImageStatus.NotDeprecated")
            case _:
                raise refusal("InvalidParameter", "Status")

    def _check_family(self, image: Image, family: str) -> None:
        if not is_name(family):
            raise refusal("InvalidImageFamily.Malformed")
        limit = self._store.world.profile.limits.image_family_images
        members = [
            other
            for other in self._store.images_of(image.account_id, image.region)
            if other.family == family
        ]
        if limit and len(members) >= limit:
            raise refusal("ImageQuotaFull.ImageFamily")

    def _check_deletable(self, image: Image) -> None:
        if image.in_making:
            importing = image.origin is Origin.IMPORT
            raise refusal(
                "ImageIsImporting" if importing else "OperationDenied.ImageCopying"
            )
        if self._copies.is_copied_now(image):
            raise refusal("OperationDenied.ImageCopying")
        if image.public:
            raise refusal("ImageIsPublic")
        if image.shared_with:
            raise refusal("ImageUseShared")
