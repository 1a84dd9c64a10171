"""Calls of object storage that are refused, operation by operation."""

import hmac
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import md5, sha1
from typing import Any

from alicloud_emulator.world.blobs import MemoryBlob
from emulator.tests.unit.oss.conftest import TOKYO, Answer, Cloud

HANGZHOU = "cn-hangzhou"
LONG = {"body": bytes(9 << 20), "options": {"content_length": 6 << 30}}
COPY = "x-oss-copy-source"
UPLOAD = "UPLOAD"  # stands for the id of the upload that there is


@dataclass(frozen=True, kw_only=True)
class Try:
    """A call that is refused."""

    method: str
    target: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Try":
        """Return the call with something else in it, headers added."""
        headers = {**self.headers, **changes.pop("headers", {})}
        return replace(self, headers=headers, **changes)

    def at(self, key: str) -> "Try":
        """Return the call about another key, the source of a copy."""
        if COPY in self.headers:
            return self.but(headers={COPY: f"/pail/{key}"})
        _, mark, query = self.target.partition("?")
        return self.but(target=f"pail/{key}{mark}{query}")

    def asking(self, name: str, value: str) -> "Try":
        """Return the call with another value of a query parameter."""
        place, _, query = self.target.partition("?")
        kept = [one for one in query.split("&") if one and not one.startswith(name)]
        return self.but(target=f"{place}?{'&'.join([*kept, f'{name}={value}'])}")

    def version(self, version_id: str) -> "Try":
        """Return the call about another version, of the source of a copy."""
        if source := self.headers.get(COPY):
            return self.but(headers={COPY: f"{source}?versionId={version_id}"})
        return self.asking("versionId", version_id)

    def if_(self, name: str, value: str) -> "Try":
        """Return the call under a condition."""
        prefix = "x-oss-copy-source-" if COPY in self.headers else ""
        return self.but(headers={f"{prefix}if-{name}": value})


def _with(name: str, value: str) -> Callable[[Try], Try]:
    return lambda call: call.but(headers={name: value})


UNREACHABLE = b64encode(
    b'{"callbackUrl": "http://a.example", "callbackBody": "a"}'
).decode()

# How a good call becomes one that meets a code, where that is the same for many.
RECIPES: dict[str, Callable[[Try], Try]] = {
    "CallbackFailed": _with("x-oss-callback", UNREACHABLE),
    "EntityTooLarge": lambda call: call.but(**LONG),
    "FileAlreadyExists": lambda call: replace(
        call.but(headers={"x-oss-forbid-overwrite": "true"}),
        target=call.target.replace("pail/new", "pail/key"),
    ),
    "FileImmutable": lambda call: call.at("sealed"),
    "InvalidDigest": _with("content-md5", "x"),
    "InvalidEncryptionAlgorithmError": _with("x-oss-server-side-encryption", "ROT13"),
    "InvalidObjectState": lambda call: call.at("cold"),
    "InvalidStorageClass": _with("x-oss-storage-class", "Lukewarm"),
    "InvalidTag": lambda call: call.but(
        headers={
            "x-oss-tagging": "a=1&a=2",
            "x-oss-tagging-directive": "REPLACE",
        }
    ),
    "InvalidTargetType": lambda call: call.at("chain"),
    "MalformedXML": lambda call: call.but(body=b"<"),
    "MissingContentLength": lambda call: call.but(options={"says_length": False}),
    "NoSuchKey": lambda call: call.at("none"),
    "NoSuchUpload": lambda call: call.asking("uploadId", "none"),
    "NoSuchVersion": lambda call: call.version("CAEQARiBgID"),
    "NotModified": lambda call: call.if_("none-match", md5(b"x" * 9).hexdigest()),
    "ObjectNotAppendable": lambda call: call.at("key"),
    "PartNotSequential": lambda call: call.asking("partNumber", "9"),
    "PositionNotEqualToLength": lambda call: call.asking("position", "99"),
    "PreconditionFailed": lambda call: call.if_("match", "x"),
    "PublicEndpointForbidden": lambda call: call.but(
        target=call.target.replace("pail", "far"), options={"region": HANGZHOU}
    ),
    "SymlinkTargetNotExist": lambda call: call.at("dead"),
}


