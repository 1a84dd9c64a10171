import hashlib
import struct
from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.world.blobs import MemoryBlob
from alicloud_emulator.world.ecs.import_checks import ImportDisk
from alicloud_emulator.world.ecs.records import ImageStatus, TaskStatus
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.oss.encryption import rule_of
from alicloud_emulator.world.oss.settings import SETTINGS
from alicloud_emulator.world.oss.values import Attributes, Encryption
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud, refused

GIB = 1024**3


def disk(**given: Any) -> tuple[ImportDisk, ...]:
    defaults: dict[str, Any] = {
        "oss_bucket": "bucket",
        "oss_object": "disk.raw",
        "format": "RAW",
    }
    return (ImportDisk(**{**defaults, **given}),)


def test_an_image_waits_is_made_and_is_there(cloud: Cloud) -> None:
    image_id = cloud.import_image(tags=(("a", "b"),), nvme="supported").image_id

    def status() -> tuple[str, int]:
        image = cloud.image(image_id)
        return image.status.value, image.progress(cloud.clock.now)

    assert status() == ("Waiting", 0)
    cloud.wait(1)
    assert status() == ("Creating", 0)
    cloud.wait(5)
    assert status() == ("Creating", 50)
    cloud.wait(5)
    assert status() == ("Available", 100)
    image = cloud.image(image_id)
    assert image.content_sha256 == hashlib.sha256(b"disk" * 100).hexdigest()
    assert (image.nvme, image.imds, image.tags) == ("supported", "v1", {"a": "b"})
    assert (image.architecture, image.boot_mode) == ("x86_64", "BIOS")
    assert image.size_gib == 1
    assert (image.os_type, image.platform) == ("linux", "Others Linux")
    assert cloud.snapshot_ids() == [image.disks[0].snapshot_id]


def test_its_task_goes_along(cloud: Cloud) -> None:
    started = cloud.import_image()

    def status() -> TaskStatus:
        page = cloud.ecs.describe_tasks(
            cloud.main, region=TOKYO, task_ids=[started.task_id]
        )
        return page.rows[0].status

    assert status() is TaskStatus.WAITING
    cloud.wait(1)
    assert status() is TaskStatus.PROCESSING
    cloud.wait(10)
    assert status() is TaskStatus.FINISHED


def test_what_happened_does_not_depend_on_when_somebody_looks() -> None:
    states = []
    for steps in (1, 7, 100):
        cloud = Cloud()
        ids = [cloud.import_image(f"image-{n}").image_id for n in range(3)]
        for _ in range(steps):
            cloud.wait(100 / steps)
        images = [cloud.image(image_id) for image_id in ids]
        states.append([(i.image_id, i.ends_at, i.disks[0].snapshot_id) for i in images])
    assert states[0] == states[1] == states[2]


def test_an_import_without_its_object_fails_and_only_the_task_says_why(
    cloud: Cloud,
) -> None:
    started = cloud.import_image()
    cloud.wait(5)
    cloud.delete_object("disk.raw")
    cloud.wait(6)
    image = cloud.image(started.image_id)
    assert image.status is ImageStatus.CREATE_FAILED
    task = cloud.ecs.describe_task(cloud.main, region=TOKYO, task_id=started.task_id)
    assert task.status is TaskStatus.FAILED
    assert task.error_code == "InvalidOSSObject.NotFound"
    assert cloud.snapshot_ids() == []


def test_a_failed_image_keeps_its_name(cloud: Cloud) -> None:
    cloud.import_image(faults=(Fault(do=Do.FAIL_TASK, code="Bad.Luck", message="oh"),))
    cloud.wait(11)
    (image,) = cloud.images(status="CreateFailed")
    assert image.failure == ("Bad.Luck", "oh")
    with refused("InvalidImageName.Duplicated", 400):
        cloud.import_image()


