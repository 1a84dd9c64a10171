"""The actions of Function Compute, as rules on the world's state."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.checksum import crc64
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.fc.listing import Filters, Page
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.roles import assume_role, check_role
from alicloud_emulator.world.fc.rules import (
    CODE_BYTES_MAX,
    CONTAINER,
    check_code,
    check_name,
    check_settings,
    check_tags,
    invalid,
)
from alicloud_emulator.world.fc.tags import Tags
from alicloud_emulator.world.fc.values import (
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

LIST_LIMIT_DEFAULT = 20
LIST_LIMIT_MAX = 100


class Fc:
    """Every account's functions in every region.

    Errors are ServiceErrors with the product's codes, those of refusals.py, and
    NoPermission where policies forbid.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self.tags = Tags(self)
        self._functions: dict[tuple[str, str], dict[str, Function]] = {}
        self._running: dict[tuple[str, str], int] = {}

    def regions(self) -> tuple[Region, ...]:
        """Return the regions that have Function Compute; elsewhere no host resolves."""
        return tuple(region for region in self._world.profile.regions if region.fc)

    def describe_regions(self, caller: Caller) -> tuple[Region, ...]:
        """DescribeRegions. Allowed to every caller of the account (a guess)."""
        self._world.agenda.catch_up()
        self._check_account(
            caller, "fc:DescribeRegions", f"acs:fc:*:{caller.account_id}:*"
        )
        return self.regions()

    def create(
        self,
        caller: Caller,
        region: str,
        name: str,
        settings: Settings,
        code: CodeSource,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> Function:
        """CreateFunction: the function is Pending, and Active a little later."""
        self._enter_change(caller, "CreateFunction", region, name)
        check_name(name)
        check_settings(settings)
        check_tags(tags or {})
        check_role(self._world.ram, caller, settings.role)
        mine = self._functions.setdefault((caller.account_id, region), {})
        if name in mine:
            raise refusal("FunctionAlreadyExists", f"function '{name}' already exists")
        data = self._code(caller, region, settings, code)
        now = self._world.agenda.now
        function = Function(
            account_id=caller.account_id,
            region=region,
            name=name,
            id=self._new_id(),
            settings=settings,
            code=data,
            code_crc64=crc64(data),
            created_at=now,
            modified_at=now,
            active_at=now + self._pending_s(region),
            tags=dict(tags or {}),
        )
        mine[name] = function
        self._world.agenda.at(function.active_at, lambda: _activate(function))
        return function

    def get(
        self, caller: Caller, region: str, name: str, *, qualifier: str = ""
    ) -> Function:
        """GetFunction."""
        self.enter(caller, "GetFunction", region, name)
        return self._find(caller.account_id, region, name, qualifier=qualifier)

    def told_state(self, function: Function) -> State | None:
        """Return what GetFunction tells of a function's state; None: nothing."""
        habit = self._world.profile.habits.function_state
        if habit is FunctionState.ACTIVE or function.settings.runtime == CONTAINER:
            return function.state
        return State.PENDING if habit is FunctionState.PENDING else None

    def list_functions(
        self,
        caller: Caller,
        region: str,
        *,
        filters: Filters | None = None,
        limit: int = LIST_LIMIT_DEFAULT,
        next_token: str = "",
    ) -> Page:
        """ListFunctions, by name; ``next_token`` is the name the next page starts at."""
        self.enter(caller, "ListFunctions", region, "*")
        if not 1 <= limit <= LIST_LIMIT_MAX:
            raise invalid(f"limit must be between 1 and {LIST_LIMIT_MAX}")
        wanted = filters or Filters()
        mine = self.functions_of(caller.account_id, region)
        names = [
            name
            for name in sorted(mine)
            if name >= next_token and wanted.match(mine[name])
        ]
        rest = names[limit : limit + 1]
        return Page(
            functions=tuple(mine[name] for name in names[:limit]),
            next_token=rest[0] if rest else "",
        )

    def update(
        self,
        caller: Caller,
        region: str,
        name: str,
        changes: Mapping[str, Any],
        code: CodeSource | None = None,
    ) -> Function:
        """UpdateFunction.

        Args:
            caller: Who calls.
            region: Region id.
            name: Function name.
            changes: New values of fields of ``Settings`` by name; others stay, and
                so do members of ``extras``.
            code: New code, or None to keep it.
        """
        self._enter_change(caller, "UpdateFunction", region, name)
        function = self._find(caller.account_id, region, name)
        extras = {**function.settings.extras, **changes.get("extras", {})}
        settings = replace(function.settings, **{**changes, "extras": extras})
        check_settings(settings)
        if "role" in changes:
            check_role(self._world.ram, caller, settings.role)
        if code is not None:
            function.code = self._code(caller, region, settings, code)
            function.code_crc64 = crc64(function.code)
        function.settings = settings
        function.modified_at = self._world.agenda.now
        function.revision += 1
        function.update_status = UpdateStatus.IN_PROGRESS
        revision = function.revision
        self._world.agenda.after(
            self._pending_s(region), lambda: _finish_update(function, revision)
        )
        return function

    def delete(self, caller: Caller, region: str, name: str) -> Function:
        """DeleteFunction: it is gone at once. Returns what was deleted."""
        self.enter(caller, "DeleteFunction", region, name)
        function = self._find(caller.account_id, region, name)
        del self._functions[caller.account_id, region][name]
        return function

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
        self._enter_change(caller, "InvokeFunction", region, name)
        self.check_payload(payload_bytes, sync=sync)
        function = self._find(caller.account_id, region, name, qualifier=qualifier)
        credentials = assume_role(self._world.ram, function)
        place = (caller.account_id, region)
        limit = self._world.profile.limits.function_instances
        if limit and self._running.get(place, 0) >= limit:
            raise refusal(
                "ResourceExhausted",
                f"the number of on-demand instances exceeds the limit {limit}",
            )
        self._running[place] = self._running.get(place, 0) + 1
        return Invocation(
            function=function,
            ready_at=function.active_at,
            credentials=credentials,
            killed=any(fault.do is Do.KILL for fault in faults),
        )

    def end_invocation(self, invocation: Invocation) -> None:
        """Take note that an invocation has ended."""
        function = invocation.function
        place = (function.account_id, function.region)
        self._running[place] -= 1
        if not self._running[place]:
            del self._running[place]

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

    def enter(self, caller: Caller, action: str, region: str, name: str) -> None:
        """Let everything due happen, and check that the caller may do the action."""
        self._world.agenda.catch_up()
        resource = f"acs:fc:{region}:{caller.account_id}:functions/{name}"
        self._check_account(caller, f"fc:{action}", resource)

    def _enter_change(
        self, caller: Caller, action: str, region: str, name: str
    ) -> None:
        """``enter`` for what costs money, which an account in arrears cannot have."""
        self.enter(caller, action, region, name)
        if self._world.ram.people(caller.account_id).account.arrears:
            raise refusal("Account.Arrearage", "Your account is in arrears.")

    def functions_of(self, account_id: str, region: str) -> Mapping[str, Function]:
        """Return an account's functions in a region by name."""
        return self._functions.get((account_id, region), {})

    def _check_account(self, caller: Caller, action: str, resource: str) -> None:
        self._world.ram.authorize(caller, action, resource)
        account = self._world.ram.people(caller.account_id).account
        if not account.fc_enabled:
            # As captured of Function Compute 2 (Serverless-Devs/Serverless-Devs#282).
            raise refusal("AccessDenied", "FC service is not enabled for current user.")

    def _find(
        self, account_id: str, region: str, name: str, *, qualifier: str = ""
    ) -> Function:
        function = self.functions_of(account_id, region).get(name)
        if function is None:
            raise refusal("FunctionNotFound", f"function '{name}' does not exist.")
        if qualifier not in {"", "LATEST"}:
            raise refusal(
                "AliasNotFound",
                f"alias '{qualifier}' of function '{name}' does not exist",
            )
        return function

    def _code(
        self, caller: Caller, region: str, settings: Settings, source: CodeSource
    ) -> bytes:
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
