"""Functions of a world, and their invocations; the actions are in ``products/fc``."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.checksum import crc64
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.roles import assume_role
from alicloud_emulator.world.fc.rules import (
    CODE_BYTES_MAX,
    CONTAINER,
    check_code,
    invalid,
)
from alicloud_emulator.world.fc.values import (
    Accepted,
    CodeSource,
    Function,
    Invocation,
    Settings,
    State,
    UpdateStatus,
)
from alicloud_emulator.world.profile import FunctionState, Region

if TYPE_CHECKING:
    from alicloud_emulator.world.world import World


class Fc:
    """Every account's functions in every region.

    Errors are ServiceErrors with the product's codes, those of refusals.py, and
    NoPermission where policies forbid.

    Attributes:
        accepted: Asynchronous invocations that are not done, by request id.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._functions: dict[tuple[str, str], dict[str, Function]] = {}
        self.accepted: dict[str, Accepted] = {}
        self._at_work: dict[tuple[str, str], int] = {}

    def regions(self) -> tuple[Region, ...]:
        """Return the regions that have Function Compute; elsewhere no host resolves."""
        return tuple(region for region in self._world.profile.regions if region.fc)

    def add(
        self,
        account_id: str,
        region: str,
        name: str,
        *,
        settings: Settings,
        code: bytes,
        tags: Mapping[str, str] | None = None,
    ) -> Function:
        """Put a function in: it is Pending, and Active a little later."""
        now = self._world.agenda.now
        function = Function(
            account_id=account_id,
            region=region,
            name=name,
            id=self._new_id(),
            settings=settings,
            code=code,
            code_crc64=crc64(code),
            created_at=now,
            modified_at=now,
            active_at=now + self._pending_s(region),
            tags=dict(tags or {}),
        )
        self._functions.setdefault((account_id, region), {})[name] = function
        self._world.agenda.at(function.active_at, partial(_activate, function))
        return function

    def change(
        self, function: Function, settings: Settings, code: bytes | None
    ) -> None:
        """Give a function other settings, and other code unless it is None."""
        if code is not None:
            function.code = code
            function.code_crc64 = crc64(code)
        function.settings = settings
        function.modified_at = self._world.agenda.now
        function.revision += 1
        function.update_status = UpdateStatus.IN_PROGRESS
        revision = function.revision
        self._world.agenda.after(
            self._pending_s(function.region),
            partial(_finish_update, function, revision),
        )

    def remove(self, function: Function) -> None:
        """Take a function out: it is gone at once."""
        del self._functions[function.account_id, function.region][function.name]

    def told_state(self, function: Function) -> State | None:
        """Return what GetFunction tells of a function's state; None: nothing."""
        habit = self._world.profile.habits.function_state
        if habit is FunctionState.ACTIVE or function.settings.runtime == CONTAINER:
            return function.state
        return State.PENDING if habit is FunctionState.PENDING else None

    def begin_invocation(
        self,
        caller: Caller,
        region: str,
        name: str,
        *,
        payload_bytes: int,
        sync: bool = True,
        qualifier: str = "",
        faults: Iterable[Fault] = (),
    ) -> Invocation:
        """InvokeFunction, up to the point where the function's code starts.

        An invocation of a function that is still Pending waits until it is Active (a
        guess: documented is only that container functions refuse meanwhile, and tools
        in the wild invoke right after creating). Call ``end_invocation`` afterwards,
        whatever happened.
        """
        self.enter(caller, "InvokeFunction", region, name, change=True)
        self.check_payload(payload_bytes, sync=sync)
        function = self.find(caller.account_id, region, name, qualifier=qualifier)
        killed = any(fault.do is Do.KILL for fault in faults)
        return self._begin(function, killed=killed)

    def accept(
        self, invocation: Invocation, payload: bytes, request_id: str
    ) -> Accepted:
        """Take an invocation that was begun for one that nobody waits for."""
        accepted = Accepted(
            function=invocation.function,
            payload=payload,
            request_id=request_id,
        )
        self.accepted[request_id] = accepted
        return accepted

    def begin_again(self, accepted: Accepted) -> Invocation:
        """Begin an accepted invocation once more, after the end of the machine it was on.

        Raises:
            ServiceError: Its role is not to be had any more, or too many run.
        """
        return self._begin(accepted.function, killed=False)

    def _begin(self, function: Function, *, killed: bool) -> Invocation:
        credentials = assume_role(self._world.ram, function)
        place = (function.account_id, function.region)
        limit = self._world.profile.limits.function_instances
        if limit and self._at_work.get(place, 0) >= limit:
            raise refusal(
                "ResourceExhausted",
                f"the number of on-demand instances exceeds the limit {limit}",
            )
        self._at_work[place] = self._at_work.get(place, 0) + 1
        return Invocation(
            function=function,
            ready_at=function.active_at,
            credentials=credentials,
            killed=killed,
        )

    def end_invocation(self, invocation: Invocation) -> None:
        """Take note that an invocation has ended."""
        function = invocation.function
        place = (function.account_id, function.region)
        self._at_work[place] -= 1
        if not self._at_work[place]:
            del self._at_work[place]

    def payload_bytes_max(self, *, sync: bool) -> int:
        """Return the largest payload: 32 MB, or 128 KB for asynchronous invocations."""
        limits = self._world.profile.limits
        if sync:
            return limits.function_payload_bytes
        return limits.function_payload_async_bytes

    def check_payload(self, payload_bytes: int, *, sync: bool) -> None:
        """Raise EntityTooLarge for a payload over the limit."""
        limit = self.payload_bytes_max(sync=sync)
        if payload_bytes > limit:
            raise refusal(
                "EntityTooLarge",
                f"payload size exceeds maximum allowed size ({limit} bytes)",
            )

    def state(self, region: str, account_id: str = "") -> dict[str, Any]:
        """Return the region's part of the state document (default: main account)."""
        self._world.agenda.catch_up()
        account = account_id or self._world.profile.accounts[0].id
        mine = self.functions_of(account, region)
        return {
            "functions": [
                {
                    "name": name,
                    "state": mine[name].state.value,
                    "runtime": mine[name].settings.runtime,
                    "memory_mib": mine[name].settings.memory_mib,
                    "timeout_s": mine[name].settings.timeout_s,
                    "role": mine[name].settings.role,
                }
                for name in sorted(mine)
            ]
        }

    def enter(
        self,
        caller: Caller,
        action: str,
        region: str,
        name: str,
        *,
        change: bool = False,
    ) -> None:
        """Let everything due happen, and check that the caller may do the action.

        Args:
            caller: Who calls.
            action: Alibaba's action name.
            region: Region id.
            name: Function name, or ``*``.
            change: Whether it costs money, which an account in arrears cannot have.
        """
        resource = f"acs:fc:{region}:{caller.account_id}:functions/{name}"
        self.check_account(caller, action, resource)
        if change and self._world.ram.people(caller.account_id).account.arrears:
            raise refusal("Account.Arrearage", "Your account is in arrears.")

    def check_account(self, caller: Caller, action: str, resource: str) -> None:
        """Let everything due happen, and check that the caller may use a resource."""
        self._world.agenda.catch_up()
        self._world.ram.authorize(caller, f"fc:{action}", resource)
        account = self._world.ram.people(caller.account_id).account
        if not account.fc_enabled:
            # As captured of Function Compute 2 (Serverless-Devs/Serverless-Devs#282).
            raise refusal("AccessDenied", "FC service is not enabled for current user.")

    def functions_of(self, account_id: str, region: str) -> Mapping[str, Function]:
        """Return an account's functions in a region by name."""
        return self._functions.get((account_id, region), {})

    def listed(self, account_id: str, region: str) -> Mapping[str, Function]:
        """Return an account's functions in a region by name, for a listing."""
        there = self.functions_of(account_id, region)
        return self._world.past.functions(account_id, region, there)

    def every_function(
        self,
    ) -> Iterable[tuple[tuple[str, str], Mapping[str, Function]]]:
        """Return functions by name, for each account and region that has some."""
        return [(key, mine) for key, mine in self._functions.items() if mine]

    def find(
        self, account_id: str, region: str, name: str, *, qualifier: str = ""
    ) -> Function:
        """Return an account's function.

        Raises:
            ServiceError: FunctionNotFound; AliasNotFound, since there are no aliases.
        """
        function = self.functions_of(account_id, region).get(name)
        if function is None:
            raise refusal("FunctionNotFound", f"function '{name}' does not exist.")
        if qualifier not in {"", "LATEST"}:
            raise refusal(
                "AliasNotFound",
                f"alias '{qualifier}' of function '{name}' does not exist",
            )
        return function

    def code(
        self, caller: Caller, region: str, settings: Settings, source: CodeSource
    ) -> bytes:
        """Return the zip that a source means; nothing of a container's.

        Raises:
            ServiceError: InvalidArgument; there is none, or it is not acceptable.
        """
        if settings.runtime == CONTAINER:
            return b""
        data = source.zip_bytes
        if source.bucket:
            data = self._object(caller, region, source)
        if not data:
            raise invalid("Either ossBucketName/ossObjectName or zipFile must be set")
        check_code(data)
        if source.checksum and source.checksum != str(crc64(data)):
            raise invalid("the checksum of the code package does not match")
        return data

    def _object(self, caller: Caller, region: str, source: CodeSource) -> bytes:
        try:
            blob = self._world.oss.read(
                caller.account_id, region, source.bucket, source.key
            )
        except ServiceError as error:
            raise invalid(
                f"cannot read object '{source.key}' of bucket '{source.bucket}': "
                f"{error.code}"
            ) from error
        if blob.size > CODE_BYTES_MAX:
            raise invalid(f"the code package exceeds {CODE_BYTES_MAX} bytes")
        return blob.read(0, blob.size)

    def _pending_s(self, region_id: str) -> float:
        region = self._world.profile.region(region_id)
        slow = region.slow if region else 1.0
        return self._world.profile.durations.function_pending_s * slow

    def _new_id(self) -> str:
        digits = f"{self._world.rng.getrandbits(128):032x}"
        return "-".join(
            (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        )


def _activate(function: Function) -> None:
    function.state = State.ACTIVE


def _finish_update(function: Function, revision: int) -> None:
    if function.revision == revision:
        function.update_status = UpdateStatus.SUCCESSFUL
