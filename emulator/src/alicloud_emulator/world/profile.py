"""A profile: which cloud to emulate. Read from TOML, validated, frozen.

A profile may begin with ``extends = "fast"`` and then say only what differs. See
docs/reference.md for every key; unknown keys are refused, so that a typing error
cannot quietly emulate another cloud.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from alicloud_emulator.world.checked import (
    ProfileError,
    checked,
    list_of,
    one_of,
    probability,
    table_of,
)
from alicloud_emulator.world.policy import PolicyError, check_document

_ENDINGS = (".toml", ".json")
_REGION_ID = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
"""It is part of host names."""


class OssMode(StrEnum):
    """What a region's object storage does.

    * ``open``: everything (in mainland regions: subject to the account's kind).
    * ``no-new-buckets``: PutBucket answers ``ForbidCreateNewBucket``.
    * ``none``: the same, and OSS does not list the region. Its hosts answer: published
      programs list buckets at every region's host, and find out by PutBucket alone
      where there is no object storage.
    * ``unresolved``: the region's OSS hosts do not resolve.
    """

    OPEN = "open"
    NO_NEW_BUCKETS = "no-new-buckets"
    NONE = "none"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region.

    Attributes:
        name: The region's name for people.
        mainland: Whether public OSS hosts there refuse data calls of new accounts.
        oss: ``open``, ``no-new-buckets`` (buckets cannot be made), ``none`` (no OSS; its
            hosts answer and refuse buckets) or ``unresolved`` (no OSS, and no hosts).
        fc: Whether Function Compute is there; without it its hosts do not resolve.
        public_images: False answers ``CurrentRegion.NotSupportPublicImage``.
        copy_in: False answers ``OperationDenied.NonCompliantDestinationRegion`` to
            copies into this region.
        copy_out: False answers ``RegionNotSupportCopy`` to copies from it.
        slow: Factor on every duration of the region.
        dead: The region's hosts take connections and never answer.
    """

    id: str
    name: str = ""
    mainland: bool = False
    oss: OssMode = OssMode.OPEN
    fc: bool = True
    public_images: bool = True
    copy_in: bool = True
    copy_out: bool = True
    slow: float = 1.0
    dead: bool = False


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A RAM user (with keys) or a role (with a trust policy) of an account.

    Attributes:
        name: Its name in RAM.
        access_key_id: The id of its access key; a user without one has no key.
        access_key_secret: As an account's.
        policies: Its RAM policies, as tables.
        trust: Of a role: its trust policy, as a table.
    """

    name: str
    access_key_id: str = ""
    access_key_secret: str = ""
    policies: tuple[dict[str, Any], ...] = ()
    trust: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account.

    Attributes:
        id: The account's id, digits.
        access_key_id: The id of the main account's access key.
        access_key_secret: Its secret; the command line makes a random one at every start
            if there is none here.
        oss_since: ``new`` (activated on or after 2025-03-20: mainland public data
            calls are refused), ``old``, or ``never`` (data calls answer
            ``UserDisable``).
        agreement_signed: Community Image Terms accepted.
        import_role: Whether AliyunECSImageImportDefaultRole is there at the start.
        fc_enabled: Whether Function Compute was ever activated.
        arrears: The account owes money: changes answer ``Account.Arrearage``.
        oss_v1: Whether V1 signatures are accepted on new buckets.
        oss_block_public: Whether new buckets block public access (the default in
            regions that got it since 2025-10-13).
    """

    id: str
    access_key_id: str
    access_key_secret: str = ""
    oss_since: str = one_of("new", "old", "never")
    agreement_signed: bool = True
    import_role: bool = True
    fc_enabled: bool = True
    arrears: bool = False
    oss_v1: bool = True
    oss_block_public: bool = False
    users: tuple[Principal, ...] = ()
    roles: tuple[Principal, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long things take, in seconds (per GiB of virtual size where said).

    Attributes:
        import_s: Seconds that an import runs.
        import_s_per_gib: And so many more for each GiB of the disk.
        import_queue_s: How long an import is Waiting before it runs.
        copy_s: Seconds that a copy between regions runs.
        copy_s_per_gib: And so many more for each GiB of the disk.
        image_delete_s: How long a deleted image is still listed.
        snapshot_release_s: How long after that its snapshots cannot be deleted.
        usable_s: How long after it became Available an image becomes Usable.
        detection_s: How long an image check (``DetectionStrategy``) takes.
        function_pending_s: How long a new function is Pending.
        function_cold_start_s: How long a new instance takes to start.
        role_propagation_s: How long a new role cannot be used.
        throttle_window_s: How long the minute of ``calls_per_minute`` takes; at its end
            throttled actions work again.
    """

    import_s: float = 1.0
    import_s_per_gib: float = 0.2
    import_queue_s: float = 0.1
    copy_s: float = 2.0
    copy_s_per_gib: float = 0.5
    image_delete_s: float = 0.3
    snapshot_release_s: float = 0.3
    usable_s: float = 0.0
    detection_s: float = 0.5
    function_pending_s: float = 0.2
    function_cold_start_s: float = 0.0
    role_propagation_s: float = 0.0
    throttle_window_s: float = 2.0

    def scaled(self, speed: float) -> "Durations":
        """Return the durations of a world that runs ``speed`` times as fast."""
        return replace(
            self, **{f.name: getattr(self, f.name) / speed for f in fields(self)}
        )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Quotas and limits; 0 means none.

    Attributes:
        copies_running: Copies that run at once from one source region.
        copy_conflict: What a second copy of an image that is being copied gets:
            ``copying`` (OperationDenied.ImageCopying, as captured in 2021), ``refuse``
            (OperationDenied.ImageCopyConflict, as documented), or ``queue``.
        imports_running: Imports that run at once in one region; 0: no limit.
        images_per_region: Images in one region.
        buckets_per_region: Buckets in one region.
        image_family_images: Images in one family and region; 0: no limit.
        function_payload_bytes: Size of a synchronous invocation's payload.
        function_payload_async_bytes: Size of an asynchronous invocation's payload.
        function_instances: Invocations that run at once in one region.
        calls_per_minute: Calls of one action in one region; 0: no limit. The minute
            takes ``throttle_window_s``.
    """

    copies_running: int = 5
    copy_conflict: str = one_of("copying", "refuse", "queue")
    imports_running: int = 0
    images_per_region: int = 100
    buckets_per_region: int = 100
    image_family_images: int = 0
    function_payload_bytes: int = 32 * 1024 * 1024
    function_payload_async_bytes: int = 128 * 1024
    function_instances: int = 100
    calls_per_minute: int = 0


class FunctionState(StrEnum):
    """What GetFunction tells of the state of a function of a built-in runtime.

    * ``active``: Pending, then Active, as documented.
    * ``pending``: Pending for ever, though the function can be invoked.
    * ``absent``: nothing, as seen in 2026 (geek-fun/serverlessinsight#219, #224).
    """

    ACTIVE = "active"
    PENDING = "pending"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What the cloud does where those who saw it disagree.

    Attributes:
        usable: Whether DescribeImages has the field ``Usable``.
        function_state: ``active``, ``pending`` or ``absent``: the state that GetFunction
            shows for functions of built-in runtimes; container functions become Active.
        function_ids: Whether all answers of Function Compute have a request id in a
            header. Those of invocations and errors do; for others, such as
            DeleteFunction's empty answer, it is not known.
        bucket_name_held_s: For how many seconds the name of a deleted bucket cannot be
            used again; 0 for not at all. Alibaba says hours, usually 48.
        import_aes256: Whether ImportImage reads from buckets that encrypt with AES256
            by default. It was seen to work; Alibaba's reference says that it is refused.
        import_garbage: Whether an import with a ``Format`` takes an object that is not
            of that format, as a disk of its size. Not known; the vendor's own test
            imports a text.
        vhd_whole_blocks: Whether the size of a dynamic VHD must be exactly that of its
            blocks, or may be less. The message of ``InvalidVHDImage.IncorrectSize`` can
            be read both ways; what ``qemu-img`` writes is less.
        features_while_creating: Whether ModifyImageAttribute takes ``Features`` while
            the image is being made. It was seen to; the reference says no.
        tags_kept: Whether ImportImage and CopyImage keep the tags they are given. Some
            actions were seen to lose them.
        s3_like: Whether the S3-compatible API is closer to S3 than the real one, so that
            S3 clients work unchanged: it accepts checksums after chunked bodies and in
            place of ``Content-MD5``, as AWS's SDKs send them since 2025, and ETags are
            in lower case, which s3cmd needs. ``realistic`` is as the real one.
    """

    usable: bool = True
    function_state: FunctionState = FunctionState.ABSENT
    function_ids: bool = True
    bucket_name_held_s: float = 0.0
    import_aes256: bool = True
    import_garbage: bool = False
    vhd_whole_blocks: bool = False
    features_while_creating: bool = False
    tags_kept: bool = True
    s3_like: bool = True


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How often things go wrong, as probabilities from 0 to 1.

    Attributes:
        call_failure: That an API call fails: it is refused, or done with its reply lost.
        download_failure: That a download between regions fails.
    """

    call_failure: float = probability()
    download_failure: float = probability()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A whole cloud to emulate; the first account is the main one."""

    name: str
    regions: tuple[Region, ...]
    accounts: tuple[Account, ...]
    durations: Durations = field(default_factory=Durations)
    limits: Limits = field(default_factory=Limits)
    habits: Habits = field(default_factory=Habits)
    weather: Weather = field(default_factory=Weather)

    def region(self, region_id: str) -> Region | None:
        """Return the region of that id, or None."""
        return self._by_id.get(region_id)

    @cached_property
    def _by_id(self) -> Mapping[str, Region]:
        return {region.id: region for region in self.regions}


def with_kept_secrets(profile: Profile, kept: Mapping[str, str]) -> Profile:
    """Return a profile whose access keys have the secrets that they had before.

    Args:
        profile: Says some, which stay, or none.
        kept: Secrets by key id.
    """

    def same(one: Account | Principal) -> str:
        return one.access_key_secret or kept.get(one.access_key_id, "")

    return _with_secrets(profile, same)


def with_secrets(profile: Profile, new: Callable[[], str]) -> Profile:
    """Return a profile in which every access key has a secret.

    Args:
        profile: Says some, or none.
        new: Returns a secret that nobody can guess.
    """
    return _with_secrets(profile, lambda one: one.access_key_secret or new())


def _with_secrets(
    profile: Profile, secret: Callable[[Account | Principal], str]
) -> Profile:
    return replace(
        profile,
        accounts=tuple(
            replace(
                account,
                access_key_secret=secret(account),
                users=tuple(
                    replace(user, access_key_secret=secret(user))
                    for user in account.users
                ),
            )
            for account in profile.accounts
        ),
    )


def load_profile(name_or_path: str) -> Profile:
    """Read a profile that ships with the emulator, or a TOML file.

    Raises:
        ProfileError: No such profile, not TOML, or it says something impossible.
    """
    data = _merged(name_or_path, depth=0)
    try:
        return _profile(name_or_path, data)
    except ProfileError as error:
        raise ProfileError(f"profile {name_or_path}: {error}") from error


def shipped_profiles() -> tuple[str, ...]:
    """Return the names of the profiles that ship with the emulator."""
    folder = files("alicloud_emulator") / "profiles"
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        )
    )


def _merged(name_or_path: str, *, depth: int) -> dict[str, Any]:
    if depth > 8:
        raise ProfileError(f"profile {name_or_path}: extends too deep")
    try:
        text = _text(name_or_path)
        read = json.loads if name_or_path.endswith(".json") else tomllib.loads
        data = read(text)
    except RecursionError:
        raise ProfileError(f"profile {name_or_path}: nested too deep") from None
    except ValueError as error:
        raise ProfileError(f"profile {name_or_path}: {error}") from error
    data = dict(table_of(data, f"profile {name_or_path}"))
    parent = data.pop("extends", None)
    if parent is None:
        return data
    base = Path(name_or_path).parent / str(parent)
    source = str(base) if str(parent).endswith(_ENDINGS) else str(parent)
    return _overlay(_merged(source, depth=depth + 1), data)


def _text(name_or_path: str) -> str:
    try:
        if name_or_path.endswith(_ENDINGS):
            return Path(name_or_path).read_text(encoding="utf-8")
        if name_or_path in shipped_profiles():
            folder = files("alicloud_emulator") / "profiles"
            return (folder / f"{name_or_path}.toml").read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"profile {name_or_path}: {error.strerror}") from error
    known = ", ".join(shipped_profiles())
    raise ProfileError(
        f"no profile {name_or_path!r}: give one of {known}, or a file ending in .toml"
        " or .json"
    )


def _overlay(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in more.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _overlay(old, value)
        else:
            merged[key] = value
    return merged


def _profile(name: str, data: Mapping[str, Any]) -> Profile:
    known = {field.name for field in fields(Profile)} - {"name"} | {"account"}
    if unknown := sorted(set(data) - known):
        raise ProfileError(f"unknown key {unknown[0]!r}")
    if missing := sorted({"account", "regions"} - set(data)):
        raise ProfileError(f"{missing[0]!r} is missing")
    others = list_of(data.get("accounts", []), "[[accounts]]")
    accounts = (
        _account(data["account"], "[account]"),
        *(_account(table, "[[accounts]]") for table in others),
    )
    _refuse_shared_keys(accounts)
    return Profile(
        name=name,
        regions=tuple(
            _region(region_id, table)
            for region_id, table in table_of(data["regions"], "[regions]").items()
        ),
        accounts=accounts,
        durations=checked(Durations, data.get("durations", {}), of="[durations]"),
        limits=checked(Limits, data.get("limits", {}), of="[limits]"),
        habits=checked(Habits, data.get("habits", {}), of="[habits]"),
        weather=checked(Weather, data.get("weather", {}), of="[weather]"),
    )


def _region(region_id: str, table: Mapping[str, Any]) -> Region:
    if not _REGION_ID.fullmatch(region_id):
        raise ProfileError(f"[regions.{region_id}] is no id of a region")
    return checked(Region, table, of=f"[regions.{region_id}]", id=region_id)


def _account(value: object, of: str) -> Account:
    table = table_of(value, of)
    people = {
        kind: tuple(
            _principal(entry, f"[[account.{kind}]]")
            for entry in list_of(table.get(kind, []), f"{of} {kind}")
        )
        for kind in ("users", "roles")
    }
    return checked(Account, table, of=of, **people)


def _principal(value: object, of: str) -> Principal:
    table = table_of(value, of)
    policies = list_of(table.get("policies", []), f"{of} policies")
    return checked(
        Principal,
        table,
        of=of,
        policies=tuple(
            _policy(policy, f"each of {of} policies") for policy in policies
        ),
        trust=_policy(table["trust"], f"{of} trust", trust=True)
        if "trust" in table
        else {},
    )


def _policy(value: object, of: str, *, trust: bool = False) -> Mapping[str, Any]:
    """Return a policy document, which RAM would take."""
    document = table_of(value, of)
    try:
        check_document(document, trust=trust)
    except PolicyError as error:
        raise ProfileError(f"{of}: {error}") from None
    return document


def _refuse_shared_keys(accounts: tuple[Account, ...]) -> None:
    """Refuse a profile in which a key or an id could mean two things."""
    keys = [account.access_key_id for account in accounts]
    keys += [user.access_key_id for account in accounts for user in account.users]
    for what, found in (
        ("account id", [account.id for account in accounts]),
        ("access_key_id", keys),
    ):
        for value in filter(None, found):
            if found.count(value) > 1:
                raise ProfileError(f"two have the {what} {value!r}")
