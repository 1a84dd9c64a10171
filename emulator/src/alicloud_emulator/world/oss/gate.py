"""Who gets in: hosts and regions, the mainland rule, ACLs and policies.

Every operation on a bucket begins with ``Gate.enter``. The order of the checks is the
one seen in the wild: existence, right endpoint, signature version, the mainland rule,
and only then what the caller may do.
"""

from enum import Enum
from typing import TYPE_CHECKING

from alicloud_emulator.world.caller import PrincipalKind
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss import policies
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import Bucket, KeyTable, Visit
from alicloud_emulator.world.policy import Decision
from alicloud_emulator.world.profile import Account, Region

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World

KEY_BYTES_MAX = 1023


class Need(Enum):
    """Which ACL would let a stranger in: public-read, public-read-write, or none."""

    READ = "read"
    WRITE = "write"
    OWNER = "owner"


_OPEN_TO = {
    Need.READ: {"public-read", "public-read-write"},
    Need.WRITE: {"public-read-write"},
    Need.OWNER: set[str](),
}
_DENIED_BY_POLICY = "Access denied by bucket policy.", "0003-00000101"
_NOT_YOURS = "The bucket you access does not belong to you."
"""Said of buckets; of objects, that an ACL keeps them. [seen in life, 2025 and 2026]"""
_ENDPOINT_EC = "0003-00001403"
_ANONYMOUS_EC = "0003-00000905"
_OBJECT_ACL_EC = "0003-00000005"
_RAM_EC = "0003-00000201"
# Operations on buckets that are data calls under the mainland rule all the same.
_DATA_ON_BUCKETS = {"ListObjects", "ListObjectVersions", "ListMultipartUploads"}