def test_the_role_must_be_there_trust_and_allow() -> None:
    cloud = Cloud(account={"import_role": False})
    with refused("NoSetRoletoECSServiceAcount", 403):
        cloud.import_image()
    trust = (
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"Service": ["ecs.aliyuncs.com"]}}]}'
    )
    role = {"RoleName": "AliyunECSImageImportDefaultRole"}
    cloud.call("ram", "CreateRole", **role, AssumeRolePolicyDocument=trust)
    with refused("InvalidOSS.NotAuthorized", 403):
        cloud.import_image()
    policy = {"PolicyType": "System", "PolicyName": "AliyunECSImageImportRolePolicy"}
    cloud.call("ram", "AttachPolicyToRole", **policy, **role)
    assert cloud.import_image().image_id.startswith("m-6we")


def test_a_new_role_is_not_seen_at_once() -> None:
    cloud = Cloud(
        account={"import_role": False}, durations={"role_propagation_s": 60.0}
    )
    trust = (
        '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"Service": "ecs.aliyuncs.com"}}]}'
    )
    role = {"RoleName": "AliyunECSImageImportDefaultRole"}
    cloud.call("ram", "CreateRole", **role, AssumeRolePolicyDocument=trust)
    policy = {"PolicyType": "System", "PolicyName": "AdministratorAccess"}
    cloud.call("ram", "AttachPolicyToRole", **policy, **role)
    cloud.wait(59)
    with refused("NoSetRoletoECSServiceAcount"):
        cloud.import_image()
    cloud.wait(1)
    assert cloud.import_image().task_id.startswith("t-")


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        ({"region": "xx-nowhere-1"}, "InvalidRegionId.NotFound", 400),
        ({"image_name": "1image"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "a"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "has space"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "aliyun-image"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "ACS:image"}, "InvalidImageName.Malformed", 400),
        ({"image_name": "a" * 129}, "InvalidImageName.Malformed", 400),
        ({"description": "http://x"}, "InvalidDescription.Malformed", 400),
        ({"disks": ()}, "MissingParameter.DiskDeviceMapping", 403),
        ({"disks": disk(oss_bucket="")}, "MissingParameter", 400),
        ({"disks": disk(oss_bucket="nobody")}, "InvalidOSSBucket.NotFound", 400),
        ({"region": LONDON}, "InvalidOSSBucket.NotFound", 400),
        ({"disks": disk(oss_object="none")}, "InvalidOSSObject.NotFound", 400),
        ({"disks": disk(oss_object="empty")}, "InvalidOSSObject.Size", 400),
        ({"disks": disk(size_gib=2049)}, "InvalidImageSize", 400),
        ({"disks": disk(size_gib=-1)}, "InvalidImageSize", 400),
        ({"disks": disk() + disk(size_gib=2049)}, "InvalidDataDiskSize", 400),
        ({"disks": disk(format="ISO")}, "InvalidImageFormat.Malformed", 400),
        ({"architecture": "riscv64"}, "InvalidArchitecture.Malformed", 400),
        ({"boot_mode": "UEFI-Preferred"}, "InvalidBootMode.Malformed", 400),
        (
            {"architecture": "arm64", "boot_mode": "BIOS"},
            "InvalidBootMode.NotSupport",
            400,
        ),
        (
            {"architecture": "i386", "boot_mode": "UEFI"},
            "InvalidBootMode.NotSupport",
            400,
        ),
        ({"os_type": "plan9"}, "InvalidOSType.Malformed", 400),
        ({"platform": "TempleOS"}, "InvalidPlatform.Malformed", 400),
        ({"license_type": "MINE"}, "InvalidLicenseType.NotSupported", 400),
        ({"nvme": "yes"}, "InvalidParameter.FeaturesNvmeSupport", 400),
        ({"imds": "v3"}, "InvalidParameter.FeaturesImdsSupport", 400),
        ({"detection_strategy": "Hard"}, "InvalidParameter.DetectionStrategy", 400),
        ({"tags": (("acs:x", "y"),)}, "InvalidTagKey.Malformed", 400),
        ({"tags": (("k", "a"), ("k", "b"))}, "TagKey.Duplication", 403),
        ({"tags": tuple((f"k{n}", "") for n in range(21))}, "NumberExceed.Tags", 400),
        ({"client_token": "x" * 65}, "InvalidClientToken.Malformed", 400),
        ({"dry_run": True}, "DRYRUN.SUCCESS", 400),
    ],
)
def test_bad_parameters_are_refused_and_nothing_is_made(
    cloud: Cloud, given: dict[str, Any], code: str, status: int
) -> None:
    cloud.put("empty", b"")
    with refused(code, status):
        cloud.import_image(**given)
    assert cloud.images() == []
    assert cloud.snapshot_ids() == []


