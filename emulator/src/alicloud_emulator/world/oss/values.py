"""What object storage keeps, and how a call arrives at it."""

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import unescape
from typing import Generic, TypeVar

from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.caller import Caller

T = TypeVar("T")

ASLEEP = frozenset({"Archive", "ColdArchive", "DeepColdArchive"})
"""Storage classes that cannot be read before they are restored."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One call, as the gate sees it.

    Attributes:
        caller: Who signed it; None for an anonymous call.
        region: Region of the host it came to; "" for an accelerate host.
        internal: It came to an ``-internal`` host.
        own_name: It came by a name that is not the cloud's, like a CNAME in life.
        inside: Region of the function that makes the call; "" for outside.
        signature: ``oss-v4``, ``oss-v2``, ``oss-v1``, or "" for none.
        pays: The caller says that he pays for the request.
        version_id: The version of the object that is meant; None for the newest.
        context: Values of condition keys that are about the call.
        passed: The buckets that the gate let it into, by name, action and key ("" and
            None: that it found): a call that takes long is let in once, and not again
            when its body has come.
    """

    caller: Caller | None
    region: str
    internal: bool = False
    own_name: bool = False
    inside: str = ""
    signature: str = "oss-v4"
    pays: bool = False
    version_id: str | None = None
    context: dict[str, str] = field(default_factory=dict, compare=False)
    passed: dict[tuple[str, str, str | None], "Bucket"] = field(
        default_factory=dict, compare=False, repr=False
    )


class ObjectKind(StrEnum):
    """How an object came to be: ``x-oss-object-type``."""

    NORMAL = "Normal"
    MULTIPART = "Multipart"
    APPENDABLE = "Appendable"
    SYMLINK = "Symlink"


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """How an object, or what is put into a bucket, is encrypted at rest.

    Attributes:
        algorithm: ``AES256``, ``KMS`` or ``SM4``.
        data: ``SM4`` where KMS is to use that for the data; else "".
        key_id: KMS key; "" for the one that OSS makes.
    """

    algorithm: str
    data: str = ""
    key_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """What a writer says about an object besides its bytes.

    Attributes:
        headers: Kept as they came and given back on reading, names in lower case:
            ``content-type``, ``cache-control``, ``expires``...
        meta: User metadata by name without ``x-oss-meta-``.
        acl: ``default`` means the bucket's.
        storage_class: "" means the bucket's.
        forbid_overwrite: Refuse with FileAlreadyExists if the key is taken.
        encryption: None means the bucket's.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: str = "default"
    storage_class: str = ""
    forbid_overwrite: bool = False
    encryption: Encryption | None = None


@dataclass(kw_only=True)
class StoredObject:
    """An object.

    Attributes:
        etag: Upper-case hex without quotes.
        modified_at: Unix time in seconds.
        target: For a symbolic link, the key it leads to.
        restoring_until: Unix time at which the restoring of an archived object
            ends; 0 for never restored.
        restored_until: Unix time until which it can then be read.
        sealed_at: Unix time since which an appendable object takes no more, or 0.
        read_at: Unix time of the last read, or 0.
        version_id: "" where the bucket never kept versions.
    """

    key: str
    blob: Blob
    etag: str
    modified_at: float
    kind: ObjectKind = ObjectKind.NORMAL
    storage_class: str = "Standard"
    headers: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: str = "default"
    target: str = ""
    restoring_until: float = 0.0
    restored_until: float = 0.0
    sealed_at: float = 0.0
    read_at: float = 0.0
    version_id: str = ""
    encryption: Encryption | None = None

    def is_awake(self, now: float) -> bool:
        """Whether it can be read at ``now``: archived objects are to be restored."""
        if self.storage_class not in ASLEEP:
            return True
        return self.restoring_until <= now < self.restored_until


@dataclass(frozen=True, kw_only=True)
class DeleteMarker:
    """A version that says that the key was deleted; ``modified_at`` in Unix seconds."""

    key: str
    version_id: str
    modified_at: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One uploaded part; ``modified_at`` in Unix seconds."""

    number: int
    blob: Blob
    etag: str
    modified_at: float