class Gate:
    """Lets calls in to buckets."""

    def __init__(self, world: "World", buckets: KeyTable[Bucket]) -> None:
        self._world = world
        self._buckets = buckets
        self._closed_accounts: set[str] = set()

    def account(self, account_id: str) -> Account:
        """Return an account of the profile (the main one if it is not there)."""
        accounts = self._world.profile.accounts
        return next((a for a in accounts if a.id == account_id), accounts[0])

    def blocks_public_access(self, bucket: Bucket) -> bool:
        """Whether public access is blocked, for the bucket or for all of its owner's."""
        return bucket.block_public_access or bucket.owner in self._closed_accounts

    def account_blocks_public_access(self, visit: Visit) -> bool:
        """Whether the caller's account blocks public access to all its buckets."""
        self.authorize(visit, "GetPublicAccessBlock", "acs:oss:*:*:*")
        return self._account_of(visit) in self._closed_accounts

    def block_public_access(self, visit: Visit, *, block: bool) -> None:
        """Switch the block of all the buckets of the caller's account."""
        action = "PutPublicAccessBlock" if block else "DeletePublicAccessBlock"
        self.authorize(visit, action, "acs:oss:*:*:*")
        if block:
            self._closed_accounts.add(self._account_of(visit))
        else:
            self._closed_accounts.discard(self._account_of(visit))

    @staticmethod
    def _account_of(visit: Visit) -> str:
        return "" if visit.caller is None else visit.caller.account_id

    def region(self, visit: Visit) -> Region:
        """Return the region a call came to.

        Raises:
            ServiceError: No such region, or an internal host called from elsewhere.
        """
        region = self._world.profile.region(visit.region)
        if region is None:
            raise refusal("InvalidLocationConstraint")
        if visit.internal and visit.inside != visit.region:
            # In life such a call cannot even connect.
            raise refusal("AccessDenied", "The internal endpoint is not reachable.")
        return region

    def enter(
        self,
        visit: Visit,
        name: str,
        action: str,
        *,
        key: str | None = None,
        need: Need = Need.OWNER,
    ) -> Bucket:
        """Return the bucket if the call may do ``action`` (on ``key``) to it.

        Args:
            visit: The call.
            name: The bucket's name.
            action: RAM action without ``oss:``, for example ``GetObject``.
            key: The object's key for operations on objects, else None.
            need: Which public ACL would do for anybody.

        Raises:
            ServiceError: NoSuchBucket, AccessDenied (with the right ``Endpoint`` if
                the host was wrong), PublicEndpointForbidden, InvalidObjectName...
        """
        bucket = self.find(visit, name)
        if visit.passed.get((name, action, key)) is bucket:
            return bucket
        if visit.signature == "oss-v1" and not self.account(bucket.owner).oss_v1:
            # NOTE a guess: the notice about V1 names no code.
            raise refusal(
                "AccessDenied", "Signature version 1 is not available for this bucket."
            )
        if key is not None or action in _DATA_ON_BUCKETS:
            self.check_account(bucket.owner)
            self.check_endpoint(visit, bucket)
        if key is not None:
            check_key(key)
        self._check_permission(visit, bucket, action, key, need)
        visit.passed[name, action, key] = bucket
        return bucket

    def find(self, visit: Visit, name: str) -> Bucket:
        """Return the bucket if it exists and its endpoint is the one called."""
        self._world.agenda.catch_up()
        bucket = self._buckets.get(name)
        found = (name, "", None)
        if bucket is not None and visit.passed.get(found) is bucket:
            return bucket
        if visit.region:
            self.region(visit)
        if bucket is None:
            raise refusal("NoSuchBucket", BucketName=name)
        if not visit.region:
            if bucket.said("transferAcceleration", "Enabled") != "true":
                raise refusal("TransferAccelerationDisabled", BucketName=name)
        elif bucket.region != visit.region:
            raise refusal(
                "AccessDenied",
                "The bucket you are attempting to access must be addressed using the "
                "specified endpoint. Please send all future requests to this endpoint.",
                ec=_ENDPOINT_EC,
                Bucket=name,
                Endpoint=f"oss-{bucket.region}.aliyuncs.com",
            )
        visit.passed[found] = bucket
        return bucket

    def is_elsewhere(self, visit: Visit, name: str) -> bool:
        """Whether there is a bucket of that name, in another region than the host's."""
        bucket = self._buckets.get(name)
        return bucket is not None and visit.region not in ("", bucket.region)

    def authorize(self, visit: Visit, action: str, resource: str) -> None:
        """Check the caller's policies.

        Args:
            visit: The call.
            action: RAM action without ``oss:``.
            resource: A whole resource name, ``acs:oss:...``.

        Raises:
            ServiceError: AccessDenied.
        """
        if visit.caller is None:
            raise refusal("AccessDenied")
        try:
            self._world.ram.authorize(
                visit.caller,
                action=f"oss:{action}",
                resource=resource,
                context=visit.context,
            )
        except ServiceError as error:
            if error.code != "NoPermission":
                raise
            denied = refusal("AccessDenied", ec=_RAM_EC)
            if error.fields.get("PolicyType") == "SessionPolicy":
                denied.message = "Access denied by authorizer's policy."
                denied.ec = "0003-00000301"
            denied.fields.update(error.fields)
            raise denied from error

    def check_account(self, account_id: str) -> None:
        """Refuse data calls on buckets of an account that may not use the service.

        Its buckets can be listed and described all the same. [seen in life, 2026]

        Raises:
            ServiceError: UserDisable: it owes money, or never came to object storage.
        """
        owner = self.account(account_id)
        if owner.arrears or owner.oss_since == "never":
            raise refusal("UserDisable")

    def check_endpoint(self, visit: Visit, bucket: Bucket) -> None:
        """Apply the mainland rule to a data call.

        Raises:
            ServiceError: PublicEndpointForbidden: a public host of a mainland region,
                and an account that came to object storage after 2025-03-20.
        """
        region = self._world.profile.region(bucket.region)
        public = not visit.internal and not visit.own_name
        closed = region is not None and region.mainland and public
        if closed and self.account(bucket.owner).oss_since == "new":
            raise refusal("PublicEndpointForbidden", BucketName=bucket.name)

    def _check_permission(
        self, visit: Visit, bucket: Bucket, action: str, key: str | None, need: Need
    ) -> None:
        path = bucket.name if key is None else f"{bucket.name}/{key}"
        resource = f"acs:oss:oss-{bucket.region}:{bucket.owner}:{path}"
        caller = visit.caller
        closed = self.blocks_public_access(bucket)
        said = policies.decide(
            bucket,
            caller,
            action=action,
            resource=resource,
            closed=closed,
            context=visit.context,
        )
        if caller is not None and caller.account_id == bucket.owner:
            self._check_own(visit, action, resource, said)
            return
        if said is Decision.EXPLICIT_DENY:
            raise _denied_by_policy()
        if said is Decision.ALLOW:
            if caller is not None:
                self.authorize(visit, action, resource)
        elif closed or public_acl(bucket, key) not in _OPEN_TO[need]:
            raise _denied_by_acl(visit, bucket, key)
        strangers_pay = bucket.said("requestPayment", "Payer") == "Requester"
        if strangers_pay and not (visit.pays and caller is not None):
            raise refusal("AccessDenied", "Access denied for requester pay bucket")

    def _check_own(
        self, visit: Visit, action: str, resource: str, said: Decision
    ) -> None:
        """Check a call by the owner's account, or one of its users and roles.

        NOTE a guess: the owner himself is above his bucket's policy.
        """
        assert visit.caller is not None
        if visit.caller.kind is not PrincipalKind.ACCOUNT:
            if said is Decision.EXPLICIT_DENY:
                raise _denied_by_policy()
            if said is Decision.ALLOW:
                return
        self.authorize(visit, action, resource)


def _denied_by_policy() -> ServiceError:
    message, ec = _DENIED_BY_POLICY
    return refusal("AccessDenied", message, ec=ec)


def _denied_by_acl(visit: Visit, bucket: Bucket, key: str | None) -> ServiceError:
    """Return what a stranger is told whom no ACL lets in."""
    if key is None:
        ec = _ANONYMOUS_EC if visit.caller is None else None
        return refusal("AccessDenied", _NOT_YOURS, ec=ec)
    stored = bucket.objects.get(key)
    if stored is not None and stored.acl != "default":
        message = "You have no right to access this object."
        return refusal("AccessDenied", message, ec=_OBJECT_ACL_EC)
    return refusal("AccessDenied")


def public_acl(bucket: Bucket, key: str | None) -> str:
    """Return the ACL that strangers meet at a bucket or at an object of it."""
    stored = bucket.objects.get(key) if key is not None else None
    if stored is None or stored.acl == "default":
        return bucket.acl
    return stored.acl


def check_key(key: str) -> None:
    """Refuse a key that no object can have.

    Raises:
        ServiceError: InvalidObjectName.
    """
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > KEY_BYTES_MAX:
        message = f"The Length of Object name must be less than {KEY_BYTES_MAX + 1}."
        raise refusal("InvalidObjectName", message, ObjectName=key)
    if not key or key[0] in "/\\":
        raise refusal("InvalidObjectName", ObjectName=key)
