from typing import Any

from emulator.tests.support.image_cloud import TOKYO, Cloud, refused

FRIENDS = [f"30000000000000{number:02d}" for number in range(60)]


def share(cloud: Cloud, image_id: str, **given: Any) -> None:
    cloud.ecs.modify_image_share_permission(
        cloud.main, region=TOKYO, image_id=image_id, **given
    )


def test_publishing_and_taking_back_say_when_it_already_is_so(cloud: Cloud) -> None:
    image_id = cloud.available()
    with refused("Image.NotPublic", 403):
        share(cloud, image_id, public=False)
    share(cloud, image_id, public=True)
    assert cloud.image(image_id).public
    with refused("Image.Public", 403):
        share(cloud, image_id, public=True)
    share(cloud, image_id, public=False)
    assert not cloud.image(image_id).public


def test_what_stands_in_the_way_of_publishing() -> None:
    cloud = Cloud(regions={TOKYO: {"public_images": False}})
    with refused("CurrentRegion.NotSupportPublicImage", 403):
        share(cloud, cloud.available(), public=True)
    cloud = Cloud(account={"agreement_signed": False})
    with refused("PublicImageAgreement.NotSigned", 403):
        share(cloud, cloud.available(), public=True)
    cloud = Cloud()
    with refused("OperationDenied.InvalidImageStatus", 403):
        share(cloud, cloud.import_image().image_id, public=True)
    with refused("InvalidImageId.NotFound", 404):
        share(cloud, "m-none", public=True)
    with refused("DryRunOperation", 400):
        share(cloud, cloud.available("second"), public=True, dry_run=True)


def test_sharing_with_accounts(cloud: Cloud) -> None:
    image_id = cloud.available()
    share(cloud, image_id, add_accounts=FRIENDS[:12])
    assert list(cloud.image(image_id).shared_with) == FRIENDS[:10]  # ten a call
    for start in (10, 20, 30, 40):
        share(cloud, image_id, add_accounts=FRIENDS[start : start + 10])
    with refused("QuotaExceed.ShareImageUser", 403):
        share(cloud, image_id, add_accounts=FRIENDS[50:51])
    share(cloud, image_id, add_accounts=FRIENDS[:1])  # has it already
    share(cloud, image_id, remove_accounts=FRIENDS[:3])
    page = cloud.ecs.describe_image_share_permission(
        cloud.main, region=TOKYO, image_id=image_id
    )
    assert (len(page.rows), page.total) == (10, 47)
    assert page.rows[0] == FRIENDS[3]


def test_whom_an_image_cannot_be_shared_with(cloud: Cloud) -> None:
    image_id = cloud.available()
    with refused("InvalidAccount.NotFound", 404):
        share(cloud, image_id, add_accounts=["somebody"])
    with refused("InvalidAccount.Forbbiden", 404):
        share(cloud, image_id, add_accounts=[cloud.main.account_id])
    share(cloud, image_id, public=True)
    with refused("Image.Public", 403):
        share(cloud, image_id, add_accounts=FRIENDS[:1])


def test_unpublishing_keeps_the_shares(cloud: Cloud) -> None:
    image_id = cloud.available()
    share(cloud, image_id, add_accounts=FRIENDS[:1])
    share(cloud, image_id, public=True)
    share(cloud, image_id, public=False)
    assert list(cloud.image(image_id).shared_with) == FRIENDS[:1]
