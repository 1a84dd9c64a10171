"""Where a region can get an image's bytes from: staged objects and imported images."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import anyio

from ali_import.cloud.values import Bucket, ObjectSource
from ali_import.disk.pack import Pack
from ali_import.errors import CloudError
from ali_import.publish import unfinished
from ali_import.publish.context import Context
from ali_import.publish.region import Region
from ali_import.publish.unfinished import Unfinished

_FAILED_IMPORTS_MAX: Final = 3
"""So many imports that failed in several regions, and none that worked, are not a
region's fault."""
COPIES_RUNNING_MAX: Final = 5
"""CopyImage: five copies run per region, the rest queue (page of 2026-01)."""


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """An unpublished, Available image with the right content."""

    region: str
    image_id: str


class CopySlots:
    """How many copies we have running, by source region, over all images.

    Where the cloud refuses two copies of one image at a time ``serial`` is set, for the
    rest of the run.
    """

    def __init__(self) -> None:
        self._by_region: Counter[str] = Counter()
        self._by_image: Counter[str] = Counter()
        self._waiting: dict[Bell, None] = {}
        self.serial = False

    def load(self, source: ImageSource) -> int:
        """Return the number of copies that run from the source's region."""
        return self._by_region[source.region]

    def free(self, source: ImageSource) -> bool:
        """Whether one more copy of this source may start."""
        if self.serial and self._by_image[source.image_id]:
            return False
        return self._by_region[source.region] < COPIES_RUNNING_MAX

    def take(self, source: ImageSource) -> None:
        """Count a copy that starts."""
        self._by_region[source.region] += 1
        self._by_image[source.image_id] += 1

    def give_back(self, source: ImageSource) -> None:
        """Count a copy that ended."""
        self._by_region[source.region] -= 1
        self._by_image[source.image_id] -= 1
        waiting, self._waiting = self._waiting, {}
        for bell in waiting:
            bell.ring()

    def tell(self, bell: "Bell") -> None:
        """Ring a bell when a copy ends, once."""
        self._waiting[bell] = None


