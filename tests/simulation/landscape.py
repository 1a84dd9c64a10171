"""What is in the cloud before anything begins: ours, and, mostly, not ours."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from ali_import.cloud.values import CloudImage
from ali_import.cloud.values import ImageStatus as CloudStatus
from ali_import.publish.lease import (
    TAG_EXPIRES,
    TAG_RUN,
    TAG_SHA256,
    TAG_VERSION,
    Lease,
    marks,
    temporary_image_name,
)
from alicloud_emulator.world.blobs import MemoryBlob
from alicloud_emulator.world.ecs.records import Disk, Image, ImageStatus, Origin
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.fc import Settings
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.profile import OssMode, Region
from alicloud_emulator.world.world import World
from tests.simulation.plan import ACCOUNT, STRANGER, Existing, Plan, content

LIVE_S = 3 * 3600.0
"""How long the lease of another run that is not over lasts."""


@dataclass(kw_only=True)
class Landscape:
    """What was put there.

    Attributes:
        foreign: (kind, region, id) of everything that nobody may ever change.
        live: The same of another run's things, until their lease is over.
        expired: Things of older runs that anybody may remove.
        public: (region, id) of every public image under a target's name.
        before: Each foreign and live thing as it was.
    """

    foreign: list[tuple[str, str, str]] = field(default_factory=list)
    live: list[tuple[str, str, str]] = field(default_factory=list)
    expired: list[tuple[str, str, str]] = field(default_factory=list)
    public: list[tuple[str, str]] = field(default_factory=list)
    before: dict[tuple[str, str, str], str] = field(default_factory=dict)


def furnish(world: World, plan: Plan) -> Landscape:
    """Put everything there that the seed draws."""
    rng = Random(f"landscape {plan.seed}")
    found = Landscape()
    put = _Put(world, rng)
    for region in world.profile.regions:
        for number, _target in enumerate(plan.targets):
            for there in plan.existing:
                if (there.region, there.target) == (region.id, number):
                    image = put.existing(plan, there)
                    if image.public:
                        found.public.append((region.id, image.image_id))
        _strangers(put, plan, region, rng, found)
        _older_runs(put, plan, region, rng, found)
    found.before = {thing: look(world, thing) for thing in found.foreign + found.live}
    return found


def touched(world: World, land: Landscape, *, leases_over: bool) -> list[str]:
    """Return which of the things that nobody may touch changed."""
    things = land.foreign if leases_over else land.foreign + land.live
    return [
        f"{' '.join(thing)} was {land.before[thing]}, is {look(world, thing)}"
        for thing in things
        if look(world, thing) != land.before[thing]
    ]


def look(world: World, thing: tuple[str, str, str]) -> str:
    """Return all there is to a thing, as text."""
    kind, region, name = thing
    if kind == "image":
        images = (
            i
            for owner in (ACCOUNT, STRANGER)
            for i in store(world).images_of(owner, region)
        )
        found = [i for i in images if i.image_id == name]
    elif kind == "snapshot":
        owned = [*store(world).snapshots_of(ACCOUNT, region)]
        return repr([s for s in owned if s.snapshot_id == name])
    elif kind == "bucket":
        state = [
            b
            for owner in (ACCOUNT, STRANGER)
            for b in world.oss.state(region, owner)["buckets"]
        ]
        return repr([b for b in state if b["name"] == name])
    else:
        functions = world.fc.state(region, ACCOUNT)["functions"]
        # From Pending to Active it goes by itself.
        return repr([{**f, "state": ""} for f in functions if f["name"] == name])
    return repr(found)


def store(world: World) -> Store:
    """Return ECS's own store, to look at and to furnish."""
    return world.ecs._store


def begun_by(image: Image, unknown: str = "") -> str:
    """Return the run that made an image, or took it over; ``unknown`` if nothing says.

    Where the cloud loses tags, an image's description says it.
    """
    seen = CloudImage(
        image_id=image.image_id,
        name=image.name,
        status=CloudStatus(image.status.value),
        description=image.description,
        tags=image.tags,
    )
    return marks(seen).get(TAG_RUN, unknown)


