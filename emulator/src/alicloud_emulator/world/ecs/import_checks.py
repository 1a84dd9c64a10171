"""What ImportImage asks for, and everything it can be refused for."""

from dataclasses import dataclass

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.objects import disk_in
from alicloud_emulator.world.ecs.records import Disk
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import (
    Tags,
    check_choice,
    check_description,
    check_name,
    check_tags,
)
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.principals import Role
from alicloud_emulator.world.system_policies import IMPORT_ROLE

GIB = 1024**3
DISK_GIB_MAX = 2048
DISKS_MAX = 17


@dataclass(frozen=True, kw_only=True)
class ImportDisk:
    """One DiskDeviceMapping; ``size_gib`` 0 means the disk's size, rounded up."""

    oss_bucket: str
    oss_object: str
    size_gib: int = 0
    format: str = ""


@dataclass(frozen=True, kw_only=True)
class ImportSpec:
    """ImportImage's parameters; "" stands for one that is not given.

    Attributes:
        disks: The system disk first, then up to 16 data disks.
    """

    region: str
    image_name: str = ""
    disks: tuple[ImportDisk, ...] = ()
    description: str = ""
    architecture: str = ""
    boot_mode: str = ""
    os_type: str = ""
    platform: str = ""
    license_type: str = ""
    nvme: str = ""
    imds: str = ""
    role_name: str = ""
    detection_strategy: str = ""
    storage_location_arn: str = ""
    resource_group_id: str = ""
    tags: Tags = ()
    dry_run: bool = False


