"""Configurations of buckets that are kept as they come and given back.

The emulator does not act on most of them (lifecycle rules expire nothing). What it acts
on, it reads where it needs it with ``Bucket.said``: transfer acceleration opens the
accelerate hosts, CORS rules let pages in, encryption is told of new objects.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alicloud_emulator.world.oss import policies
from alicloud_emulator.world.oss.gate import Gate
from alicloud_emulator.world.oss.refusals import BLOCKED_EC, refusal
from alicloud_emulator.world.oss.values import Bucket, Visit

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One kind of configuration.

    Attributes:
        sub_resource: Its name in the query.
        name: Its name in actions, after ``PutBucket``.
        of: What stands before that name in actions.
        root: Root element of its XML; "" for JSON.
        missing: Error code (404) when nothing was put, or "".
        usual: What is given back when nothing was put and that is no error;
            ``{group}`` in it stands for the bucket's resource group.
        unset_by: An element whose emptiness makes it as if nothing had been put.
        removable: Whether it can be deleted.
        note: What becomes of it, for the documentation, where that is not all it says.
        many: How the configurations of a kind are told apart of which a bucket may have
            several; None where it has one.
    """

    sub_resource: str
    name: str
    root: str
    missing: str = ""
    usual: str = ""
    unset_by: str = ""
    removable: bool = True
    of: str = "Bucket"
    note: str = ""
    many: "Many | None" = None

    def action(self, verb: str) -> str:
        """Return the name of an action: ``Get``, ``Put`` or ``Delete`` and the rest."""
        return f"{verb}{self.of}{self.name}"

    def place(self, which: str = "") -> str:
        """Return the key of ``Bucket.settings`` (of the one called ``which``)."""
        return f"{self.sub_resource}/{which}" if self.many else self.sub_resource


@dataclass(frozen=True, kw_only=True)
class Many:
    """A kind of configuration of which a bucket may have several.

    Attributes:
        key: The query parameter, and the element ``Id``, that tell them apart.
        most: How many there may be.
        taken: Error code for putting one that is there.
        full: Error code for putting one too many.
    """

    key: str
    most: int
    taken: str
    full: str


PER_PAGE = 100
"""How many one listing shows. [ListBucketInventory reference]"""

SETTINGS = {
    setting.sub_resource: setting
    for setting in (
        Setting(
            sub_resource="lifecycle",
            name="Lifecycle",
            note="nothing expires",
            root="LifecycleConfiguration",
            missing="NoSuchLifecycle",
        ),
        Setting(
            sub_resource="cors",
            name="Cors",
            note="answers to pages of other sites have the headers",
            root="CORSConfiguration",
            missing="NoSuchCORSConfiguration",
        ),
        Setting(
            sub_resource="website",
            name="Website",
            note="index and error pages are served",
            root="WebsiteConfiguration",
            missing="NoSuchWebsiteConfiguration",
        ),
        Setting(
            sub_resource="policy",
            name="Policy",
            root="",
            missing="NoSuchBucketPolicy",
        ),
        Setting(
            sub_resource="logging",
            name="Logging",
            note="no logs are written",
            root="BucketLoggingStatus",
            usual="<BucketLoggingStatus></BucketLoggingStatus>",
        ),
        Setting(
            sub_resource="userDefinedLogFieldsConfig",
            of="",
            name="UserDefinedLogFieldsConfig",
            note="no logs are written",
            root="UserDefinedLogFieldsConfiguration",
            missing="NoSuchUserDefinedLogFieldsConfig",
        ),
        Setting(
            sub_resource="referer",
            name="Referer",
            note="nobody's is looked at",
            root="RefererConfiguration",
            usual="<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer>"
            "<RefererList></RefererList></RefererConfiguration>",
        ),
        Setting(
            sub_resource="requestPayment",
            name="RequestPayment",
            note="strangers must say that they pay",
            root="RequestPaymentConfiguration",
            usual="<RequestPaymentConfiguration><Payer>BucketOwner</Payer>"
            "</RequestPaymentConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="transferAcceleration",
            name="TransferAcceleration",
            note="opens the accelerate hosts to the bucket",
            root="TransferAccelerationConfiguration",
            missing="NoSuchTransferAccelerationConfiguration",
            removable=False,
        ),
        Setting(
            sub_resource="accessmonitor",
            name="AccessMonitor",
            note="GetObjectMeta tells of reading",
            root="AccessMonitorConfiguration",
            usual="<AccessMonitorConfiguration><Status>Disabled</Status>"
            "</AccessMonitorConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="httpsConfig",
            name="HttpsConfig",
            note="any version is spoken",
            root="HttpsConfiguration",
            usual="<HttpsConfiguration><TLS><Enable>false</Enable></TLS>"
            "</HttpsConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="bucketArchiveDirectRead",
            name="ArchiveDirectRead",
            note="what is archived must be restored",
            root="ArchiveDirectReadConfiguration",
            usual="<ArchiveDirectReadConfiguration><Enabled>false</Enabled>"
            "</ArchiveDirectReadConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="publicAccessBlock",
            name="PublicAccessBlock",
            root="PublicAccessBlockConfiguration",
            usual="<PublicAccessBlockConfiguration><BlockPublicAccess>false"
            "</BlockPublicAccess></PublicAccessBlockConfiguration>",
        ),
        Setting(
            sub_resource="encryption",
            name="Encryption",
            note="nothing is encrypted; objects tell of it",
            root="ServerSideEncryptionRule",
            missing="NoSuchServerSideEncryptionRule",
        ),
        Setting(
            sub_resource="resourceGroup",
            name="ResourceGroup",
            note="resource groups do not exist",
            root="BucketResourceGroupConfiguration",
            usual="<BucketResourceGroupConfiguration><ResourceGroupId>{group}"
            "</ResourceGroupId></BucketResourceGroupConfiguration>",
            unset_by="ResourceGroupId",
            removable=False,
        ),
        # An old operation that only SDKs still know; -1 means any amount, and a bucket
        # holds any amount whatever it says.
        Setting(
            sub_resource="qos",
            name="StorageCapacity",
            note="buckets hold any amount",
            root="BucketUserQos",
            usual="<BucketUserQos><StorageCapacity>-1</StorageCapacity>"
            "</BucketUserQos>",
            removable=False,
        ),
        # NOTE a guess: no inventory at all is an error, for the reference does not say
        # what an empty list looks like. None is ever written.
        Setting(
            sub_resource="inventory",
            name="Inventory",
            note="none is ever written",
            root="InventoryConfiguration",
            missing="NoSuchInventory",
            many=Many(
                key="inventoryId",
                most=1000,
                taken="InventoryAlreadyExist",
                full="InventoryExceedLimit",
            ),
        ),
    )
}