class _Put:
    """Puts things into the world without asking its rules."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world = world
        self._rng = rng

    def image(
        self, region: str, name: str, *, account: str = ACCOUNT, **attributes: Any
    ) -> Image:
        """Put an image there, with its snapshot if it is Available."""
        ecs = store(self.world)
        sha256 = attributes.pop("content_sha256", "0" * 64)
        image = Image(
            image_id=ecs.new_id("m", region),
            account_id=account,
            region=region,
            name=name,
            order=ecs.next_order(),
            origin=Origin.IMPORT,
            disks=[Disk(device="/dev/xvda", size_gib=1)],
            created_at=self.world.agenda.now,
            status=attributes.pop("status", ImageStatus.AVAILABLE),
            content_sha256=sha256,
            usable_at=0.0 if self.world.profile.habits.usable else None,
            **attributes,
        )
        ecs.add_image(image)
        if image.status is not ImageStatus.CREATE_FAILED:
            ecs.make_snapshots(image)
        return image

    def existing(self, plan: Plan, there: Existing) -> Image:
        """Put an image under a target's name."""
        target = plan.targets[there.target]
        wanted = target.image
        architecture = (wanted.architecture or "x86_64") if there.same else "x86_64"
        tags = {
            TAG_SHA256: wanted.sha256 if there.same else "f" * 64,
            TAG_VERSION: "ali-import/0.0.1",
            TAG_RUN: STOOD,
        }
        if not there.same and self._rng.random() < 0.3:
            tags = {}  # somebody made it by hand
        description = ""
        if there.same and self._loses_tags() and self._rng.random() < 0.5:
            # The run that made it was killed before it saw that.
            tags = {}
            description = OLD.description(wanted.sha256)
        holds = wanted.sha256 if there.same else tags.get(TAG_SHA256, "e" * 64)
        status = ImageStatus(there.status)
        available = status is not ImageStatus.CREATE_FAILED
        plain_mode = "UEFI" if architecture == "arm64" else "BIOS"
        return self.image(
            there.region,
            target.name,
            status=status,
            architecture=architecture,
            boot_mode=plain_mode if there.plain else wanted.boot_mode.value,
            nvme="unsupported" if there.plain else plan.options.nvme or "supported",
            imds="v1" if there.plain else plan.options.imds or "v1",
            family=target.family if there.in_family else "",
            public=there.public,
            tags=tags,
            description=description,
            content_sha256=holds if available else "",
        )

    def _loses_tags(self) -> bool:
        return not self.world.profile.habits.tags_kept

    def bucket(
        self, region: Region, name: str, *, account: str = ACCOUNT, filled: bool
    ) -> bool:
        """Put a bucket there; False where there can be none."""
        owner = self.world.ram.people(account).account
        if region.oss is not OssMode.OPEN or owner.arrears:
            return False
        caller = self.world.ram.root(account)
        visit = Visit(caller=caller, region=region.id, internal=True, inside=region.id)
        self.world.oss.buckets.put(visit, name)
        inside = region.fc and owner.fc_enabled
        if filled and (inside or not region.mainland or owner.oss_since == "old"):
            blob = MemoryBlob(content(name, 100))
            self.world.oss.objects.put(visit, name, "a.raw", blob)
            self.world.oss.uploads.initiate(visit, name, "b.raw")
        return True

    def function(self, region: Region, name: str) -> bool:
        """Put a function there; False where there can be none."""
        account = self.world.ram.people(ACCOUNT).account
        if not region.fc or not account.fc_enabled or account.arrears:
            return False
        settings = Settings(runtime="python3.10", handler="a.b")
        self.world.fc.add(ACCOUNT, region.id, name, settings=settings, code=EMPTY_ZIP)
        return True

    def snapshot(self, region: str, tags: dict[str, str]) -> str:
        """Put a snapshot there that outlived its image."""
        image = self.image(region, f"gone-{self._rng.getrandbits(32):08x}")
        store(self.world).remove_image(image)
        snapshot_id = image.disks[0].snapshot_id
        snapshot = store(self.world).snapshot(ACCOUNT, region, snapshot_id)
        assert snapshot is not None
        snapshot.tags.update(tags)
        return snapshot_id