class Sources:
    """Everything known about where one image's bytes are, and who may yet bring them.

    Who waits for whom, and what ends the waiting:

    ===================  =========================  =====================================
    who                  for                        until
    ===================  =========================  =====================================
    ``copy``             an image, `take_image`     one has a free slot; or none is there
                                                    and no region is *expected* to have it
    ``relay_seed``       an object,                 one is staged; or no region is
                         `object_known`             expected to stage one, nor has
                                                    yet to look for what was sent
    ``direct_seed``      the *seed's* object or     one is there; or the seed is given up
                         image, `seed_settled`
    a region that lends  `until_nobody_lacks`       every region has the bytes, or ended
    ===================  =========================  =====================================

    Whoever is expected says so when it will not, and who waits is not expected, so all
    waiting ends. A large file goes up from here once, to the region that becomes its
    seed: the first to ask, or where an earlier run has sent some of it already. A region
    that could take it too, if all else fails, is a *reserve*: regions that can only copy
    wait for reserves, and reserves do not wait for each other.

    Attributes:
        everywhere: Every region there is, by its id: any of them may lend the image.
        loan: What is known about lending it.
        refusal: Why the image could not be imported in a region, or lent by it.
        failed_imports: Where imports have failed although the bytes were there, each
            as often as they did since the last one that did not.
    """

    def __init__(
        self,
        regions: Iterable[str],
        everywhere: Mapping[str, Region],
        slots: CopySlots,
    ) -> None:
        self.everywhere = everywhere
        self.objects: list[ObjectSource] = []
        self.images: list[ImageSource] = []
        self.loan = Loan()
        self.refusal: CloudError | None = None
        self.failed_imports: list[str] = []
        self.slots = slots
        self._bell = Bell()
        self._lacking = dict.fromkeys(regions)
        self._objects_expected = dict.fromkeys(regions)
        self._images_expected = dict(self._objects_expected)
        self._reserves: dict[str, None] = {}
        self._seed = ""
        self._regions = tuple(self._lacking)
        self._listing = anyio.Lock()
        self._listed: list[Bucket] | None = None
        self._search = anyio.Lock()
        self._searched = False
        self._unfinished: dict[str, Unfinished] = {}
        self._to_look: dict[str, None] = {}
        self._seen_through_relays: dict[str, int] = {}

    @property
    def is_hopeless(self) -> bool:
        """Whether imports fail wherever the bytes are: it is about the image."""
        failed = self.failed_imports
        return len(failed) >= _FAILED_IMPORTS_MAX and len(set(failed)) > 1

    def expect_image(self, region: str) -> None:
        """Say that a region tries to import the image."""
        self._images_expected[region] = None

    def no_image(self, region: str) -> None:
        """Say that a region will not be a source to copy from, for now."""
        self._images_expected.pop(region, None)
        self._bell.ring()

    def add_image(self, region: str, image_id: str) -> None:
        """Say that a region has the image, Available and unpublished."""
        self._images_expected.pop(region, None)
        source = ImageSource(region=region, image_id=image_id)
        if source not in self.images:
            self.images.append(source)
        self._bell.ring()

    def no_object(self, region: str) -> None:
        """Say that a region will not be a source to fetch from, nor the seed."""
        self._objects_expected.pop(region, None)
        self.give_up_seed(region)

    def add_object(self, source: ObjectSource) -> None:
        """Say that a region has staged the object, where it can be read from."""
        self._objects_expected.pop(source.region, None)
        self.objects.append(source)
        self._bell.ring()

    def drop_objects(self, gone: Collection[object]) -> None:
        """Say that objects are not there any more."""
        self.objects = [source for source in self.objects if source not in gone]

    def add_reserve(self, region: str) -> None:
        """Say that a region can take the file from here, but has not tried to."""
        self._reserves[region] = None

    def lack_bytes(self, region: str) -> None:
        """Say that a region has yet to get the bytes, by whatever way."""
        self._lacking[region] = None

    def have_bytes(self, region: str) -> None:
        """Say that a region has the bytes, or something that was made of them."""
        self._lacking.pop(region, None)
        self._bell.ring()

    def may_be_in_use(self, region: str) -> bool:
        """Whether others may be using what a region has of the image."""
        staged = any(source.region == region for source in self.objects)
        return staged or region in self.loan.regions

    def withdraw(self, region: str) -> None:
        """Say that a region has nothing of the image any more that was for others."""
        self.objects = [source for source in self.objects if source.region != region]
        if region in self.loan.regions:
            self.images = [source for source in self.images if source.region != region]
            self.loan.regions.remove(region)
            self.loan.tried.remove(region)

    @property
    def are_lacked(self) -> bool:
        """Whether a region has yet to get the bytes."""
        return bool(self._lacking)

    async def until_nobody_lacks(self) -> None:
        """Wait until every region has the bytes, or has given up."""
        while self.are_lacked:
            await self._bell.rung()

    def forget(self, region: str) -> None:
        """Say that a region has ended: nobody may go on waiting for it."""
        self._lacking.pop(region, None)
        self._objects_expected.pop(region, None)
        self._images_expected.pop(region, None)
        self._reserves.pop(region, None)
        self._to_look.pop(region, None)
        self._seen_through_relays.pop(region, None)
        if not self._has_image(region):  # else the file has gone up for good
            self.give_up_seed(region)
        self._bell.ring()

    def _has_image(self, region: str) -> bool:
        return any(source.region == region for source in self.images)

    def claim_seed(self, region: str) -> bool:
        """Ask to be the one region that the client uploads a large image to."""
        if not self._seed and not self.objects:
            self._seed = region
        return self._seed == region

    async def look_for_unfinished(self, key: str, pack: Pack, context: Context) -> None:
        """Find what another run has sent already, once; its region will be the seed.

        Whoever wants to be the seed waits for that.
        """
        async with self._search:
            if self._searched or self._seed or self.objects:
                return
            self._searched = True
            buckets = await self._others_buckets(context, self._objects_expected)
            found = await unfinished.find(context, buckets, key, pack)
            free = not self._seed and not self.objects
            if found and free and found.region in self._objects_expected:
                self._seed = found.region
                self._unfinished[found.region] = found

    async def look_through_relay(
        self, region: Region, key: str, pack: Pack, relay: str
    ) -> None:
        """Find what another run has sent to a region, through its relay, once."""
        if region.id in self._seen_through_relays:
            return
        self._seen_through_relays[region.id] = 0
        buckets = await self._others_buckets(region.context, (region.id,))
        found = await unfinished.find(region.context, buckets, key, pack, relay=relay)
        if found:
            self._seen_through_relays[region.id] = found.size_bytes
            self._unfinished[region.id] = found

    def will_look(self, region: str) -> None:
        """Say that a region will look through its relay: until then, no relay sends."""
        self._to_look[region] = None

    def has_looked(self, region: str) -> None:
        """Say that a region has looked, or cannot."""
        self._to_look.pop(region, None)
        self._bell.ring()

    def has_most(self, region: str) -> bool:
        """Whether no other region has more of what another run has sent."""
        seen = self._seen_through_relays
        return seen[region] == max(seen.values())

    async def _others_buckets(
        self, context: Context, regions: Collection[str]
    ) -> list[Bucket]:
        """Return other runs' buckets in some regions; they are listed once."""
        async with self._listing:
            if self._listed is None:
                ask = dict.fromkeys((*regions, *self._regions))
                self._listed = await unfinished.others_buckets(context, ask)
        return [bucket for bucket in self._listed if bucket.region in regions]

    def take_unfinished(self, region: str) -> Unfinished | None:
        """Return what was found in a region; it is tried once."""
        self._seen_through_relays.pop(region, None)
        return self._unfinished.pop(region, None)

    def give_up_seed(self, region: str) -> None:
        """Say that the region did not make the image of it: another one may take it."""
        if self._seed == region:
            self._seed = ""
        self._bell.ring()

    async def seed_settled(self) -> bool:
        """Wait until others can get what the seed has (True) or there is no seed."""
        while self._seed and not self.objects and not self._has_image(self._seed):
            await self._bell.rung()
        return bool(self.objects or self._seed)

    async def object_known(self, region: str) -> bool:
        """Wait until an object is staged (True), or none will be (False)."""
        self.no_object(region)
        while not self.objects and (self._objects_expected or self._to_look):
            await self._bell.rung()
        return bool(self.objects)

    async def take_image(
        self, near: str, refused: Iterable[ImageSource]
    ) -> ImageSource | None:
        """Wait for a source to copy from, and take one of its slots.

        The least busy region goes first, and of those the nearest. None means that
        there is no source that was not refused, and none is to be expected.
        """
        bad = tuple(refused)
        while True:
            usable = [s for s in self.images if s not in bad]
            free = [s for s in usable if self.slots.free(s)]
            if free:
                best = min(free, key=lambda s: self._rank(s, near))
                self.slots.take(best)
                return best
            if not usable and not self._may_come(near):
                return None
            if usable:
                self.slots.tell(self._bell)
            await self._bell.rung()

    def _may_come(self, near: str) -> bool:
        """Whether a region that waits for an image may hope for one."""
        if any(region != near for region in self._images_expected):
            return True
        return bool(self._reserves) and near not in self._reserves

    def _rank(self, source: ImageSource, near: str) -> tuple[int, int, str]:
        return self.slots.load(source), distance(source.region, near), source.region


class Loan:
    """What is known about having an image imported somewhere, to copy it from there.

    Attributes:
        lock: One region at a time is asked to lend it.
        regions: Those that lend it.
        tried: Those that were asked to.
        failures: How many imports failed there; a region that refuses does not count.
    """

    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.regions: list[str] = []
        self.tried: list[str] = []
        self.failures = 0


class Bell:
    """Wakes whoever waits for news about sources."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def ring(self) -> None:
        """Wake everybody who waits."""
        self._event.set()
        self._event = anyio.Event()

    async def rung(self) -> None:
        """Wait for the next ring."""
        await self._event.wait()


def distance(region: str, near: str) -> int:
    """Return how far apart two regions are: their ids share a part, or they do not."""
    return int(region.split("-", 1)[0] != near.split("-", 1)[0])