def setting(name: str) -> Try:
    return Try(method="PUT", target=f"pail?{name}")


def listing(query: str = "") -> Try:
    return Try(method="GET", target=f"pail?{query}")


def written(method: str, target: str, **headers: str) -> Try:
    return Try(method=method, target=target, body=b"x", headers=headers)


TAGGED_TWICE = (
    b"<Tagging><TagSet><Tag><Key>a</Key></Tag><Tag><Key>a</Key></Tag>"
    b"</TagSet></Tagging>"
)
PART = f"pail/up?uploadId={UPLOAD}"
ACL = _with("x-oss-object-acl", "secret")
ENCRYPTION = (
    b"<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>"
    b"<SSEAlgorithm>%s</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>"
    b"</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
)
RULE = b"<LifecycleConfiguration><Rule>%s</Rule></LifecycleConfiguration>"
COLDER = b"<Status>Enabled</Status><Transition>%s</Transition>%s"
INVENTORY = (
    b"<InventoryConfiguration><Id>%s</Id><IsEnabled/><Destination/><Schedule/>"
    b"<IncludedObjectVersions/></InventoryConfiguration>"
)
DELETE = b"<Delete><Object><Key>%s</Key>%s</Object></Delete>"


def deleting(body: bytes) -> Try:
    digest = b64encode(md5(body).digest()).decode()
    call = Try(method="POST", target="pail?delete", body=body)
    return call.but(headers={"content-md5": digest})


def complete(*parts: tuple[int, str]) -> bytes:
    told = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{md5(data.encode()).hexdigest()}"
        f"</ETag></Part>"
        for number, data in parts
    )
    return f"<CompleteMultipartUpload>{told}</CompleteMultipartUpload>".encode()


FORM_TYPE = {"content-type": "multipart/form-data; boundary=line"}


def form(policy: str = "", **fields: str) -> bytes:
    """Return a form of the main account, with a file; nobody's without a policy."""
    signed: dict[str, str] = {}
    if policy:
        account = Cloud().world.profile.accounts[0]
        text = b64encode(policy.encode()).decode()
        mac = hmac.new(account.access_key_secret.encode(), text.encode(), sha1)
        signed = {
            "OSSAccessKeyId": account.access_key_id,
            "policy": text,
            "Signature": b64encode(mac.digest()).decode(),
        }
    told = {"key": "new", **signed, **fields, "file": "text"}
    parts = (
        f'--line\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in told.items()
    )
    return "".join((*parts, "--line--")).encode()