def test_a_name_is_taken_in_every_status_and_free_once_the_image_is_gone(
    cloud: Cloud,
) -> None:
    cloud.import_image()
    with refused("InvalidImageName.Duplicated"):
        cloud.import_image()
    cloud.wait(11)
    with refused("InvalidImageName.Duplicated"):
        cloud.import_image()
    (image,) = cloud.images()
    cloud.ecs.delete_image(cloud.main, region=TOKYO, image_id=image.image_id)
    with refused("InvalidImageName.Duplicated"):
        cloud.import_image()
    cloud.wait(5)
    cloud.import_image()
    assert cloud.names() == ["image"]


def test_the_same_token_gives_the_same_answer_even_after_failure(cloud: Cloud) -> None:
    first = cloud.import_image(client_token="token", faults=(Fault(do=Do.FAIL_TASK),))
    assert cloud.import_image(client_token="token") == first
    cloud.wait(11)
    assert cloud.import_image(client_token="token") == first
    assert [i.status for i in cloud.images()] == [ImageStatus.CREATE_FAILED]
    with refused("IdempotentParameterMismatch", 400):
        cloud.import_image("other", client_token="token")


def test_a_token_of_a_refused_call_can_be_used_again(cloud: Cloud) -> None:
    with refused("InvalidOSSObject.NotFound"):
        cloud.import_image(client_token="t", disks=disk(oss_object="later"))
    cloud.put("later", b"x")
    cloud.import_image(client_token="t", disks=disk(oss_object="later"))
    assert len(cloud.images()) == 1


def test_an_archived_object_must_be_restored_first(cloud: Cloud) -> None:
    oss, visit = cloud.world.oss, cloud.visit()
    cold = Attributes(storage_class="Archive")
    oss.objects.put(visit, "bucket", "cold", MemoryBlob(b"disk"), cold)
    with refused("InvalidOSSObject.NeedRestore", 400):
        cloud.import_image(disks=disk(oss_object="cold"))
    oss.attributes.restore(visit, "bucket", "cold", 1, "")
    cloud.wait(3600)
    cloud.import_image(disks=disk(oss_object="cold"))


def test_an_encrypted_bucket_is_not_read(cloud: Cloud) -> None:
    started = cloud.import_image()
    encrypt(cloud, "KMS")
    with refused("InvalidOSSBucket.EncryptUnsupported", 403):
        cloud.import_image("other")
    cloud.wait(11)
    task = cloud.ecs.describe_task(cloud.main, region=TOKYO, task_id=started.task_id)
    assert task.error_code == "InvalidOSSBucket.EncryptUnsupported"
    visit = cloud.visit()
    cloud.world.oss.settings.delete(visit, "bucket", SETTINGS["encryption"])
    cloud.import_image("other")


def encrypt(cloud: Cloud, algorithm: str) -> None:
    rule = rule_of(Encryption(algorithm=algorithm))
    setting = SETTINGS["encryption"]
    cloud.world.oss.settings.put(cloud.visit(), "bucket", setting, rule)


