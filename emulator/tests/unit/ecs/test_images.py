from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.products.ecs.rows import image_row
from alicloud_emulator.world.ecs.records import ImageStatus
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.policy import Document
from alicloud_emulator.world.profile import Habits, Principal
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud, refused


def change(cloud: Cloud, image_id: str, **given: Any) -> None:
    cloud.ecs.modify_image_attribute(
        cloud.main, region=TOKYO, image_id=image_id, **given
    )


def delete(cloud: Cloud, image_id: str, **given: Any) -> None:
    cloud.ecs.delete_image(cloud.main, region=TOKYO, image_id=image_id, **given)


def default_names(cloud: Cloud) -> list[str]:
    page = cloud.ecs.describe_images(cloud.main, region=TOKYO)
    return [image.name for image in page.rows]


def test_by_default_only_available_images_show(cloud: Cloud) -> None:
    cloud.import_image("fails", faults=(Fault(do=Do.FAIL_TASK),))
    cloud.import_image("works")
    assert default_names(cloud) == []
    cloud.wait(11)
    cloud.import_image("waits")
    assert default_names(cloud) == ["works"]
    assert cloud.names(status="CreateFailed,Waiting") == ["waits", "fails"]
    assert cloud.names(status="ALL") == ["waits", "works", "fails"]
    with refused("InvalidParamter", 400):
        cloud.names(status="Avaliable")
    with refused("InvalidParamter", 400):
        cloud.names(status="ALL,Waiting")


def test_an_image_can_be_used_a_while_after_it_is_available(cloud: Cloud) -> None:
    durations = replace(cloud.world.profile.durations, usable_s=30.0)
    cloud.world.profile = replace(cloud.world.profile, durations=durations)
    cloud.import_image("new")
    cloud.wait(11)
    assert _usable(cloud) == ("Available", False)
    cloud.wait(30)
    assert _usable(cloud) == ("Available", True)


def test_a_cloud_may_not_tell_what_can_be_used(cloud: Cloud) -> None:
    cloud.world.profile = replace(cloud.world.profile, habits=Habits(usable=False))
    cloud.import_image("new")
    cloud.wait(11)
    assert _usable(cloud) == ("Available", None)


def test_images_can_be_asked_for_by_whether_they_can_be_used(cloud: Cloud) -> None:
    durations = replace(cloud.world.profile.durations, usable_s=30.0)
    cloud.world.profile = replace(cloud.world.profile, durations=durations)
    cloud.import_image("new")
    cloud.wait(11)
    assert cloud.names(status="Available", Usable=True) == []
    assert cloud.names(status="Available", Usable=False) == ["new"]
    cloud.wait(30)
    assert cloud.names(status="Available", Usable=True) == ["new"]
    assert cloud.names(status="ALL", Usable=False) == []
    with refused("MissingParameter", 400):
        cloud.names(status="", Usable=True)


def test_a_cloud_that_does_not_tell_what_can_be_used_cannot_be_asked(
    cloud: Cloud,
) -> None:
    cloud.world.profile = replace(cloud.world.profile, habits=Habits(usable=False))
    cloud.import_image("new")
    cloud.wait(11)
    assert cloud.names(Usable=True) == cloud.names(Usable=False) == ["new"]


def _usable(cloud: Cloud) -> tuple[str, bool | None]:
    """Return status and usability of the newest image, as its row shows them."""
    page = cloud.ecs.describe_images(cloud.main, region=TOKYO)
    row = image_row(page.rows[0], cloud.main.account_id, cloud.world.agenda.now)
    return row["Status"], row.get("Usable")


def test_names_match_exactly_or_by_stars(cloud: Cloud) -> None:
    for name in ("ipxe-1", "ipxe-10", "other-1"):
        cloud.import_image(name)
    assert cloud.names(name="ipxe-1") == ["ipxe-1"]
    assert cloud.names(name="ipxe-*") == ["ipxe-10", "ipxe-1"]
    assert cloud.names(name="*-1") == ["other-1", "ipxe-1"]
    assert cloud.names(name="ipxe-?") == []
    assert cloud.names(name="") == ["other-1", "ipxe-10", "ipxe-1"]