POLICY = '{"expiration": "2999-01-01T00:00:00Z", "conditions": [%s]}'
OPEN_POLICY = POLICY % '{"bucket": "pail"}'
# A good call of each operation.
GOOD: dict[str, Try] = {
    **{name: Try(method="GET", target="/") for name in ("ListBuckets",)},
    "PutPublicAccessBlock": Try(method="PUT", target="/?publicAccessBlock"),
    "DescribeRegions": Try(method="GET", target="/?regions"),
    "PutBucket": Try(method="PUT", target="pail"),
    "DeleteBucket": Try(method="DELETE", target="pail"),
    "PostObject": Try(
        method="POST", target="pail", body=form(OPEN_POLICY), headers=FORM_TYPE
    ),
    "PutBucketAcl": setting("acl").but(headers={"x-oss-acl": "private"}),
    "PutBucketTagging": setting("tagging"),
    "PutBucketVersioning": setting("versioning"),
    "PutBucketEncryption": setting("encryption"),
    "PutBucketStorageCapacity": setting("qos"),
    "PutBucketResourceGroup": setting("resourceGroup"),
    "PutBucketPublicAccessBlock": setting("publicAccessBlock"),
    "ListObjects": listing(),
    "ListObjectsV2": listing("list-type=2"),
    "ListObjectVersions": listing("versions"),
    "ListMultipartUploads": listing("uploads"),
    "ListLiveChannel": listing("live"),
    "DeleteMultipleObjects": deleting(DELETE % (b"none", b"")),
    "PutBucketInventory": setting("inventory&inventoryId=a"),
    "GetBucketInventory": listing("inventory&inventoryId=none"),
    "ListBucketInventory": Try(method="GET", target="bare?inventory"),
    "PutBucketLifecycle": setting("lifecycle"),
    "PutBucketCors": setting("cors"),
    "PutBucketWebsite": setting("website"),
    "PutBucketPolicy": setting("policy").but(body=b"{"),
    "PutUserDefinedLogFieldsConfig": setting("userDefinedLogFieldsConfig"),
    "PutBucketLogging": setting("logging"),
    "PutBucketReferer": setting("referer"),
    "PutBucketRequestPayment": setting("requestPayment"),
    "PutBucketTransferAcceleration": setting("transferAcceleration"),
    "PutBucketAccessMonitor": setting("accessmonitor"),
    "PutBucketHttpsConfig": setting("httpsConfig"),
    "PutBucketArchiveDirectRead": setting("bucketArchiveDirectRead"),
    "GetBucketEncryption": listing("encryption"),
    "GetBucketLifecycle": listing("lifecycle"),
    "GetBucketCors": listing("cors"),
    "GetBucketWebsite": listing("website"),
    "GetBucketPolicy": listing("policy"),
    "GetBucketTransferAcceleration": listing("transferAcceleration"),
    "GetUserDefinedLogFieldsConfig": listing("userDefinedLogFieldsConfig"),
    "PutObject": written("PUT", "pail/new"),
    "GetObject": Try(method="GET", target="pail/key"),
    "HeadObject": Try(method="HEAD", target="pail/key"),
    "GetObjectMeta": Try(method="HEAD", target="pail/key?objectMeta"),
    "DeleteObject": Try(method="DELETE", target="pail/key"),
    "CopyObject": Try(method="PUT", target="pail/new", headers={COPY: "/pail/key"}),
    "AppendObject": written("POST", "pail/new?append&position=0"),
    "SealAppendObject": Try(method="POST", target="pail/log?seal&position=1"),
    "OptionObject": Try(
        method="OPTIONS",
        target="pail/key",
        headers={"origin": "https://a.b", "access-control-request-method": "GET"},
    ),
    "PutSymlink": Try(
        method="PUT",
        target="pail/new?symlink",
        headers={"x-oss-symlink-target": "key"},
    ),
    "GetSymlink": Try(method="GET", target="pail/link?symlink"),
    "GetObjectAcl": Try(method="GET", target="pail/key?acl"),
    "PutObjectAcl": Try(
        method="PUT", target="pail/key?acl", headers={"x-oss-object-acl": "private"}
    ),
    "GetObjectTagging": Try(method="GET", target="pail/key?tagging"),
    "PutObjectTagging": Try(
        method="PUT",
        target="pail/key?tagging",
        body=b"<Tagging><TagSet></TagSet></Tagging>",
    ),
    "DeleteObjectTagging": Try(method="DELETE", target="pail/key?tagging"),
    "RestoreObject": Try(method="POST", target="pail/cold?restore"),
    "CleanRestoredObject": Try(method="POST", target="pail/cold?cleanRestoredObject"),
    "InitiateMultipartUpload": Try(method="POST", target="pail/new?uploads"),
    "UploadPart": written("PUT", f"{PART}&partNumber=3"),
    "UploadPartCopy": Try(
        method="PUT", target=f"{PART}&partNumber=3", headers={COPY: "/pail/key"}
    ),
    "CompleteMultipartUpload": Try(
        method="POST", target=PART, body=complete((1, "one"))
    ),
    "AbortMultipartUpload": Try(method="DELETE", target=PART),
    "ListParts": Try(method="GET", target=PART),
}