_PAGES_FULL = 9
"""More than some runs would remove if each saw the first (short) page alone."""
STOOD = "0ldc0de5"
"""The run that made what stands already, and finished."""
OLD = Lease(run_id="01dc0de5", expires_at=1)
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def _strangers(
    put: _Put, plan: Plan, region: Region, rng: Random, found: Landscape
) -> None:
    """Put things there that look like ours and are not."""
    here = region.id
    target = rng.choice(plan.targets)
    alike = {TAG_SHA256: target.image.sha256, TAG_RUN: "12345678"}
    copied = OLD.description(target.image.sha256)
    images: tuple[Callable[[], Image], ...] = (
        lambda: put.image(here, f"{target.name}-old", family=target.family),
        lambda: put.image(here, target.name[:-1], tags=alike),
        lambda: put.image(here, f"x{target.name}", public=True, tags=alike),
        lambda: put.image(here, target.name.upper()),
        lambda: put.image(here, "ali-import-new-000000000000000000000000"),
        lambda: put.image(
            here, "ali-import-src-111111111111111111111111", description=f"{copied} "
        ),
        lambda: put.image(here, "copied-by-hand", description=copied),
        lambda: put.image(here, "ali-import", tags={TAG_EXPIRES: "soon"}),
        lambda: put.image(here, "backup", tags={TAG_EXPIRES: "1", TAG_RUN: "12345678"}),
        lambda: put.image(here, target.name, account=STRANGER, public=True),
        lambda: put.image(
            here, f"{target.name}.", status=ImageStatus.CREATE_FAILED, tags=alike
        ),
    )
    for make in rng.sample(images, rng.randint(0, 4)):
        image = make()
        found.foreign.append(("image", here, image.image_id))
        if image.disks[0].snapshot_id and image.account_id == ACCOUNT:
            found.foreign.append(("snapshot", here, image.disks[0].snapshot_id))
    for name in rng.sample(
        (
            f"ali-import-data-{here}",
            f"ali-import-1234567-{here}",
            f"ali-import-12345678-6543210g-{here}",
            f"ali-import-12345678-000000019-{here}",
            f"xali-import-12345678-00000001-{here}",
            f"stranger-{here}",
        ),
        rng.randint(0, 2),
    ):
        owner = STRANGER if name.startswith("stranger") else ACCOUNT
        if put.bucket(region, name, account=owner, filled=rng.random() < 0.7):
            found.foreign.append(("bucket", here, name))
    names = (
        "ali-import-relay",
        "ali-import-12345678-000000zz",
        "ali-import-12345678-00000001_",
        "other",
    )
    for name in rng.sample(names, rng.randint(0, 2)):
        if put.function(region, name):
            found.foreign.append(("function", here, name))
    if rng.random() < 0.3:
        tags = rng.choice(({}, {TAG_RUN: "12345678"}, {TAG_EXPIRES: "never"}))
        found.foreign.append(("snapshot", here, put.snapshot(here, tags)))


def _older_runs(
    put: _Put, plan: Plan, region: Region, rng: Random, found: Landscape
) -> None:
    """Put things there that runs have left: some may go, some may not yet."""
    here = region.id
    now = int(put.world.agenda.now)
    for things, expires_at in (
        (found.expired, now - rng.randint(1, 100_000)),
        (found.live, now + int(LIVE_S)),
    ):
        if rng.random() < 0.7:
            continue
        lease = Lease(run_id=f"{rng.getrandbits(32):08x}", expires_at=expires_at)
        if put.bucket(region, lease.bucket(here), filled=rng.random() < 0.6):
            things.append(("bucket", here, lease.bucket(here)))
        for number in range(rng.choice((1, 1, 1, _PAGES_FULL))):
            name = replace(lease, expires_at=expires_at - number).function()
            if put.function(region, name):
                things.append(("function", here, name))
        if rng.random() < 0.5:
            name = temporary_image_name("old", ACCOUNT, f"{rng.random()}")
            tags = {TAG_SHA256: "d" * 64, **lease.tags()}
            image = put.image(here, name, tags=tags, public=rng.random() < 0.2)
            things.append(("image", here, image.image_id))
            things.append(("snapshot", here, image.disks[0].snapshot_id))
        if not plan.profile.habits.tags_kept and rng.random() < 0.5:
            name = temporary_image_name("src", ACCOUNT, f"{rng.random()}")
            image = put.image(here, name, description=lease.description("d" * 64))
            things.append(("image", here, image.image_id))
            things.append(("snapshot", here, image.disks[0].snapshot_id))
        for _ in range(rng.choice((0, 0, 1, _PAGES_FULL))):
            things.append(("snapshot", here, put.snapshot(here, lease.tags())))