def test_pages_are_ten_by_default_and_a_hundred_at_most(cloud: Cloud) -> None:
    for number in range(12):
        cloud.import_image(f"image-{number}")
    query: dict[str, Any] = {"status": "ALL", "region": TOKYO}
    page = cloud.ecs.describe_images(cloud.main, **query)
    assert (len(page.rows), page.total) == (10, 12)
    second = cloud.ecs.describe_images(cloud.main, **query, page_number=2)
    assert len(second.rows) == 2
    hundred = cloud.ecs.describe_images(cloud.main, **query, page_size=100)
    assert len(hundred.rows) == 12
    wrongs: list[dict[str, Any]] = [{"page_size": n} for n in (0, 101)]
    for wrong in [*wrongs, {"page_number": 0}]:
        with refused("InvalidParameter", 400):
            cloud.ecs.describe_images(cloud.main, **query, **wrong)


def test_filters_must_all_hold(cloud: Cloud) -> None:
    one = cloud.available("one", tags=(("a", "1"), ("b", "2")), architecture="arm64")
    two = cloud.available("two", tags=(("a", "2"),))
    change(cloud, one, family="fam")
    snapshot = cloud.image(one).disks[0].snapshot_id
    assert cloud.names(image_ids=[one, "m-unknown"]) == ["one"]
    assert cloud.names(image_ids=["m-unknown"]) == []
    assert cloud.names(family="fam") == ["one"]
    assert cloud.names(tags=[("a", None)]) == ["two", "one"]
    assert cloud.names(tags=[("a", "1"), ("b", None)]) == ["one"]
    assert cloud.names(tags=[("a", "3")]) == []
    assert cloud.names(snapshot_id=snapshot) == ["one"]
    assert cloud.names(architecture="arm64") == ["one"]
    assert cloud.names(os_type="windows") == []
    assert cloud.names(usage="instance") == []
    assert cloud.names(created_from=cloud.clock.now - 15) == ["two"]
    assert cloud.names(created_until=cloud.clock.now - 15) == ["one"]
    made_at = cloud.image(two).created_at
    assert cloud.names(created_from=made_at, created_until=made_at) == ["two"]
    assert cloud.names(LONDON) == []


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ({"owner_alias": "me"}, "InvalidImageOwnerAlias.ValueNotSupported", 400),
        ({"is_public": True}, "InvalidImageOwnerAlias.PublicImageUnsupported", 400),
        (
            {"owner_alias": "self", "owner_id": "1"},
            "InvalidOperation.ImageOwnerIdUnsupported",
            400,
        ),
        ({"usage": "x"}, "InvalidUsage", 404),
        ({"os_type": "x"}, "InvalidOSType", 404),
        ({"architecture": "x"}, "InvalidArchitecture", 404),
        ({"image_ids": ["m"] * 101}, "InvalidParamter", 400),
        ({"dry_run": True}, "DryRunOperation", 400),
    ],
)
def test_bad_queries_are_refused(
    cloud: Cloud, query: dict[str, Any], code: str, status: int
) -> None:
    with refused(code, status):
        cloud.names(**query)


def test_an_account_sees_its_own_and_what_is_shared_with_it(cloud: Cloud) -> None:
    private = cloud.available("private")
    shared = cloud.available("shared")
    public = cloud.available("public")
    cloud.publish(public)
    cloud.ecs.modify_image_share_permission(
        cloud.main, region=TOKYO, image_id=shared, add_accounts=[cloud.other.account_id]
    )
    assert cloud.names(caller=cloud.other) == ["shared"]
    assert cloud.names(caller=cloud.other, owner_alias="self") == []
    assert cloud.names(caller=cloud.other, owner_alias="others") == ["shared"]
    community: dict[str, Any] = {"owner_alias": "others", "is_public": True}
    assert cloud.names(caller=cloud.other, **community) == ["public"]
    assert cloud.names(caller=cloud.other, image_ids=[public]) == ["public"]
    assert cloud.names(caller=cloud.other, image_ids=[private]) == []
    owner = {"owner_id": cloud.main.account_id}
    assert cloud.names(caller=cloud.other, **community, **owner) == ["public"]
    assert cloud.names(owner_alias="self") == ["public", "shared", "private"]
    assert cloud.names(owner_alias="system") == []