@pytest.mark.parametrize("taken", [True, False])
def test_a_bucket_that_encrypts_with_aes256_is_read_as_the_profile_says(
    cloud: Cloud, *, taken: bool
) -> None:
    profile = cloud.world.profile
    habits = replace(profile.habits, import_aes256=taken)
    cloud.world.profile = replace(profile, habits=habits)
    encrypt(cloud, "AES256")
    if taken:
        cloud.import_image("sealed")
    else:
        with refused("InvalidOSSBucket.EncryptUnsupported", 403):
            cloud.import_image("sealed")


def test_tokens_of_accounts_do_not_meet(cloud: Cloud) -> None:
    cloud.import_image(client_token="t")
    with refused("InvalidOSS.NotAuthorized"):
        # Another account's bucket: refused for its own reason, not replayed.
        cloud.import_image(client_token="t", caller=cloud.other)


def test_cancelling_an_import_leaves_nothing(cloud: Cloud) -> None:
    started = cloud.import_image()
    cloud.wait(5)
    cloud.ecs.cancel_task(cloud.main, region=TOKYO, task_id=started.task_id)
    assert cloud.images() == []
    cloud.wait(20)
    assert cloud.images() == []
    assert cloud.snapshot_ids() == []
    with refused("InvalidTaskId.IncorrectTaskStatus", 403):
        cloud.ecs.cancel_task(cloud.main, region=TOKYO, task_id=started.task_id)
    with refused("InvalidTaskId.NotFound", 400):
        cloud.ecs.cancel_task(cloud.main, region=TOKYO, task_id="t-none")
    cloud.import_image()  # the name is free again


def test_imports_queue_where_the_profile_says_so() -> None:
    cloud = Cloud(limits={"imports_running": 1})
    ids = [cloud.import_image(f"image-{n}").image_id for n in range(3)]
    cloud.wait(11)
    statuses = [cloud.image(image_id).status for image_id in ids]
    assert statuses == ["Available", "Creating", "Waiting"]
    cloud.wait(20)
    assert all(cloud.image(i).status is ImageStatus.AVAILABLE for i in ids)


def test_the_quota_counts_every_image() -> None:
    cloud = Cloud(limits={"images_per_region": 2})
    cloud.import_image("one")
    cloud.import_image("two")
    with refused("QuotaExceed.Image", 403):
        cloud.import_image("three")


def test_an_account_that_owes_money_changes_nothing() -> None:
    cloud = Cloud()
    object.__setattr__(cloud.world.profile.accounts[0], "arrears", True)
    with refused("Account.Arrearage", 400):
        cloud.import_image()
    assert cloud.images() == []


def test_i386_boots_by_bios(cloud: Cloud) -> None:
    image_id = cloud.available(architecture="i386", boot_mode="BIOS")
    assert cloud.image(image_id).architecture == "i386"


def test_arm64_is_uefi_by_default(cloud: Cloud) -> None:
    cloud.available(architecture="arm64")
    (image,) = cloud.images()
    assert (image.architecture, image.boot_mode) == ("arm64", "UEFI")


def test_the_virtual_size_of_a_qcow2_file_must_fit(cloud: Cloud) -> None:
    head = b"QFI\xfb" + struct.pack(">I", 3) + bytes(16) + struct.pack(">Q", 3 * GIB)
    cloud.put("disk.qcow2", head + bytes(480))
    small = disk(oss_object="disk.qcow2", format="QCOW2", size_gib=2)
    started = cloud.import_image("small", disks=small)
    fits = disk(oss_object="disk.qcow2", format="qcow2", size_gib=3)
    cloud.import_image("fits", disks=fits)
    wrong = disk(format="VHD")
    cloud.import_image("wrong", disks=wrong)
    cloud.import_image("unsaid", disks=disk(oss_object="disk.qcow2", format=""))
    cloud.wait(11)
    by_name = {image.name: image for image in cloud.images()}
    assert by_name["small"].failure[0] == "InvalidImageSize"
    assert by_name["fits"].status is ImageStatus.AVAILABLE
    assert by_name["wrong"].failure[0] == "InvalidImageFormat.Malformed"
    unsaid = by_name["unsaid"].disks[0]
    assert (unsaid.size_gib, unsaid.format) == (3, "QCOW2")
    task = cloud.ecs.describe_task(cloud.main, region=TOKYO, task_id=started.task_id)
    assert task.error_code == "InvalidImageSize"