def _number(name: str) -> Callable[[Try], Try]:
    return lambda call: call.asking(name, "x")


def _version(call: Try) -> Try:
    return call.version("")


def _body(body: bytes, **headers: str) -> Callable[[Try], Try]:
    return lambda call: call.but(body=body, headers=headers)


def _bucket(**changes: Any) -> Callable[[Try], Try]:
    return lambda call: call.but(**changes)


NEW = {
    "ForbidCreateNewBucket": lambda call: replace(
        call,
        target=call.target.replace("pail", "other"),
        options={"region": "cn-nanjing"},
    ),
    "InvalidArgument": _with("x-oss-acl", "secret"),
    "InvalidBucketName": lambda call: replace(
        call, target=call.target.replace("pail", "ab")
    ),
    "TooManyBuckets": lambda call: replace(
        call, target=call.target.replace("pail", "third")
    ),
}
# What is not so for many; the operation's name, then the code.
SPECIAL: dict[str, dict[str, Callable[[Try], Try]]] = {
    "ListBuckets": {"InvalidArgument": _number("max-keys")},
    "DescribeRegions": {"NoSuchRegion": lambda call: call.asking("regions", "x")},
    "PutBucket": {
        **NEW,
        "BucketAlreadyExists": lambda call: call.but(options={"caller": Cloud().other}),
        "InvalidTag": _with("x-oss-bucket-tagging", "a=1&a=2"),
    },
    "DeleteBucket": {"BucketNotEmpty": lambda call: call},
    "PostObject": {
        "CallbackFailed": _body(form(OPEN_POLICY, callback=UNREACHABLE)),
        "EntityTooLarge": _body(form(POLICY % '["content-length-range", 0, 1]')),
        "EntityTooSmall": _body(form(POLICY % '["content-length-range", 9, 9]')),
        "FieldItemTooLong": _body(form(OPEN_POLICY, a="x" * 80_000)),
        "FileAlreadyExists": _body(
            form(OPEN_POLICY, key="key", **{"x-oss-forbid-overwrite": "true"})
        ),
        "IncorrectNumberOfFilesInPOSTRequest": _body(b"--line--"),
        "InvalidArgument": _body(form(OPEN_POLICY, key="")),
        "InvalidEncryptionAlgorithmError": _body(
            form(OPEN_POLICY, **{"x-oss-server-side-encryption": "ROT13"})
        ),
        "InvalidObjectName": _body(form(OPEN_POLICY, key="/")),
        "InvalidPolicyDocument": _body(form("{")),
        "InvalidStorageClass": _body(
            form(OPEN_POLICY, **{"x-oss-storage-class": "Lukewarm"})
        ),
        "InvalidTag": _body(form(OPEN_POLICY, **{"x-oss-tagging": "a=1&a=2"})),
        "MalformedPOSTRequest": _body(b"--line\r\n\r\n"),
        "RequestIsNotMultiPartContent": _with("content-type", "text/plain"),
        "a newer signature": _body(
            form(
                OPEN_POLICY,
                **{
                    "x-oss-signature-version": "OSS4-HMAC-SHA256",
                    "x-oss-credential": "LTAI-emulator/20270115/a/oss/aliyun_v4_request",
                    "x-oss-date": "20270115",
                },
            )
        ),
    },
    "PutBucketAcl": {
        **NEW,
        "MissingArgument": lambda call: replace(call, headers={}),
    },
    "PutBucketTagging": {"InvalidTag": _body(TAGGED_TWICE)},
    "PutBucketEncryption": {
        "InvalidArgument": _body(ENCRYPTION % b"AES256"),
        "InvalidEncryptionAlgorithmError": _body(ENCRYPTION % b"ROT13"),
    },
    "PutBucketStorageCapacity": {
        "InvalidArgument": _body(b"<BucketUserQos/>"),
    },
    "ListObjects": {"InvalidArgument": _number("max-keys")},
    "ListObjectsV2": {"InvalidArgument": _number("max-keys")},
    "ListObjectVersions": {"InvalidArgument": _number("max-keys")},
    "ListMultipartUploads": {"InvalidArgument": _number("max-uploads")},
    "ListLiveChannel": {"InvalidArgument": _number("max-keys")},
    "DeleteMultipleObjects": {
        "InvalidArgument": lambda _: deleting(
            DELETE % (b"key", b"<VersionId> </VersionId>")
        ),
        "InvalidObjectName": lambda _: deleting(DELETE % (b"/", b"")),
        "MalformedXML": lambda _: deleting(b"<"),
        "MissingArgument": lambda call: replace(call, headers={}),
    },
    "PutBucketInventory": {
        "InvalidArgument": _body(INVENTORY % b"b"),
        "InventoryAlreadyExist": _body(INVENTORY % b"a"),
        "InventoryExceedLimit": lambda call: replace(
            call, target="pail?inventory&inventoryId=new", body=INVENTORY % b"new"
        ),
    },
    "GetBucketInventory": {"NoSuchInventory": lambda call: call},
    "ListBucketInventory": {"NoSuchInventory": lambda call: call},
    "PutBucketLifecycle": {
        "InvalidArgument": _body(RULE % (COLDER % (b"<Days>0</Days>", b""))),
        "InvalidRequest": _body(
            RULE
            % (
                COLDER
                % (
                    b"<Days>1</Days>",
                    b"<Expiration><CreatedBeforeDate/></Expiration>",
                )
            )
        ),
    },
    "PutBucketCors": {
        "InvalidArgument": _body(
            b"<CORSConfiguration><CORSRule><MaxAgeSeconds>x</MaxAgeSeconds>"
            b"</CORSRule></CORSConfiguration>"
        ),
        "CORSRuleBeyondLimit": _body(
            b"<CORSConfiguration>" + b"<CORSRule/>" * 21 + b"</CORSConfiguration>"
        ),
    },
    "OptionObject": {"BadRequest": lambda call: replace(call, headers={})},
    "PutBucketPolicy": {"InvalidPolicyDocument": lambda call: call},
    "PutUserDefinedLogFieldsConfig": {
        "InvalidArgument": _body(
            b"<UserDefinedLogFieldsConfiguration><HeaderSet><header>a_b</header>"
            b"</HeaderSet></UserDefinedLogFieldsConfiguration>"
        )
    },
    "PutObject": {"InvalidArgument": ACL},
    "GetObject": {
        "ApkDownloadForbidden": lambda call: call.at("a.apk"),
        "InvalidArgument": _version,
        "InvalidRange": lambda call: call.but(
            headers={"range": "bytes=99-", "x-oss-range-behavior": "standard"}
        ),
    },
    "CopyObject": {
        "EntityTooLarge": lambda call: call.at("huge"),
        "InvalidArgument": ACL,
    },
    "AppendObject": {"InvalidArgument": _number("position")},
    "SealAppendObject": {"InvalidArgument": _number("position")},
    "PutSymlink": {
        "InvalidArgument": ACL,
        "MissingArgument": lambda call: replace(call, headers={}),
    },
    "GetSymlink": {"NotSymlink": lambda call: call.at("key")},
    "PutObjectAcl": {
        "InvalidArgument": ACL,
        "MissingArgument": lambda call: replace(call, headers={}),
    },
    "PutObjectTagging": {"InvalidTag": _body(TAGGED_TWICE)},
    "RestoreObject": {
        "InvalidArgument": _body(b"<RestoreRequest><Days>0</Days></RestoreRequest>"),
        "OperationNotSupported": lambda call: call.at("key"),
        "RestoreAlreadyInProgress": lambda call: call.at("restoring"),
    },
    "CleanRestoredObject": {"OperationNotSupported": lambda call: call.at("key")},
    "InitiateMultipartUpload": {"InvalidArgument": ACL},
    "UploadPart": {"InvalidArgument": _number("partNumber")},
    "UploadPartCopy": {
        "InvalidArgument": _number("partNumber"),
        "InvalidRange": _with("x-oss-copy-source-range", "bytes=99-"),
    },
    "CompleteMultipartUpload": {
        "InvalidArgument": ACL,
        "EntityTooSmall": _body(complete((1, "one"), (2, "two"))),
        "FileAlreadyExists": _with("x-oss-forbid-overwrite", "true"),
        "InvalidPart": _body(complete((7, ""))),
        "InvalidPartOrder": _body(complete((2, "two"), (1, "one"))),
    },
    "ListParts": {"InvalidArgument": _number("max-parts")},
}