def test_a_family_gives_its_newest_available_image(cloud: Cloud) -> None:
    def newest() -> str:
        image = cloud.ecs.describe_image_from_family(
            cloud.main, region=TOKYO, family="fam"
        )
        return image.name if image else ""

    assert newest() == ""
    old, new = cloud.available("old"), cloud.available("new")
    change(cloud, new, family="fam")
    change(cloud, old, family="fam")
    assert newest() == "new"
    change(cloud, new, status="Deprecated")
    assert newest() == "old"
    delete(cloud, old)
    assert newest() == ""


def test_attributes_change_together_or_not_at_all(cloud: Cloud) -> None:
    image_id = cloud.available()
    change(
        cloud,
        image_id,
        name="renamed",
        description="two words",
        family="fam",
        boot_mode="UEFI-Preferred",
        nvme="supported",
        imds="v2",
    )
    image = cloud.image(image_id)
    assert (image.name, image.description, image.family) == (
        "renamed",
        "two words",
        "fam",
    )
    assert (image.boot_mode, image.nvme, image.imds) == (
        "UEFI-Preferred",
        "supported",
        "v2",
    )
    with refused("InvalidOperation.FeaturesImdsSupportNotMatch", 403):
        change(cloud, image_id, name="again", imds="v1")
    assert cloud.image(image_id).name == "renamed"


def test_a_name_cannot_be_taken_from_another_image(cloud: Cloud) -> None:
    one = cloud.available("one")
    cloud.available("two")
    said = "The specified Image name has already bean used."
    with refused("InvalidImageName.Duplicated", 400, said):
        change(cloud, one, name="two")
    change(cloud, one, name="one")


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        ({"name": "-"}, "InvalidImageName.Malformed", 400),
        ({"description": "x"}, "InvalidDescription.Malformed", 400),
        ({"family": "has space"}, "InvalidImageFamily.Malformed", 400),
        ({"boot_mode": "Coreboot"}, "InvalidBootMode.Malformed", 400),
        ({"license_type": "Aliyun"}, "InvalidLicenseType.NotSupported", 400),
        ({"nvme": "maybe"}, "InvalidParameter.FeaturesNvmeSupport", 400),
        ({"imds": "v0"}, "InvalidParameter.FeaturesImdsSupport", 400),
        ({"status": "Gone"}, "InvalidParameter", 400),
        ({"status": "Available"}, "ImageStatus.NotDeprecated", 403),
        ({"dry_run": True}, "DryRunOperation", 400),
        ({"image_id": "m-none"}, "InvalidImageId.NotFound", 404),
    ],
)
def test_bad_changes_are_refused(
    cloud: Cloud, given: dict[str, Any], code: str, status: int
) -> None:
    image_id = cloud.available()
    with refused(code, status):
        change(cloud, **{"image_id": image_id, **given})


def test_arm64_cannot_boot_by_bios(cloud: Cloud) -> None:
    image_id = cloud.available(architecture="arm64")
    with refused("InvalidBootMode.NotSupport", 400):
        change(cloud, image_id, boot_mode="BIOS")


def test_an_image_in_the_making_cannot_be_changed(cloud: Cloud) -> None:
    image_id = cloud.import_image().image_id
    with refused("InvalidStatus.ImageIsCreating", 403):
        change(cloud, image_id, family="fam")


def test_a_family_may_have_a_limit() -> None:
    cloud = Cloud(limits={"image_family_images": 1})
    change(cloud, cloud.available("one"), family="fam")
    two = cloud.available("two")
    with refused("ImageQuotaFull.ImageFamily", 400):
        change(cloud, two, family="fam")


def test_deprecating_needs_an_available_unshared_image(cloud: Cloud) -> None:
    image_id = cloud.available()
    cloud.publish(image_id)
    with refused("ImageUseShared", 403):
        change(cloud, image_id, status="Deprecated")
    cloud.publish(image_id, public=False)
    change(cloud, image_id, status="Deprecated")
    assert cloud.image(image_id).status is ImageStatus.DEPRECATED
    with refused("ImageStatus.NotAvailable", 403):
        change(cloud, image_id, status="Deprecated")
    with refused("IncorrectImageStatus"):
        cloud.copy(image_id)
    change(cloud, image_id, status="Available")
    assert cloud.image(image_id).status is ImageStatus.AVAILABLE