@dataclass(kw_only=True)
class Upload:
    """An upload in parts that is neither completed nor aborted.

    Attributes:
        sequential: Its parts come in order, so that the object will have an MD5.
    """

    id: str
    key: str
    started_at: float
    attributes: Attributes
    sequential: bool = False
    parts: dict[int, Part] = field(default_factory=dict)


class KeyTable(Generic[T]):
    """A mapping that also gives its keys in order, from any key on.

    Keys are ordered by code point, which is the order of their UTF-8 bytes.
    """

    def __init__(self) -> None:
        self._values: dict[str, T] = {}
        self._order: list[str] = []

    @classmethod
    def of(cls, values: Mapping[str, T]) -> "KeyTable[T]":
        """Return a table of some values by key."""
        table = cls()
        for key in sorted(values):
            table[key] = values[key]
        return table

    def become(self, other: "KeyTable[T]") -> None:
        """Take over what another has."""
        self._values = {key: other[key] for key in other}
        self._order = list(other)

    def items(self) -> Iterator[tuple[str, T]]:
        """Yield keys, in order, and values."""
        return ((key, self._values[key]) for key in self._order)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> T | None:
        """Return the value of a key, or None."""
        return self._values.get(key)

    def __getitem__(self, key: str) -> T:
        return self._values[key]

    def __setitem__(self, key: str, value: T) -> None:
        if key not in self._values:
            insort(self._order, key)
        self._values[key] = value

    def pop(self, key: str) -> T | None:
        """Take out a key; return its value, or None if it was not there."""
        if key not in self._values:
            return None
        del self._order[bisect_left(self._order, key)]
        return self._values.pop(key)

    def values(self) -> Iterator[T]:
        """Yield the values in the order of their keys."""
        return (self._values[key] for key in self._order)

    def from_key(self, start: str) -> Iterator[str]:
        """Yield the keys from ``start`` on, in order."""
        for index in range(bisect_left(self._order, start), len(self._order)):
            yield self._order[index]


@dataclass(kw_only=True)
class Bucket:
    """A bucket.

    Attributes:
        owner: Account id.
        created_at: Unix time in seconds.
        settings: Configurations as they came, text by ``Setting.place``.
        versioning: ``Enabled``, ``Suspended``, or "" for never enabled.
        history: All versions by key, the newest last; see versions.py.
    """

    name: str
    owner: str
    region: str
    created_at: float
    acl: str = "private"
    storage_class: str = "Standard"
    redundancy: str = "LRS"
    tags: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    objects: KeyTable[StoredObject] = field(default_factory=KeyTable)
    uploads: dict[str, Upload] = field(default_factory=dict)
    versioning: str = ""
    history: KeyTable[list[StoredObject | DeleteMarker]] = field(
        default_factory=KeyTable
    )

    def said(self, place: str, element: str) -> str:
        """Return an element's text in a kept configuration, or "".

        Args:
            place: ``Setting.place``; mostly the name of the sub-resource.
            element: Name of the element; the first one counts.
        """
        kept = self.settings.get(place)
        found = re.search(f"<{element}>([^<]*)<", kept) if kept else None
        return unescape(found[1]) if found else ""

    @property
    def block_public_access(self) -> bool:
        """Whether public ACLs are refused and have no effect."""
        return self.said("publicAccessBlock", "BlockPublicAccess") == "true"

    @property
    def resource_group(self) -> str:
        """The id of its resource group; the account's default one unless it was moved."""
        usual = f"rg-acfm{self.owner[-10:]}"
        return self.said("resourceGroup", "ResourceGroupId") or usual

    @property
    def encryption(self) -> Encryption | None:
        """How objects are encrypted whose writers do not say."""
        algorithm = self.said("encryption", "SSEAlgorithm")
        if not algorithm:
            return None
        return Encryption(
            algorithm=algorithm,
            data=self.said("encryption", "KMSDataEncryption"),
            key_id=self.said("encryption", "KMSMasterKeyID"),
        )
