"""Configurations of buckets that are kept as they come and given back.

The emulator does not act on them (lifecycle rules expire nothing), except where it says
so: transfer acceleration opens the accelerate hosts, CORS rules let pages in.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alicloud_emulator.world.oss import policies
from alicloud_emulator.world.oss.gate import Gate
from alicloud_emulator.world.oss.refusals import BLOCKED_EC, refusal
from alicloud_emulator.world.oss.values import Visit

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
        usual: What is given back when nothing was put and that is no error.
        removable: Whether it can be deleted.
    """

    sub_resource: str
    name: str
    root: str
    missing: str = ""
    usual: str = ""
    removable: bool = True
    of: str = "Bucket"

    def action(self, verb: str) -> str:
        """Return the name of an action: ``Get``, ``Put`` or ``Delete`` and the rest."""
        return f"{verb}{self.of}{self.name}"


SETTINGS = {
    setting.sub_resource: setting
    for setting in (
        Setting(
            sub_resource="lifecycle",
            name="Lifecycle",
            root="LifecycleConfiguration",
            missing="NoSuchLifecycle",
        ),
        Setting(
            sub_resource="cors",
            name="Cors",
            root="CORSConfiguration",
            missing="NoSuchCORSConfiguration",
        ),
        Setting(
            sub_resource="website",
            name="Website",
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
            root="BucketLoggingStatus",
            usual="<BucketLoggingStatus></BucketLoggingStatus>",
        ),
        Setting(
            sub_resource="userDefinedLogFieldsConfig",
            of="",
            name="UserDefinedLogFieldsConfig",
            root="UserDefinedLogFieldsConfiguration",
            missing="NoSuchUserDefinedLogFieldsConfig",
        ),
        Setting(
            sub_resource="referer",
            name="Referer",
            root="RefererConfiguration",
            usual="<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer>"
            "<RefererList></RefererList></RefererConfiguration>",
        ),
        Setting(
            sub_resource="requestPayment",
            name="RequestPayment",
            root="RequestPaymentConfiguration",
            usual="<RequestPaymentConfiguration><Payer>BucketOwner</Payer>"
            "</RequestPaymentConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="transferAcceleration",
            name="TransferAcceleration",
            root="TransferAccelerationConfiguration",
            missing="NoSuchTransferAccelerationConfiguration",
            removable=False,
        ),
        Setting(
            sub_resource="accessmonitor",
            name="AccessMonitor",
            root="AccessMonitorConfiguration",
            usual="<AccessMonitorConfiguration><Status>Disabled</Status>"
            "</AccessMonitorConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="httpsConfig",
            name="HttpsConfig",
            root="HttpsConfiguration",
            usual="<HttpsConfiguration><TLS><Enable>false</Enable></TLS>"
            "</HttpsConfiguration>",
            removable=False,
        ),
        Setting(
            sub_resource="bucketArchiveDirectRead",
            name="ArchiveDirectRead",
            root="ArchiveDirectReadConfiguration",
            usual="<ArchiveDirectReadConfiguration><Enabled>false</Enabled>"
            "</ArchiveDirectReadConfiguration>",
            removable=False,
        ),
    )
}


class Settings:
    """Keeps the configurations of buckets."""

    def __init__(self, world: "World", gate: Gate) -> None:
        self._world = world
        self._gate = gate

    def get(self, visit: Visit, name: str, setting: Setting) -> str:
        """Return a configuration's text.

        Raises:
            ServiceError: The setting's own code: nothing was put.
        """
        bucket = self._gate.enter(visit, name, setting.action("Get"))
        kept = bucket.settings.get(setting.sub_resource, setting.usual)
        if not kept:
            raise refusal(setting.missing, BucketName=name)
        return kept

    def put(self, visit: Visit, name: str, setting: Setting, text: str) -> None:
        """Keep a configuration, in place of an earlier one.

        Raises:
            ServiceError: AccessDenied: a policy that lets everybody in, while public
                access is blocked.
        """
        bucket = self._gate.enter(visit, name, setting.action("Put"))
        opens = setting.sub_resource == "policy" and policies.is_public(text)
        if opens and self._gate.blocks_public_access(bucket):
            message = "Put public bucket policy is not allowed"
            raise refusal("AccessDenied", message, ec=BLOCKED_EC, BucketName=name)
        bucket.settings[setting.sub_resource] = text

    def delete(self, visit: Visit, name: str, setting: Setting) -> None:
        """Forget a configuration; one that was never put is as good as forgotten."""
        bucket = self._gate.enter(visit, name, setting.action("Delete"))
        bucket.settings.pop(setting.sub_resource, None)
