"""ModifyImageSharePermission and DescribeImageSharePermission."""

from collections.abc import Sequence

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.records import Image, ImageStatus, Page, cut_page
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import check_pages
from alicloud_emulator.world.ecs.store import Store

ACCOUNTS_PER_CALL_MAX = 10
"""More are silently ignored."""

ACCOUNTS_MAX = 50
"""Accounts that an image can be shared with."""


class Sharing:
    """Community images, and images shared with single accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def modify_image_share_permission(
        self,
        caller: Caller,
        *,
        region: str,
        image_id: str,
        public: bool | None = None,
        add_accounts: Sequence[str] = (),
        remove_accounts: Sequence[str] = (),
        dry_run: bool = False,
    ) -> None:
        """Publish an image, take it back, or share it with accounts.

        Args:
            caller: Who calls.
            region: Region id.
            image_id: Image id.
            public: IsPublic; None where it is not given.
            add_accounts: Account ids; those after the tenth are ignored.
            remove_accounts: Account ids; those after the tenth are ignored.
            dry_run: Only check.

        Raises:
            ServiceError: See REFUSALS; ``Image.Public`` and ``Image.NotPublic`` (403)
                when it already is so.
        """
        store = self._store
        resource = f"image/{image_id}"
        store.enter(caller, "ModifyImageSharePermission", region, resource, change=True)
        image = store.own_image(caller, region, image_id)
        add = add_accounts[:ACCOUNTS_PER_CALL_MAX]
        remove = remove_accounts[:ACCOUNTS_PER_CALL_MAX]
        if public:
            self._check_publishable(caller, image)
        elif public is False and not image.public and not (add or remove):
            raise refusal("Image.NotPublic")
        if add:
            self._check_shareable(caller, image, add)
        if dry_run:
            raise refusal("DryRunOperation")
        if public is not None:
            image.public = public
        for account_id in remove:
            image.shared_with.pop(account_id, None)
        for account_id in add:
            image.shared_with.setdefault(account_id, store.now)

    def describe_image_share_permission(
        self,
        caller: Caller,
        *,
        region: str,
        image_id: str,
        page_number: int = 1,
        page_size: int = 10,
    ) -> tuple[Image, Page[tuple[str, float]]]:
        """Return an image, and one page of (account id, Unix seconds) it is shared with.

        Raises:
            ServiceError: ``InvalidImageId.NotFound`` (404).
        """
        resource = f"image/{image_id}"
        self._store.enter(caller, "DescribeImageSharePermission", region, resource)
        check_pages(number=page_number, size=page_size)
        image = self._store.own_image(caller, region, image_id)
        rows = list(image.shared_with.items())
        return image, cut_page(rows, number=page_number, size=page_size)

    def _check_publishable(self, caller: Caller, image: Image) -> None:
        region = self._store.world.profile.region(image.region)
        if region is not None and not region.public_images:
            raise refusal("CurrentRegion.NotSupportPublicImage")
        if not self._store.account(caller).agreement_signed:
            raise refusal("PublicImageAgreement.NotSigned")
        if image.status is not ImageStatus.AVAILABLE:
            raise refusal("OperationDenied.InvalidImageStatus")
        if image.public:
            raise refusal("Image.Public")

    def _check_shareable(
        self, caller: Caller, image: Image, add: Sequence[str]
    ) -> None:
        for account_id in add:
            if not (account_id.isascii() and account_id.isdigit()):
                raise refusal("InvalidAccount.NotFound")
            if account_id == caller.account_id:
                raise refusal("InvalidAccount.Forbbiden")
        if image.status is not ImageStatus.AVAILABLE:
            raise refusal("OperationDenied.InvalidImageStatus")
        if image.public:
            # A community image cannot be shared: everybody has it already.
            raise refusal("Image.Public")
        if len({*image.shared_with, *add}) > ACCOUNTS_MAX:
            raise refusal("QuotaExceed.ShareImageUser")