class ImportChecks:
    """The checks of ImportImage, in the order of its page's error table."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._world = store.world

    def checked(self, caller: Caller, spec: ImportSpec) -> list[Disk]:
        """Return the disks to make, if nothing speaks against the import."""
        role = self._role(caller, spec)
        if spec.image_name:
            check_name(spec.image_name)
        check_description(spec.description)
        disks = self._checked_disks(caller, spec, role)
        check_choice(spec.architecture, "Architecture", "InvalidArchitecture.Malformed")
        check_choice(spec.os_type.lower(), "OSType", "InvalidOSType.Malformed")
        check_choice(spec.platform, "Platform", "InvalidPlatform.Malformed")
        check_choice(
            spec.license_type.lower(),
            "LicenseType of imports",
            "InvalidLicenseType.NotSupported",
        )
        check_choice(spec.boot_mode, "BootMode of imports", "InvalidBootMode.Malformed")
        check_boot_mode(spec.architecture or "x86_64", spec.boot_mode)
        check_features(spec.nvme, spec.imds)
        check_choice(
            spec.detection_strategy,
            "DetectionStrategy",
            "InvalidParameter.DetectionStrategy",
        )
        check_tags(spec.tags)
        if spec.image_name:
            self._store.check_name_free(caller.account_id, spec.region, spec.image_name)
        self._store.check_image_quota(caller.account_id, spec.region)
        return disks

    def _role(self, caller: Caller, spec: ImportSpec) -> Role:
        try:
            return self._world.ram.service_role(
                caller.account_id, spec.role_name or IMPORT_ROLE, "ecs.aliyuncs.com"
            )
        except ServiceError as error:
            raise refusal("NoSetRoletoECSServiceAcount") from error

    def _checked_disks(
        self, caller: Caller, spec: ImportSpec, role: Role
    ) -> list[Disk]:
        if not spec.disks:
            raise refusal("MissingParameter.DiskDeviceMapping")
        return [
            self._checked_disk(caller, spec, role, number)
            for number in range(1, min(len(spec.disks), DISKS_MAX) + 1)
        ]

    def _checked_disk(
        self, caller: Caller, spec: ImportSpec, role: Role, number: int
    ) -> Disk:
        """Check one disk's object, size and format; ``number`` counts from 1."""
        wanted = spec.disks[number - 1]
        for parameter, value in (
            ("OSSBucket", wanted.oss_bucket),
            ("OSSObject", wanted.oss_object),
        ):
            if not value:
                name = f"DiskDeviceMapping.{number}.{parameter}"
                raise refusal("MissingParameter", name)
        blob = self._object(caller, spec, role, wanted)
        if blob.size == 0:
            raise refusal("InvalidOSSObject.Size")
        kind = wanted.format.upper()
        size_gib = wanted.size_gib or max(1, -(-self._size_of(blob, kind) // GIB))
        if not 1 <= size_gib <= DISK_GIB_MAX:
            raise refusal(
                "InvalidImageSize" if number == 1 else "InvalidDataDiskSize",
                f"DiskImageSize must be from 1 to {DISK_GIB_MAX}.",
            )
        check_choice(kind, "Format", "InvalidImageFormat.Malformed")
        if kind == "RAW" and blob.size > size_gib * GIB:
            raise refusal(
                "InvalidImageSize", "DiskImageSize is smaller than the object."
            )
        return Disk(
            device=f"/dev/xvd{chr(ord('a') + number - 1)}",
            type="system" if number == 1 else "data",
            size_gib=size_gib,
            format=kind,
            oss_bucket=wanted.oss_bucket,
            oss_object=wanted.oss_object,
        )

    def _size_of(self, blob: Blob, kind: str) -> int:
        """Return the size of the disk in an object; of a bad one the import will tell."""
        try:
            return disk_in(blob, kind, self._world.profile.habits).size_bytes
        except ServiceError:
            return blob.size

    def _object(
        self, caller: Caller, spec: ImportSpec, role: Role, disk: ImportDisk
    ) -> Blob:
        """Return an object, if it is there and the role may read it."""
        blob = self.find(caller.account_id, spec.region, disk)
        account_id = caller.account_id
        allowed = self._world.ram.role_allows(
            account_id,
            role,
            action="oss:GetObject",
            resource=f"acs:oss:*:{account_id}:{disk.oss_bucket}/{disk.oss_object}",
        )
        if not allowed:
            raise refusal("InvalidOSS.NotAuthorized")
        return blob

    def find(self, account_id: str, region: str, disk: ImportDisk | Disk) -> Blob:
        """Return a disk's object.

        Raises:
            ServiceError: ``InvalidOSSBucket.NotFound``, ``InvalidOSSObject.NotFound``,
                ``InvalidOSSObject.NeedRestore`` (400), ``InvalidOSS.NotAuthorized`` or
                ``InvalidOSSBucket.EncryptUnsupported`` (403).
        """
        oss = self._world.oss
        try:
            blob = oss.read(account_id, region, disk.oss_bucket, disk.oss_object)
        except ServiceError as error:
            code = _OSS_CODES.get(error.code, "InvalidOSS.NotAuthorized")
            raise refusal(code) from error
        allowed = {"", "AES256"} if self._world.profile.habits.import_aes256 else {""}
        if oss.encryption_of(disk.oss_bucket) not in allowed:
            raise refusal("InvalidOSSBucket.EncryptUnsupported")
        return blob


_OSS_CODES = {
    "NoSuchBucket": "InvalidOSSBucket.NotFound",
    "NoSuchKey": "InvalidOSSObject.NotFound",
    "InvalidBucketName": "InvalidOSSBucket.NotFound",
    "InvalidLocationConstraint": "InvalidOSSBucket.NotFound",
    "InvalidObjectName": "InvalidOSSObject.NotFound",
    "InvalidObjectState": "InvalidOSSObject.NeedRestore",
    "AccessDenied": "InvalidOSS.NotAuthorized",
}


def check_boot_mode(architecture: str, boot_mode: str) -> None:
    """Refuse a boot mode that an architecture does not have."""
    if not boot_mode:
        return
    if architecture == "arm64" and boot_mode != "UEFI":
        raise refusal("InvalidBootMode.NotSupport")
    if architecture == "i386" and boot_mode != "BIOS":
        raise refusal("InvalidBootMode.NotSupport")


def check_features(nvme: str, imds: str) -> None:
    """Refuse values that Features does not know."""
    check_choice(nvme, "NvmeSupport", "InvalidParameter.FeaturesNvmeSupport")
    check_choice(imds, "ImdsSupport", "InvalidParameter.FeaturesImdsSupport")