def test_a_raw_object_larger_than_its_disk_is_refused(cloud: Cloud) -> None:
    class Huge:
        size = 2 * GIB + 1
        sha256_known = True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloud.world.oss, "read", lambda *_: Huge())
        with refused("InvalidImageSize", 400):
            cloud.import_image(disks=disk(size_gib=2))
        # Without a size it gets what it needs.
        cloud.import_image("rounded-up", disks=disk())
        Huge.size = 2 * GIB
        cloud.import_image("just-fits", disks=disk(size_gib=2))
    sizes = {image.name: image.size_gib for image in cloud.images()}
    assert sizes == {"rounded-up": 3, "just-fits": 2}


def test_data_disks_come_along_each_with_a_snapshot(cloud: Cloud) -> None:
    image_id = cloud.available(disks=disk() + disk(size_gib=5) + disk(size_gib=7))
    image = cloud.image(image_id)
    assert [(d.device, d.type, d.size_gib) for d in image.disks] == [
        ("/dev/xvda", "system", 1),
        ("/dev/xvdb", "data", 5),
        ("/dev/xvdc", "data", 7),
    ]
    assert len(set(cloud.snapshot_ids())) == 3


def test_disks_after_the_seventeenth_are_ignored(cloud: Cloud) -> None:
    image_id = cloud.available(disks=disk() * 20)
    assert len(cloud.image(image_id).disks) == 17


def test_a_slow_region_takes_longer() -> None:
    cloud = Cloud(regions={TOKYO: {"slow": 3.0}})
    image_id = cloud.available()
    assert cloud.image(image_id).status is ImageStatus.CREATING
    cloud.wait(20)
    assert cloud.image(image_id).status is ImageStatus.AVAILABLE


def test_the_import_counts_what_it_reads_as_internal(cloud: Cloud) -> None:
    before = cloud.world.traffic.internal_bytes
    cloud.available()
    assert cloud.world.traffic.internal_bytes - before == 400


def test_tasks_are_found_by_every_filter(cloud: Cloud) -> None:
    started = [cloud.import_image(f"image-{n}") for n in range(12)]
    describe = cloud.ecs.describe_tasks
    page = describe(cloud.main, region=TOKYO)
    assert (len(page.rows), page.total) == (10, 12)
    page = describe(cloud.main, region=TOKYO, page_number=2)
    assert len(page.rows) == 2
    page = describe(cloud.main, region=TOKYO, image_ids=[started[3].image_id])
    assert [task.task_id for task in page.rows] == [started[3].task_id]
    assert describe(cloud.main, region=TOKYO, status="Finished").total == 0
    # The API honours three statuses only, and ignores any other.
    assert describe(cloud.main, region=TOKYO, status="Waiting").total == 12
    cloud.wait(11)
    assert describe(cloud.main, region=TOKYO, status="Waiting").total == 12
    assert describe(cloud.main, region=TOKYO, status="Finished").total == 12
    assert describe(cloud.main, region=TOKYO, action="ExportImage").total == 0
    later = cloud.clock.now
    assert describe(cloud.main, region=TOKYO, created_from=later).total == 0
    assert describe(cloud.main, region=TOKYO, created_until=later).total == 12
    assert describe(cloud.other, region=TOKYO).total == 0
    with refused("InvalidParameter", 400):
        describe(cloud.main, region=TOKYO, page_size=101)
    with refused("InvalidParameter", 400):
        describe(cloud.main, region=TOKYO, task_ids=["t-1"] * 101)
