"""Server-side encryption: who asked for which, and what is said of it afterwards.

Nothing is encrypted here; the algorithm and the key's id are kept and told back, which
is all that a caller of the real cloud sees of it too.
"""

from dataclasses import dataclass, replace
from html import escape

from alicloud_emulator.world.kms import storage_key_id
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import Bucket, Encryption

ALGORITHMS = ("AES256", "KMS", "SM4")


@dataclass(frozen=True, kw_only=True)
class EncryptionWish:
    """What a request says about encryption; "" for what it does not say."""

    algorithm: str = ""
    data: str = ""
    key_id: str = ""

    def settled(self) -> Encryption | None:
        """Return what it means, or None if no encryption was asked for.

        Raises:
            ServiceError: InvalidEncryptionAlgorithmError, InvalidArgument.
        """
        if not self.algorithm:
            if self.key_id:
                raise refusal(
                    "InvalidArgument",
                    ArgumentName="x-oss-server-side-encryption-key-id",
                    ArgumentValue=self.key_id[:64],
                )
            return None
        if self.algorithm not in ALGORITHMS:
            raise refusal("InvalidEncryptionAlgorithmError")
        if self.algorithm != "KMS":
            if self.key_id:
                raise refusal(
                    "InvalidArgument",
                    "KMSMasterKeyID is not applicable if the default sse algorithm is "
                    "not KMS.",
                    ArgumentName="x-oss-server-side-encryption-key-id",
                    ArgumentValue=self.key_id[:64],
                )
            return Encryption(algorithm=self.algorithm)
        if self.data not in ("", "SM4"):
            raise refusal("InvalidEncryptionAlgorithmError")
        return Encryption(algorithm="KMS", data=self.data, key_id=self.key_id)


def of_object(asked: Encryption | None, bucket: Bucket) -> Encryption | None:
    """Return an object's encryption: what its writer asked for, else the bucket's."""
    chosen = asked or bucket.encryption
    if chosen is None or chosen.algorithm != "KMS" or chosen.key_id:
        return chosen
    return replace(chosen, key_id=storage_key_id(bucket.owner, bucket.region))


def rule_of(encryption: Encryption) -> str:
    """Return a bucket's configuration that asks for an encryption."""
    told = (
        ("SSEAlgorithm", encryption.algorithm),
        ("KMSMasterKeyID", encryption.key_id),
        ("KMSDataEncryption", encryption.data),
    )
    elements = "".join(
        f"<{n}>{escape(text, quote=False)}</{n}>" for n, text in told if text
    )
    inner = "ApplyServerSideEncryptionByDefault"
    root = "ServerSideEncryptionRule"
    return f"<{root}><{inner}>{elements}</{inner}></{root}>"