async def cloud_of_everything() -> Cloud:
    """A cloud with something of everything in it."""
    made = Cloud()
    limits = replace(made.world.profile.limits, buckets_per_region=3)
    object.__setattr__(made.world.profile, "limits", limits)
    for bucket, region in (("pail", TOKYO), ("bare", TOKYO), ("far", HANGZHOU)):
        assert (await made.answer("PUT", bucket, region=region)).status == 200
    assert (await made.answer("PUT", "second")).status == 200
    cold = {"x-oss-storage-class": "Archive"}
    for key, headers in (("key", {}), ("cold", cold), ("restoring", cold), ("up", {})):
        await made.answer("PUT", f"pail/{key}", b"x" * 9, headers=headers)
    await made.answer("POST", "pail/restoring?restore")
    for key, target in (("link", "key"), ("chain", "link"), ("dead", "none")):
        await made.answer(
            "PUT", f"pail/{key}?symlink", headers={"x-oss-symlink-target": target}
        )
    for key in ("log", "sealed"):
        await made.answer("POST", f"pail/{key}?append&position=0", b"x")
    await made.answer("POST", "pail/sealed?seal&position=1")
    huge = MemoryBlob(b"")
    huge.size = 1024**3 + 1
    made.world.oss.objects.put(made.visit(), "pail", "huge", huge)
    pail = made.world.oss.buckets.get(made.visit(), "pail")
    pail.settings.update({f"inventory/{number}": "" for number in range(999)})
    await made.answer("PUT", "pail?inventory&inventoryId=a", INVENTORY % b"a")
    begun = await made.answer("POST", "pail/up?uploads&sequential")
    upload = begun.text("UploadId")
    for number, data in ((1, b"one"), (2, b"two")):
        await made.answer("PUT", f"pail/up?uploadId={upload}&partNumber={number}", data)
    return made


def recipe(action: str, code: str) -> Callable[[Try], Try] | None:
    """Return how a good call of an operation comes to meet a code."""
    found = SPECIAL.get(action, {}).get(code) or RECIPES.get(code)
    if found is None and code == "InvalidArgument":
        return _version
    return found


async def make(cloud: Cloud, call: Try) -> Answer:
    """Make a call on a cloud with something of everything in it."""
    (upload,) = cloud.world.oss.buckets.get(cloud.visit(), "pail").uploads
    target = call.target.replace(UPLOAD, upload)
    return await cloud.answer(
        call.method, target, call.body, headers=call.headers, **call.options
    )


def attempts(action: str) -> Iterator[Try]:
    """Yield the good call of an operation, and all that may be refused."""
    yield GOOD[action]
    yield _version(GOOD[action])
    for change in {**RECIPES, **SPECIAL.get(action, {})}.values():
        yield change(GOOD[action])