class Settings:
    """Keeps the configurations of buckets."""

    def __init__(self, world: "World", gate: Gate) -> None:
        self._world = world
        self._gate = gate

    def get(self, visit: Visit, name: str, setting: Setting, which: str = "") -> str:
        """Return a configuration's text.

        Args:
            visit: The call.
            name: The bucket's name.
            setting: The kind.
            which: The one that is meant, where there may be many.

        Raises:
            ServiceError: The setting's own code: nothing was put.
        """
        bucket = self._gate.enter(visit, name, setting.action("Get"))
        kept = bucket.settings.get(setting.place(which))
        if kept is None and setting.usual:
            kept = setting.usual.format(group=bucket.resource_group)
        if kept is None:
            raise refusal(setting.missing, BucketName=name)
        return kept

    def page(
        self, visit: Visit, name: str, setting: Setting, after: str
    ) -> tuple[list[str], str]:
        """Return a page of configurations in order of their ids, and the next token.

        Args:
            visit: The call.
            name: The bucket's name.
            setting: The kind, of which there may be many.
            after: Token of the page before: its last id; "" for the first page.

        Raises:
            ServiceError: The setting's own code: there are none at all.
        """
        bucket = self._gate.enter(visit, name, setting.action("Get"))
        places = sorted(_those_of(bucket, setting))
        if not places:
            raise refusal(setting.missing, BucketName=name)
        rest = [one for one in places if one > setting.place(after)]
        page = rest[:PER_PAGE]
        following = page[-1].partition("/")[2] if len(rest) > PER_PAGE else ""
        return [bucket.settings[one] for one in page], following

    def put(
        self, visit: Visit, name: str, setting: Setting, text: str, which: str = ""
    ) -> None:
        """Keep a configuration; where there may be one only, in place of an earlier one.

        Raises:
            ServiceError: AccessDenied: a policy that lets everybody in, while public
                access is blocked; InventoryAlreadyExist, InventoryExceedLimit.
        """
        bucket = self._gate.enter(visit, name, setting.action("Put"))
        opens = setting.sub_resource == "policy" and policies.is_public(text)
        if opens and self._gate.blocks_public_access(bucket):
            message = "Put public bucket policy is not allowed"
            raise refusal("AccessDenied", message, ec=BLOCKED_EC, BucketName=name)
        place = setting.place(which)
        if (many := setting.many) is not None:
            if place in bucket.settings:
                raise refusal(many.taken, BucketName=name)
            if len(_those_of(bucket, setting)) >= many.most:
                raise refusal(many.full, BucketName=name)
        bucket.settings[place] = text
        if setting.unset_by and not bucket.said(place, setting.unset_by):
            del bucket.settings[place]

    def delete(
        self, visit: Visit, name: str, setting: Setting, which: str = ""
    ) -> None:
        """Forget a configuration; one that was never put is as good as forgotten."""
        bucket = self._gate.enter(visit, name, setting.action("Delete"))
        bucket.settings.pop(setting.place(which), None)


def _those_of(bucket: Bucket, setting: Setting) -> list[str]:
    """Return the places of a kind of which there may be many."""
    return [one for one in bucket.settings if one.startswith(setting.place())]