def test_a_deleted_image_takes_a_while_to_go_and_leaves_its_snapshot(
    cloud: Cloud,
) -> None:
    image_id = cloud.available()
    delete(cloud, image_id)
    assert default_names(cloud) == []
    assert cloud.image(image_id).status is ImageStatus.UNAVAILABLE
    with refused("InvalidImageId.NotFound", 404):
        cloud.publish(image_id)
    delete(cloud, image_id)  # repeated: ignored
    cloud.wait(5)
    assert cloud.images() == []
    assert len(cloud.snapshot_ids()) == 1
    delete(cloud, image_id)  # gone: ignored


def test_images_that_must_not_be_deleted(cloud: Cloud) -> None:
    started = cloud.import_image()
    with refused("ImageIsImporting", 403):
        delete(cloud, started.image_id)
    cloud.wait(11)
    cloud.publish(started.image_id)
    with refused("ImageIsPublic", 403):
        delete(cloud, started.image_id, force=True)
    cloud.publish(started.image_id, public=False)
    other = [cloud.other.account_id]
    share = cloud.ecs.modify_image_share_permission
    share(cloud.main, region=TOKYO, image_id=started.image_id, add_accounts=other)
    with refused("ImageUseShared", 403):
        delete(cloud, started.image_id)
    share(cloud.main, region=TOKYO, image_id=started.image_id, remove_accounts=other)
    with refused("DryRunOperation", 400):
        delete(cloud, started.image_id, dry_run=True)
    delete(cloud, started.image_id)


def test_a_failed_image_can_be_deleted(cloud: Cloud) -> None:
    cloud.import_image(faults=(Fault(do=Do.FAIL_TASK),))
    cloud.wait(11)
    delete(cloud, cloud.images()[0].image_id)
    cloud.wait(5)
    assert cloud.images() == []


def test_nobody_changes_another_accounts_image(cloud: Cloud) -> None:
    image_id = cloud.available()
    cloud.publish(image_id)
    change_other = {"region": TOKYO, "image_id": image_id, "family": "stolen"}
    with refused("InvalidImageId.NotFound", 404):
        cloud.ecs.modify_image_attribute(cloud.other, **change_other)
    cloud.ecs.delete_image(cloud.other, region=TOKYO, image_id=image_id)  # ignored
    cloud.wait(5)
    assert cloud.image(image_id).family == ""


def test_regions_are_those_of_the_profile(cloud: Cloud) -> None:
    regions = cloud.ecs.describe_regions(cloud.main, language="en-US")
    assert len(regions) == 32
    with refused("InvalidAcceptLanguage.NotFound", 404):
        cloud.ecs.describe_regions(cloud.main, language="tlh")
    with refused("Invalid.InstanceChargeType", 403):
        cloud.ecs.describe_regions(cloud.main, charge_type="Free")
    with refused("InvalidResourceType.NotFound", 404):
        cloud.ecs.describe_regions(cloud.main, resource_type="cat")


def user(*statements: dict[str, Any]) -> Principal:
    document: Document = {"Version": "1", "Statement": list(statements)}
    return Principal(
        name="ci", access_key_id="user", access_key_secret="s", policies=(document,)
    )


def test_a_user_may_do_what_policies_say() -> None:
    allowed = {
        "Effect": "Allow",
        "Action": ["ecs:Describe*", "ecs:DeleteImage"],
        "Resource": f"acs:ecs:{TOKYO}:*:image/*",
    }
    cloud = Cloud(users=(user(allowed),))
    image_id = cloud.available()
    ci = cloud.world.ram.credential("user").caller
    assert cloud.ecs.describe_images(ci, region=TOKYO).total == 1
    with refused("NoPermission", 403):
        cloud.ecs.describe_images(ci, region=LONDON)
    with refused("NoPermission", 403):
        cloud.import_image("new", caller=ci)
    cloud.ecs.delete_image(ci, region=TOKYO, image_id=image_id)
    cloud.ecs.describe_regions(ci)  # needs no permission


def test_an_action_says_a_code_in_its_own_words(cloud: Cloud) -> None:
    image_id = cloud.available()
    wordings = []
    for attempt in (
        lambda: change(cloud, image_id, description="x"),
        lambda: cloud.import_image("other", description="x"),
        lambda: cloud.copy(image_id, description="x"),
    ):
        with pytest.raises(ServiceError) as caught:
            attempt()
        assert caught.value.code == "InvalidDescription.Malformed"
        wordings.append(caught.value.message)
    assert wordings == [
        "The specified description is wrongly formed.",
        "The specified Image description is wrongly formed.",
        "The specified destination description is wrongly formed.",
    ]
