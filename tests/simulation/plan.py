"""What one seed draws: a cloud, what is in it, a command, and how it will be treated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Final

from ali_import.disk import Architecture, BootMode, DiskImage
from ali_import.disk.pack import Grain, Packer
from ali_import.publish.model import Options, Target
from alicloud_emulator.world.profile import (
    Account,
    Durations,
    FunctionState,
    Habits,
    Limits,
    OssMode,
    Principal,
    Profile,
    Region,
)
from tests.support.memory import MemoryFile

ACCOUNT: Final = "1234567890123456"
STRANGER: Final = "6543210987654321"
ROLE: Final = "publisher"
WHEN_MADE: Final = -1
STUCK: Final = 5000.0
"""Factor on the durations of a region in which nothing ever gets done."""
NEVER_S: Final = 1e9
"""How long images wait to be Usable where something is wrong with that."""
PART_BYTES: Final = 100 * 1024
"""OSS takes no smaller part before the last one."""
FINE: Final = Grain(
    small_bytes=0,
    block_bytes=PART_BYTES,
    part_bytes=PART_BYTES,
    zeros_bytes=(PART_BYTES, PART_BYTES),
    extents_max=4,
)
"""How finely large images are cut here, where they have few blocks."""

MAINLAND: Final = (
    "cn-beijing", "cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-heyuan", "cn-wuhan-lr",
)  # fmt: skip
ABROAD: Final = (
    "cn-hongkong", "ap-southeast-1", "ap-northeast-1", "eu-central-1", "eu-west-1",
    "us-east-1", "us-west-1", "me-east-1",
)  # fmt: skip
_MAKING: Final = ("ImportImage", "CopyImage", "", "")
_ALLOW_ALL: Final = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


class End(StrEnum):
    """How the first run ends, if nothing else ends it."""

    CLEAN = "clean"
    KILL = "kill"
    INTERRUPT = "interrupt"
    CANCEL = "cancel"
    """As an interrupt, but of the task that runs it: whoever calls has had enough."""


STOPS: Final = (End.INTERRUPT, End.CANCEL)


@dataclass(frozen=True, kw_only=True)
class Existing:
    """An image that has a target's name in a region before anything begins.

    Attributes:
        same: Whether it holds the target's content, and is ours.
        status: ``Available``, ``Deprecated`` or ``CreateFailed``.
        plain: It lost features and boot mode, as copies do.
    """

    region: str
    target: int
    same: bool
    status: str
    public: bool
    in_family: bool
    plain: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything about a seed's scenario but the weather.

    Attributes:
        others: Content of the older images that stand under a target's name.
        end_at_call: Number of the call at which KILL, INTERRUPT or CANCEL happens.
        end_at_making: The end comes when the first of these was asked for instead:
            ``ImportImage`` or ``CopyImage``; or "".
        late_kill: The kill comes after the call's effect, before its answer.
        second_after_s: A second run of the same command starts so much later; or None.
        rivals: What the second run publishes under the same names; usually the same.
        heals: Whether the weather gets good before the command is run again.
        gives_up: Nobody runs the command again; cleaning up is all that follows.
        again_kill: Number of the call at which the next run is killed too, or 0.
        again_stops: The next run is interrupted instead.
        cleanup_kill: The same for the cleaning up at the end.
        cleanup_stop: Number of the call at which the cleaning up is cancelled, or 0;
            or WHEN_MADE, when it has made a function.
        cleanup_renews: Another run takes images over between looking and removing.
        token_s: Life of the credentials, 0 for the account's own keys.
        page_rows: How many rows of a listing the command asks for at once, 0 for as
            many as it does in life.
    """

    seed: int
    profile: Profile
    targets: tuple[Target, ...]
    options: Options
    existing: tuple[Existing, ...]
    end: End
    end_at_call: int
    end_at_making: str
    late_kill: bool
    second_after_s: float | None
    rivals: tuple[Target, ...]
    heals: bool
    gives_up: bool
    again_kill: int
    again_stops: bool
    cleanup_kill: int
    cleanup_stop: int
    cleanup_renews: bool
    token_s: float
    token_late_s: float
    page_rows: int

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions asked for."""
        everywhere = sorted(region.id for region in self.profile.regions)
        return self.options.regions or tuple(everywhere)

    @property
    def stuck(self) -> set[str]:
        """Regions in which nothing ever gets done."""
        return {there.id for there in self.profile.regions if there.slow >= STUCK}

    @property
    def rivalry(self) -> bool:
        """Whether two runs want different content under the same names."""
        return self.second_after_s is not None and self.rivals != self.targets

    def headline(self) -> str:
        """Return the scenario in a line or two, for people who debug a seed."""
        regions = ", ".join(_shown(r) for r in self.profile.regions)
        asked = ",".join(self.options.regions) or "all"
        flags = [
            name
            for name in ("public", "overwrite", "all_or_nothing")
            if getattr(self.options, name)
        ]
        images = ", ".join(
            f"{t.name}/{len(t.image.pack.parts)} parts" for t in self.targets
        )
        end = self.end.value
        if self.end is not End.CLEAN:
            when = self.end_at_making or f"call {self.end_at_call}"
            end += f" at {when}{' (late)' if self.late_kill else ''}"
        return (
            f"seed {self.seed}: {regions}; asked: {asked} {' '.join(flags)}; {images}; "
            f"{self.profile.accounts[0].oss_since} account; first run: {end}; "
            f"second: {self.second_after_s}{' (rival)' if self.rivalry else ''}; heals: {self.heals}; "
            f"gives up: {self.gives_up}; kills: {self.again_kill}, {self.cleanup_kill}; "
            f"cleanup stops: {self.cleanup_stop}, renews: {self.cleanup_renews}; "
            f"timeout {self.options.timeout_s:.0f} s; rows: {self.page_rows}; "
            f"{self.existing}"
        )


def draw(seed: int) -> Plan:
    """Draw the scenario of a seed."""
    rng = Random(f"plan {seed}")
    profile = _profile(rng)
    targets = tuple(
        target(rng, number) for number in range(rng.choice((1, 1, 2, 2, 3)))
    )
    options = _options(rng, profile)
    end = rng.choices(tuple(End), (5, 4, 2, 1))[0]
    return Plan(
        seed=seed,
        profile=profile,
        targets=targets,
        options=options,
        existing=_existing(rng, profile, len(targets), overwrite=options.overwrite),
        end=end,
        end_at_call=_some_call(rng),
        end_at_making=rng.choice(_MAKING) if end in STOPS else "",
        late_kill=rng.random() < 0.5,
        second_after_s=rng.uniform(0, 60) if rng.random() < 0.15 else None,
        rivals=_rivals(targets) if rng.random() < 0.2 else targets,
        heals=rng.random() < 0.75,
        gives_up=rng.random() < 0.08,
        again_kill=_some_call(rng) if rng.random() < 0.2 else 0,
        again_stops=rng.random() < 0.5,
        cleanup_kill=_some_call(rng) if rng.random() < 0.15 else 0,
        token_s=rng.uniform(120, 900) if rng.random() < 0.2 else 0.0,
        token_late_s=rng.uniform(0, 15),
        cleanup_stop=rng.choice((_some_call(rng), WHEN_MADE, 0, 0, 0, 0)),
        cleanup_renews=rng.random() < 0.15,
        page_rows=rng.choice((0, 0, 2)),
    )


def _some_call(rng: Random) -> int:
    return int(3 ** rng.uniform(1, 6))


def _shown(region: Region) -> str:
    marks = [
        mark
        for mark, is_so in (
            ("mainland", region.mainland),
            (f"oss={region.oss.value}", region.oss is not OssMode.OPEN),
            ("no fc", not region.fc),
            ("no public", not region.public_images),
            ("no copy in", not region.copy_in),
            ("no copy out", not region.copy_out),
            (f"slow={region.slow:.0f}", region.slow > 1),
        )
        if is_so
    ]
    return f"{region.id}({', '.join(marks)})" if marks else region.id


# --- the cloud ------------------------------------------------------------------------


def _profile(rng: Random) -> Profile:
    mainland = rng.sample(MAINLAND, rng.randint(0, 4))
    abroad = rng.sample(ABROAD, rng.randint(max(1, 3 - len(mainland)), 4))
    ids = mainland + abroad
    rng.shuffle(ids)
    return Profile(
        name="simulation",
        regions=tuple(
            _region(rng, region_id, mainland=region_id in mainland) for region_id in ids
        ),
        accounts=(_account(rng), _stranger()),
        durations=_durations(rng),
        limits=_limits(rng),
        habits=_habits(rng),
    )


def _region(rng: Random, region_id: str, *, mainland: bool) -> Region:
    oss = rng.choices(tuple(OssMode), (85, 8, 2, 5))[0]
    return Region(
        id=region_id,
        mainland=mainland,
        oss=oss,
        fc=rng.random() < 0.7,
        public_images=rng.random() < 0.96,
        copy_in=rng.random() < 0.95,
        copy_out=rng.random() < 0.96,
        slow=rng.choices((1.0, rng.uniform(2, 8), STUCK), (890, 100, 3))[0],
    )


def _account(rng: Random) -> Account:
    return Account(
        id=ACCOUNT,
        access_key_id="LTAI-simulation",
        access_key_secret="simulation",
        oss_since=rng.choice(("new", "new", "new", "old")),
        agreement_signed=rng.random() < 0.98,
        import_role=rng.random() < 0.98,
        fc_enabled=rng.random() < 0.95,
        arrears=rng.random() < 0.01,
        roles=(Principal(name=ROLE, policies=(_ALLOW_ALL,)),),
    )


def _stranger() -> Account:
    return Account(id=STRANGER, access_key_id="LTAI-stranger", access_key_secret="x")


def _durations(rng: Random) -> Durations:
    return Durations(
        import_s=10 ** rng.uniform(0, 1.7),
        import_s_per_gib=rng.uniform(0, 5),
        import_queue_s=rng.uniform(0, 3),
        copy_s=10 ** rng.uniform(0, 2),
        copy_s_per_gib=rng.uniform(0, 5),
        image_delete_s=10 ** rng.uniform(-1, 1.3),
        snapshot_release_s=10 ** rng.uniform(-1, 1.3),
        function_pending_s=10 ** rng.uniform(-1, 1),
        function_cold_start_s=rng.uniform(0, 2),
        throttle_window_s=60.0,
        usable_s=_usable_s(rng),
    )


def _usable_s(rng: Random) -> float:
    if rng.random() < 0.03:
        return NEVER_S
    return rng.choice((0.0, 10 ** rng.uniform(-1, 1.7)))


def _limits(rng: Random) -> Limits:
    return Limits(
        copy_conflict=rng.choice(("queue", "copying", "refuse")),
        imports_running=rng.choice((0, 0, 2)),
        images_per_region=rng.choice((100, 100, 100, 100, 12)),
        buckets_per_region=rng.choice((100, 100, 100, 100, 4)),
        calls_per_minute=rng.choice((0, 0, 0, 60, 20)),
        function_instances=rng.choice((100, 100, 2)),
    )


def _habits(rng: Random) -> Habits:
    return Habits(
        usable=rng.random() < 0.8,
        function_state=rng.choice(tuple(FunctionState)),
        function_ids=rng.random() < 0.5,
        bucket_name_held_s=rng.choice((0.0, 172_800.0)),
        import_aes256=rng.random() < 0.5,
        import_garbage=rng.random() < 0.2,
        vhd_whole_blocks=rng.random() < 0.5,
        features_while_creating=rng.random() < 0.5,
        tags_kept=rng.random() < 0.6,
    )


# --- the command ----------------------------------------------------------------------


def content(label: str, size: int) -> bytes:
    """Return bytes that are the label's own; cheap to make, and to compress."""
    block = hashlib.sha256(label.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


SMALL: Final = ""
LARGE: Final = (
    *("0", "012") * 3,
    *("0z1", "z0", "0zz1z", "z", "0z1z2z3z4z5", "0101", "0z0z01"),
    *("0" + 24 * "z", 20 * "z" + "0" + 30 * "z" + "1"),
)
SHAPES: Final = (*(SMALL,) * 12, *LARGE)
"""What images are like: small, or blocks that differ, or are zeros (z), and a short one."""


def shaped(label: str, shape: str, number: int = 0) -> bytes:
    """Return the bytes of an image: each block is the label's own."""
    if shape == SMALL:
        return content(label, 2000 + number)
    blocks = [
        bytes(PART_BYTES) if kind == "z" else content(f"{label} {kind}", PART_BYTES)
        for kind in shape
    ]
    last = content(label, 5000) if number % 2 == 0 else bytes(5000)
    return b"".join(blocks) + last


def target(rng: Random, number: int, shapes: Sequence[str] = SHAPES) -> Target:
    """Draw one image, of one of these shapes."""
    shape = rng.choice(shapes)
    architecture, boot_mode = rng.choice(
        (
            (Architecture.X86_64, BootMode.BIOS),
            (Architecture.X86_64, BootMode.UEFI),
            (Architecture.ARM64, BootMode.UEFI),
            (None, BootMode.UEFI),
        )
    )
    image = disk_image(
        Path(f"/images/{number}.img"),
        shaped(f"image {number}", shape, number),
        large=shape != SMALL,
        architecture=architecture,
        boot_mode=boot_mode,
        gib=rng.choice((1, 1, 3)),
    )
    name = f"netboot-{number}"
    return Target(image=image, name=name, family=f"netboot-{number}-latest")


def _rivals(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Return images of other content that somebody wants under the same names."""
    found: list[Target] = []
    for number, target in enumerate(targets):
        image = target.image
        rival = disk_image(
            Path(f"/images/rival-{number}.img"),
            content(f"rival {number}", image.file_bytes),
            large=image.pack.is_large,
            architecture=image.architecture,
            boot_mode=image.boot_mode,
        )
        found.append(Target(image=rival, name=target.name, family=target.family))
    return tuple(found)


def disk_image(
    path: Path,
    data: bytes,
    *,
    large: bool = False,
    architecture: Architecture | None = Architecture.X86_64,
    boot_mode: BootMode = BootMode.BIOS,
    gib: int = 1,
) -> DiskImage:
    """Return an image of a file in memory, which may count as large."""
    packer = Packer(len(data), FINE if large else Grain(small_bytes=len(data)))
    for at in range(0, len(data), FINE.block_bytes):
        packer.update(data[at : at + FINE.block_bytes])
    return DiskImage(
        path=MemoryFile.of(path, data),
        format="RAW",
        virtual_bytes=gib << 30,
        file_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        architecture=architecture,
        boot_mode=boot_mode,
        pack=packer.pack(),
    )


def _options(rng: Random, profile: Profile) -> Options:
    everywhere = [region.id for region in profile.regions]
    asked: list[str] = []
    if rng.random() < 0.3:
        asked = rng.sample(everywhere, rng.randint(1, len(everywhere)))
    allowed = rng.sample(everywhere, 1) if rng.random() < 0.2 else []
    timeout_s = 4 * 3600.0 if rng.random() < 0.93 else rng.uniform(5, 300)
    return Options(
        regions=tuple(asked),
        public=rng.choice((True, True, None, False)),
        tags=rng.choice((None, None, {"team": "kernel"})),
        description=rng.choice((None, None, None, "for everybody")),
        overwrite=rng.random() < 0.4,
        all_or_nothing=rng.random() < 0.3,
        allow_failure=frozenset(allowed),
        timeout_s=timeout_s,
        nvme=rng.choice((None, "supported", "unsupported")),
        imds=rng.choice((None, "v1", "v2")),
    )


def _existing(
    rng: Random, profile: Profile, targets: int, *, overwrite: bool
) -> tuple[Existing, ...]:
    # Who overwrites has something to overwrite, most of the time.
    density = rng.choice((0.0, 0.3, 0.6, 1.0) if overwrite else (0.0, 0.0, 0.3, 1.0))
    kind = rng.choice(("same", "other", "mixed"))
    found: list[Existing] = []
    for region in profile.regions:
        for target in range(targets):
            if rng.random() >= density:
                continue
            same = kind == "same" or (kind == "mixed" and rng.random() < 0.5)
            status = rng.choices(
                ("Available", "CreateFailed", "Deprecated"), (85, 12, 3)
            )[0]
            available = status == "Available"
            found.append(
                Existing(
                    region=region.id,
                    target=target,
                    same=same,
                    status=status,
                    public=available and rng.random() < 0.4,
                    in_family=available and rng.random() < 0.5,
                    plain=rng.random() < 0.3,
                )
            )
    return tuple(found)
