"""A product, as the front sees it: hosts, ids, region rule, and what carries it out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any
from uuid import UUID

from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.products.rpc.service import RpcService
from alicloud_emulator.products.wire import Service
from alicloud_emulator.world.profile import Region
from alicloud_emulator.world.world import World

REGION = r"(?P<region>[a-z]{2,5}-[a-z0-9]+(?:-[a-z0-9]+)*?)"
VPC = "(?P<internal>-vpc)?"
INTERNAL = "(?P<internal>-internal)?"


class Signing(StrEnum):
    """Which signatures a product takes.

    * ``rpc``: ACS3, and the older one over query and form.
    * ``roa``: ACS3 alone.
    * ``oss``: object storage's V1, V2 and V4, and requests of nobody.
    """

    RPC = "rpc"
    ROA = "roa"
    OSS = "oss"


State = Callable[[World, str, str], Mapping[str, list[Any]]]
"""Of a world, a region's id and an account's."""


def _nothing(_world: World, _region: str, _account_id: str) -> Mapping[str, list[Any]]:
    return {}


Central = Callable[[World, str], Mapping[str, list[Any]]]
"""Of a world and an account's id."""


def _nowhere(_world: World, _account_id: str) -> Mapping[str, list[Any]]:
    return {}


def _uuid(rng: Random, _: float) -> str:
    return str(UUID(int=rng.getrandbits(128), version=5)).upper()


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product of the cloud.

    Attributes:
        name: As in ``Host.service``, in fault rules and in counts.
        code: As the location service spells it.
        hosts: Patterns of its host names without ``.aliyuncs.com``, tried in order. The
            groups ``region``, ``bucket``, ``account`` and ``internal`` say what a name
            means; an internal host resolves in its own region's network only.
        endpoint: Host that the location service names for a region (``{}``); "" for a
            product that it does not know.
        service: Makes what carries out its actions.
        api: Its actions, if it is an RPC product.
        named: Returns its actions' names, if it is none.
        version: Of its API; "" for object storage, whose calls name none.
        state: What an account has in a region, as lists by name, for the state document.
        central: What an account has in no region, in the same way.
        brief: As ``state`` in short, for tiles; None if it is short anyway.
        region_parameter: Whether a call is about the region of its ``RegionId``, where
            it has one, and not about its host's.
        is_there: Whether its hosts in a region resolve.
        request_id: Makes an answer's id, of random bits and of Unix time in seconds.
            Source: Serverless-Devs/Serverless-Devs#768 (2024), and captured answers.
        signing: Which signatures it takes.
        says: Code and status that it has for the gateway's codes, where they differ.
        id_header: The header that carries the id.
        headers: More headers of every answer of a product without the RPC gateway.
        downloads: Actions that send an object's bytes.
        internal_error: Code for a failure of the emulator itself.
        throttled: Code and status of a throttled call.
    """

    name: str
    code: str
    hosts: tuple[str, ...]
    endpoint: str = ""
    service: Callable[[World, Functions], Service]
    api: Api | None = None
    named: Callable[[], Iterable[str]] = tuple
    version: str = ""
    state: State = _nothing
    central: Central = _nowhere
    brief: State | None = None
    region_parameter: bool = False
    is_there: Callable[[Region], bool] = lambda _: True
    request_id: Callable[[Random, float], str] = _uuid
    signing: Signing = Signing.RPC
    says: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    id_header: str = "x-acs-request-id"
    headers: Mapping[str, str] = field(default_factory=dict)
    downloads: frozenset[str] = frozenset()
    internal_error: str = "InternalError"
    throttled: tuple[str, int] | None = None

    @property
    def behind_gateway(self) -> bool:
        """Whether the gateway of the RPC products adds its headers."""
        return self.signing is Signing.RPC

    @property
    def action_names(self) -> frozenset[str]:
        """Return the names that calls are known by, of real actions not built, too."""
        api = self.api
        return frozenset((*api.by_name, *api.metadata) if api else self.named())

    @property
    def unsigned(self) -> frozenset[str]:
        """Return the actions that nobody signs."""
        return self.api.unsigned if self.api else frozenset()


def rpc_product(
    name: str,
    api: Api,
    *,
    hosts: tuple[str, ...],
    endpoint: str = "",
    state: State = _nothing,
    central: Central = _nowhere,
    region_parameter: bool = False,
) -> Product:
    """Return a product of the RPC style; see ``Product``."""
    return Product(
        name=name,
        code=api.code,
        hosts=hosts,
        endpoint=endpoint,
        service=lambda world, _: RpcService(world, api),
        api=api,
        version=api.version,
        state=state,
        central=central,
        region_parameter=region_parameter,
    )
