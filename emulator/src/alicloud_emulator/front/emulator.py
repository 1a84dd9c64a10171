"""All of it put together: one world, its services, and the ways in."""

import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from alicloud_emulator.front import documents, environment
from alicloud_emulator.front.clock import CloudClock
from alicloud_emulator.front.dispatch import Dispatcher, at_once
from alicloud_emulator.front.door import Door
from alicloud_emulator.front.events import Events
from alicloud_emulator.front.folder import private_folder
from alicloud_emulator.front.graph import Rows
from alicloud_emulator.front.keeping import Folder, Keeping
from alicloud_emulator.front.names import Names
from alicloud_emulator.front.server import Arrival, Console, Front
from alicloud_emulator.front.tls import CertificateAuthority
from alicloud_emulator.front.trust import write_java_store
from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.functions.network import NetworkEnv
from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.fc.invocations import go_on
from alicloud_emulator.products.wire import Host, Response, Service
from alicloud_emulator.world.blobs import DirectoryBlobs
from alicloud_emulator.world.faults import Do, Rule
from alicloud_emulator.world.profile import Profile
from alicloud_emulator.world.world import World


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to emulate, and where.

    Attributes:
        address: Address the proxy listens on for clients outside.
        port: Its port; 0 for any free one.
        rules: Faults in force from the start, and again after a reset.
        state: Where the cloud outlives its process; None: it does not.
        direct: Address of a network of one's own at which the cloud's hosts are, by their
            ports and names; "" for none.
    """

    profile: Profile
    seed: int = 0
    address: str = "127.0.0.1"
    port: int = 0
    rules: tuple[Rule, ...] = ()
    state: Folder | None = None
    direct: str = ""


class _Cloud:
    """One world and what answers for it; a reset makes another."""

    def __init__(
        self,
        world: World,
        clock: CloudClock,
        functions: Functions,
        dispatcher: Dispatcher,
        keeping: Keeping | None,
    ) -> None:
        self.world = world
        self.clock = clock
        self.functions = functions
        self.dispatcher = dispatcher
        self.keeping = keeping
        self.ended = anyio.Event()


class Emulator:
    """A running emulator. Made by ``running()``.

    Attributes:
        events: What happens, for GET /events.
        authority: The emulator's CA, in PEM.
        bundle: File of trusted certificates, the emulator's CA among them.
        java_store: The same as Java keeps it.
        proxy: URL by which programs on this machine come in.
        endpoint: URL of the door, for those that mind no proxy.
    """

    def __init__(self, settings: Settings, folder: Path, tasks: TaskGroup) -> None:
        self._settings = settings
        self._folder = folder
        self._tasks = tasks
        self._authority = CertificateAuthority()
        self._front = Front(
            settings.profile,
            self._authority,
            door=Door(settings.profile, self._region_of_bucket),
            answer=self._answer,
            sent=self._sent,
            away=self._away,
        )
        self._cloud: _Cloud | None = None
        self._clouds = 0
        self.events = Events()
        self.authority = self._authority.certificate_pem
        self.bundle = self._authority.write_bundle(folder)
        self.java_store = write_java_store(self.bundle)
        self.proxy = ""
        self.endpoint = ""

    @property
    def world(self) -> World:
        """The world as it is now; a reset replaces it."""
        assert self._cloud is not None, "open() comes first"
        return self._cloud.world

    @property
    def clock(self) -> CloudClock:
        """The world's clock."""
        assert self._cloud is not None, "open() comes first"
        return self._cloud.clock

    async def open(self) -> None:
        """Make the world, or take up the one that was kept, and listen.

        Raises:
            StateError: What was kept is no world.
            OSError: The address cannot be listened on.
        """
        kept = self._settings.state
        await self._begin(lambda: kept.rows if kept else {})
        if kept is not None:
            await self.settle()
            kept.sweep()
        address = self._settings.address
        port = await self._front.open(
            self._tasks, address=address, port=self._settings.port
        )
        if direct := self._settings.direct:
            await self._front.open_directly(direct)
            await Names(self._settings.profile, direct).open(self._tasks, direct)
        self.proxy = environment.proxy_url(address, port)
        self.endpoint = environment.endpoint_url(address, port)
        self._go_on()

    def show(self, console: Console) -> None:
        """Let the console answer at the door, too."""
        self._front.console = console

    async def reset(self) -> None:
        """Begin again with a new world of the same profile, seed and rules."""
        await self._begin(dict)

    async def _begin(self, rows: Callable[[], Rows]) -> None:
        """Begin with a new world, or with one that rows tell of.

        If that fails the old one stays, as if nobody had asked.
        """
        old, kept = self._cloud, self._settings.state
        # Meanwhile the old world writes nothing, and lets no file go.
        async with kept.lock if kept else nullcontext():
            self._cloud = await self._tasks.start(self._keep_cloud, rows())
            if old is not None and old.keeping is not None:
                old.keeping.retired = True
        if old is not None:
            old.ended.set()
            old.dispatcher.retired = True
            self.events.forget()

    # --- what outlives the process ----------------------------------------------------

    async def settle(self) -> None:
        """Return when all that was changed is on the disk, if it is kept at all."""
        if self._cloud is not None and self._cloud.keeping is not None:
            await self._cloud.keeping.settle(changed=True)

    @property
    def kept(self) -> Folder:
        """Where the cloud is kept.

        Raises:
            ValueError: Nowhere.
        """
        if self._settings.state is None:
            raise ValueError("nothing is kept: start with --state DIR")
        return self._settings.state

    async def save(self, name: str) -> None:
        """Keep the world as it is under a name.

        Raises:
            ValueError: It is no name, or nothing is kept.
        """
        _ = self.kept
        assert self._cloud is not None
        assert self._cloud.keeping is not None
        await self._cloud.keeping.save(name)

    async def load(self, name: str) -> None:
        """Begin with the world that was kept under a name.

        Raises:
            ValueError: It is no name, or nothing is kept.
            LookupError: There is none of that name.
        """
        await self._begin(partial(self.kept.saved, name))
        self._go_on()

    def _go_on(self) -> None:
        """Take up what functions of a kept world had to do: they need this network."""
        assert self._cloud is not None
        go_on(self._cloud.world, self._cloud.functions)

    async def state(self, account_id: str = "") -> documents.Document:
        """Return the state document of an account; "" for the main account.

        Raises:
            ValueError: There is no such account.
        """
        await self._hash_objects(account_id)
        seed = self._settings.seed
        return documents.state(self.world, seed=seed, account_id=account_id)

    def tiles(self, account_id: str = "") -> documents.Document:
        """Return the state in short, and after which call this cloud began.

        Raises:
            ValueError: There is no such account.
        """
        seed = self._settings.seed
        found = documents.tiles(self.world, seed=seed, account_id=account_id)
        return {**found, "calls_after": self.events.forgotten}

    def requests(self) -> documents.Document:
        """Return the request counts."""
        return documents.requests(self.world)

    async def report(self) -> documents.Document:
        """Return the report document."""
        await self._hash_objects()
        return documents.report(self.world, seed=self._settings.seed)

    async def _hash_objects(self, account_id: str = "") -> None:
        """Compute what the documents say of objects' contents, and hold up nobody."""
        account_id = account_id or self._settings.profile.accounts[0].id
        while blobs := self.world.oss.unhashed(account_id):
            for blob in blobs:
                await anyio.to_thread.run_sync(blob.sha256)

    def environment(
        self, env: Mapping[str, str], key_id: str, key_secret: str
    ) -> dict[str, str]:
        """Return what a program outside needs, given the environment it has."""
        is_direct = bool(self._settings.direct)
        proxy = "" if is_direct else self.proxy
        network = environment.network(self.proxy, self.bundle)
        return {
            **(environment.without_proxies(network) if is_direct else network),
            **environment.credentials(key_id, key_secret),
            **environment.hooks(env),
            **environment.with_java(env, environment.java(proxy, self.java_store)),
        }

    def _region_of_bucket(self, name: str) -> str:
        bucket = self.world.oss.buckets.peek(name)
        return bucket.region if bucket else ""

    async def _answer(self, arrival: Arrival) -> Response:
        assert self._cloud is not None
        return await self._cloud.dispatcher.answer(arrival)

    def _sent(self, arrival: Arrival, size: int) -> None:
        assert self._cloud is not None
        self._cloud.dispatcher.sent(arrival, size)

    def _away(self, host: Host, kinds: Sequence[Do]) -> Do | None:
        fault = self.world.faults.strike_host(host.service, host.region, *kinds)
        return fault.do if fault else None

    async def _keep_cloud(
        self,
        rows: Rows,
        *,
        task_status: anyio.abc.TaskStatus[_Cloud] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hold a world's processes and files until it is replaced."""
        settings = self._settings
        self._clouds += 1
        folder = self._folder / f"world-{self._clouds}"
        (folder / "blobs").mkdir(parents=True)
        clock = CloudClock(time.time)
        kept = settings.state
        world = World(
            settings.profile,
            clock=clock,
            wall=time.time,
            seed=settings.seed,
            blobs=DirectoryBlobs(kept.blobs, kept.discard)
            if kept
            else DirectoryBlobs(folder / "blobs"),
        )
        if kept is not None and rows:
            kept.fill(world, clock, rows)
        else:
            for rule in settings.rules:
                world.add_fault(rule)
        keeping = Keeping(kept, world, clock, settings.seed) if kept else None
        durations = settings.profile.durations
        async with Functions(
            network=self._inside,
            cold_start_s=durations.function_cold_start_s,
            folder=folder,
        ) as functions:
            dispatcher = Dispatcher(
                world,
                _services(world, functions),
                self.events,
                settle=keeping.settle if keeping else at_once,
            )
            cloud = _Cloud(world, clock, functions, dispatcher, keeping)
            task_status.started(cloud)
            await cloud.ended.wait()
        # Objects keep their files for as long as anybody refers to them: not that long.
        await anyio.to_thread.run_sync(
            partial(shutil.rmtree, folder, ignore_errors=True)
        )

    def _inside(self, region: str) -> NetworkEnv:
        """Return what a function in ``region`` is told about the network."""
        proxy = environment.proxy_url("127.0.0.1", self._front.inside_port(region))
        return NetworkEnv(
            env={
                **environment.network(proxy, self.bundle),
                "ALICLOUD_EMULATOR_INSIDE": region,
            },
            node_preload=str(environment.HOOKS / "preload.cjs"),
            python_path=str(environment.HOOKS),
        )


def _services(world: World, functions: Functions) -> dict[str, Service]:
    return {product.name: product.service(world, functions) for product in PRODUCTS}


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Emulator]:
    """Make an emulator, to be opened, and end it with the ``async with`` block."""
    with private_folder() as folder:
        async with anyio.create_task_group() as tasks:
            try:
                yield Emulator(settings, folder, tasks)
            finally:
                tasks.cancel_scope.cancel()
