"""A world as rows of JSON, and back: nothing on disk is ever executed.

A world is a few *keepers* (``Ecs``, ``Store``, ``Buckets``...), which every new world has at
the same places, and the *things* that they keep: images, buckets, tasks. Each keeper is a
row under its place, each thing one under a number; a row is the JSON of its fields, in which
other things are named. What Python has and JSON has not stands as ``{"~": what, ...}``.

To read rows back is to make a new world and fill it. The rows are checked: only dataclasses
of this package are made, with the fields they have, of the types they have; what is to
happen later is a method of a keeper, or a function beside them.
"""

import base64
import json
import math
import types
import typing
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from importlib import import_module
from ipaddress import IPv4Network
from itertools import count
from random import Random
from typing import Any, get_type_hints

from alicloud_emulator.world.blobs import (
    Blob,
    FileBlob,
    MemoryBlob,
)
from alicloud_emulator.world.facts import Facts
from alicloud_emulator.world.oss.values import KeyTable
from alicloud_emulator.world.past import Past
from alicloud_emulator.world.profile import Profile
from alicloud_emulator.world.recent import Recent
from alicloud_emulator.world.world import World

Rows = dict[str, str]
"""JSON by place or number."""

_PACKAGE = "alicloud_emulator."
_ROOMS = (f"{_PACKAGE}world.", f"{_PACKAGE}products.")
_PLAIN = (str, int, bool, type(None))
_VALUES = (KeyTable, Recent, Blob, Random)
_ELSEWHERE = (Profile, Facts, Past, types.FunctionType, types.MethodType, type)
"""What a keeper has and a new world's has, too: no part of its state."""

_FRESH = {"_clock", "_world", "wall", "profile", "listeners", "blobs", "_happening"} | {
    "_at_work"  # of functions' processes, which ended with the emulator's
}
"""Attributes of keepers that are made anew."""

_HOLD_KEEPERS = {"_parts", "_people"}
"""Attributes of keepers that are tables of further ones."""

_HAVE_DICE = {"", ".faults"}
"""The keepers whose dice everybody throws."""


class StateError(ValueError):
    """What was read is no state of a cloud, or of another version's."""


def keepers(world: World) -> dict[str, Any]:
    """Return a world's keepers by place, the world itself at ``""``."""
    found: dict[str, Any] = {"": world}
    seen = {id(world)}
    waiting = deque(found.items())
    while waiting:
        place, keeper = waiting.popleft()
        for name, value in _inside(keeper):
            if id(value) not in seen and _is_keeper(value):
                seen.add(id(value))
                found[f"{place}.{name}"] = value
                waiting.append((f"{place}.{name}", value))
    return found


def _inside(keeper: object) -> Iterator[tuple[str, Any]]:
    for name, value in vars(keeper).items():
        if name in _FRESH:
            continue
        yield name, value
        if name in _HOLD_KEEPERS:
            for key, one in value.items():
                known = key if isinstance(key, str) else _name_of(key)
                yield f"{name}[{known}]", one


def _is_keeper(value: object) -> bool:
    kind = type(value)
    return (
        kind.__module__.startswith(_ROOMS)
        and not is_dataclass(kind)
        and not isinstance(value, (*_VALUES, *_ELSEWHERE, tuple, Enum))
        and hasattr(value, "__dict__")
    )


def _name_of(thing: Any) -> str:
    return f"{thing.__module__.removeprefix(_PACKAGE)}:{thing.__qualname__}"


@cache
def _named(name: str) -> Any:
    """Return a class or function of this package's rooms by its name."""
    module, _, path = name.partition(":")
    if not f"{_PACKAGE}{module}".startswith(_ROOMS) or not path.isidentifier():
        raise StateError(f"{name!r} is nothing that a cloud is made of")
    try:
        found = getattr(import_module(f"{_PACKAGE}{module}"), path)
    except (ImportError, AttributeError) as error:
        raise StateError(f"{name!r} is not there any more") from error
    if getattr(found, "__module__", None) != f"{_PACKAGE}{module}":
        raise StateError(f"{name!r} is nothing that a cloud is made of")
    return found


class Writer:
    """Makes rows of one world, again and again; a thing keeps its number."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers: dict[int, tuple[str, Any]] = {}
        self._leaves: dict[str, tuple[str, str]] = {}
        self._next = count(1)

    def rows(self) -> Rows:
        """Return every row there is now."""
        places = keepers(self._world)
        self._places = {id(keeper): place for place, keeper in places.items()}
        self._before, self._numbers = self._numbers, {}
        self._waiting: deque[tuple[str, Any]] = deque()
        rows = {"parts": json.dumps([_name_of(kind) for kind in self._world._parts])}  # noqa: SLF001 - the world's own keeping
        for place, keeper in places.items():
            rows[f"@{place}"] = self._row(self._state(place, keeper))
        while self._waiting:
            number, thing = self._waiting.popleft()
            rows[number] = self._row_of(number, thing)
        self._leaves = {n: row for n, row in self._leaves.items() if n in rows}
        return rows

    def _row_of(self, number: str, thing: Any) -> str:
        if not isinstance(thing, (FileBlob, MemoryBlob)):
            return self._row(_fields_of(thing), type(thing))
        # There are many, and only their SHA-256 may become known later.
        sha256, row = self._leaves.get(number, ("", ""))
        if not row or sha256 != thing.sha256_known:
            row = self._row(_fields_of(thing), type(thing))
            self._leaves[number] = thing.sha256_known, row
        return row

    @property
    def files(self) -> set[str]:
        """Names of the files that the last rows speak of."""
        return {
            thing.path.name
            for _, thing in self._numbers.values()
            if isinstance(thing, FileBlob)
        }

    def _state(self, place: str, keeper: object) -> dict[str, Any]:
        return {
            name: value
            for name, value in vars(keeper).items()
            if name not in _FRESH
            and name not in _HOLD_KEEPERS
            and not isinstance(value, _ELSEWHERE)
            and id(value) not in self._places
            and not (isinstance(value, Random) and place not in _HAVE_DICE)
        }

    def _row(self, state: Mapping[str, Any], kind: type | None = None) -> str:
        row = {name: self._encoded(value) for name, value in state.items()}
        if kind is not None:
            row["~"] = _name_of(kind)
        return json.dumps(row, separators=(",", ":"))

    def _encoded(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"~": "float", "v": repr(value)}
        if id(value) in self._places:
            return {"~": "keeper", "v": self._places[id(value)]}
        encode = _ENCODE.get(kind)
        if encode is not None:
            return {"~": encode[0], **encode[1](value, self._encoded)}
        if isinstance(value, Enum):
            return {"~": "enum", "of": _name_of(kind), "v": value.value}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            inside = [self._encoded(one) for one in value]
            return {"~": "named", "of": _name_of(kind), "v": inside}
        if isinstance(value, Blob) or (is_dataclass(kind) and _is_ours(kind)):
            return {"~": "thing", "v": self._number(value)}
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} has no JSON")

    def _number(self, thing: Any) -> str:
        if id(thing) not in self._numbers:
            known = self._before.get(id(thing))
            number = known[0] if known else str(next(self._next))
            self._numbers[id(thing)] = (number, thing)
            self._waiting.append((number, thing))
        return self._numbers[id(thing)][0]


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith(_ROOMS)


def _fields_of(thing: Any) -> dict[str, Any]:
    if isinstance(thing, FileBlob):
        return thing.known
    if isinstance(thing, Blob):
        return dict(vars(thing))
    return {one.name: getattr(thing, one.name) for one in fields(thing)}


Encode = Callable[[Any], Any]


def _pairs(value: Mapping[Any, Any], encode: Encode) -> dict[str, Any]:
    return {"v": [[encode(key), encode(one)] for key, one in value.items()]}


def _row_of(value: Any, encode: Encode) -> dict[str, Any]:
    return {"v": [encode(one) for one in value]}


def _recent(value: "Recent[Any, Any]", encode: Encode) -> dict[str, Any]:
    keep = value.may_go
    rule = None if keep.__qualname__.endswith("<lambda>") else _name_of(keep)
    return {"most": value.most, "may_go": rule, **_pairs(value, encode)}


def _later(value: "partial[Any]", encode: Encode) -> dict[str, Any]:
    method = value.func
    owner = getattr(method, "__self__", None)
    name = method.__name__ if owner is not None else _name_of(method)
    return {"of": encode(owner), "call": name, "v": [encode(one) for one in value.args]}


_ENCODE: dict[type, tuple[str, Callable[[Any, Encode], dict[str, Any]]]] = {
    bytes: ("bytes", lambda value, _: {"v": base64.b64encode(value).decode()}),
    dict: ("dict", _pairs),
    Counter: ("counter", _pairs),
    list: ("list", _row_of),
    tuple: ("tuple", _row_of),
    set: ("set", lambda value, encode: {"v": sorted(map(encode, value), key=repr)}),
    frozenset: (
        "frozenset",
        lambda value, encode: {"v": sorted(map(encode, value), key=repr)},
    ),
    deque: ("deque", _row_of),
    count: ("count", lambda value, _: {"v": value.__reduce__()[1][0]}),
    Random: ("random", lambda value, _: {"v": _dice(value)}),
    IPv4Network: ("network", lambda value, _: {"v": str(value)}),
    Recent: ("recent", _recent),
    KeyTable: ("table", _pairs),
    partial: ("later", _later),
}


def _dice(value: Random) -> list[Any]:
    version, inside, following = value.getstate()
    return [version, list(inside), following]


class Reader:
    """Fills a new world with rows.

    Args:
        rows: What a ``Writer`` made.
        open_file: Returns the blob of a file, by the file's name and what is known of it.
    """

    def __init__(self, rows: Rows, open_file: "OpenFile") -> None:
        self._rows = rows
        self._open_file = open_file
        self._made: dict[str, Any] = {}
        self._empty: deque[tuple[Any, dict[str, Any]]] = deque()
        self._places: dict[str, Any] = {}

    def fill(self, world: World) -> None:
        """Fill a new world.

        Raises:
            StateError: The rows are not those of a world.
        """
        try:
            for name in json.loads(self._rows["parts"]):
                world.part(_named(name))
            self._places = keepers(world)
            for key, text in self._rows.items():
                if key.startswith("@"):
                    self._fill_keeper(self._places[key[1:]], json.loads(text))
            while self._empty:
                thing, row = self._empty.popleft()
                self._fill_thing(thing, row)
        except StateError:
            raise
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise StateError(f"this is no state of a cloud: {error!r}") from error

    def _fill_keeper(self, keeper: Any, row: Mapping[str, Any]) -> None:
        for name, encoded in row.items():
            now, value = getattr(keeper, name), self._decoded(encoded)
            if type(value) is not type(now) and not _alike(value, now):
                raise StateError(f"{name} of {type(keeper).__name__} is {type(now)}")
            # In place: several keepers may look at one table.
            if isinstance(now, KeyTable):
                now.become(value)
            elif isinstance(now, Random):
                now.setstate(value.getstate())
            elif isinstance(now, (dict, set)):
                now.clear()
                now.update(value)
            elif isinstance(now, (list, deque)):
                now.clear()
                now.extend(value)
            else:
                setattr(keeper, name, value)

    def _thing(self, number: str) -> Any:
        if number in self._made:
            return self._made[number]
        row = json.loads(self._rows[number])
        kind: Any = _named(row.pop("~"))
        if isinstance(kind, type) and issubclass(kind, Blob):
            return self._blob(number, kind, row)
        if not (isinstance(kind, type) and is_dataclass(kind)):
            raise StateError(f"{kind} is nothing that a cloud keeps")
        thing: Any = object.__new__(kind)
        self._made[number] = thing
        if thing.__dataclass_params__.frozen:
            self._fill_thing(thing, row)  # it may be a key
        else:
            self._empty.append((thing, row))
        return thing

    def _blob(self, number: str, kind: type[Blob], row: Mapping[str, Any]) -> Blob:
        known = {name: self._decoded(value) for name, value in row.items()}
        blob: Blob
        if kind is FileBlob:
            blob = self._open_file(str(known["name"]), known)
        else:
            blob = object.__new__(kind)
            vars(blob).update(known)
        self._made[number] = blob
        return blob

    def _fill_thing(self, thing: Any, row: Mapping[str, Any]) -> None:
        hints = get_type_hints(type(thing))
        for one in fields(thing):
            if one.name in row:
                value = self._decoded(row[one.name])
            elif one.default is not MISSING:
                value = one.default
            elif one.default_factory is not MISSING:
                value = one.default_factory()
            else:
                raise StateError(f"{type(thing).__name__} has no {one.name}")
            if not _fits(value, hints[one.name]):
                raise StateError(
                    f"{type(thing).__name__}.{one.name} is no {value!r:.40}"
                )
            object.__setattr__(thing, one.name, value)

    def _decoded(self, value: Any) -> Any:
        if isinstance(value, list):
            raise StateError("a list of nothing")
        if not isinstance(value, dict):
            return value
        kind: str = value["~"]
        inside: Any = value.get("v")
        if kind == "thing":
            return self._thing(inside)
        if kind == "keeper":
            return self._places[inside]
        if kind == "enum":
            return _named_kind(value["of"], Enum)(inside)
        if kind == "named":
            return _named_kind(value["of"], tuple)(*map(self._decoded, inside))
        if kind == "later":
            return self._later(value)
        if kind == "recent":
            keep = value["may_go"]
            rule = {} if keep is None else {"may_go": _named_function(keep)}
            found: Recent[Any, Any] = Recent(value["most"], **rule)
            found.update(self._pairs(inside))
            return found
        return _DECODE[kind](inside, self)

    def _pairs(self, inside: Any) -> list[tuple[Any, Any]]:
        return [(self._decoded(key), self._decoded(one)) for key, one in inside]

    def _later(self, value: Mapping[str, Any]) -> "partial[Any]":
        owner = self._decoded(value["of"])
        if owner is None:
            call = _named_function(value["call"])
        else:
            if owner not in self._places.values():
                raise StateError("only keepers do something later")
            call = getattr(type(owner), value["call"]).__get__(owner)
        return partial(call, *map(self._decoded, value["v"]))


OpenFile = Callable[[str, Mapping[str, Any]], FileBlob]

_DECODE: dict[str, Callable[[Any, Reader], Any]] = {
    "float": lambda inside, _: float(inside),
    "bytes": lambda inside, _: base64.b64decode(inside, validate=True),
    "dict": lambda inside, reader: dict(reader._pairs(inside)),  # noqa: SLF001 - its own table, and so below
    "counter": lambda inside, reader: Counter(dict(reader._pairs(inside))),  # noqa: SLF001
    "list": lambda inside, reader: list(map(reader._decoded, inside)),  # noqa: SLF001
    "tuple": lambda inside, reader: tuple(map(reader._decoded, inside)),  # noqa: SLF001
    "set": lambda inside, reader: set(map(reader._decoded, inside)),  # noqa: SLF001
    "frozenset": lambda inside, reader: frozenset(map(reader._decoded, inside)),  # noqa: SLF001
    "deque": lambda inside, reader: deque(map(reader._decoded, inside)),  # noqa: SLF001
    "count": lambda inside, _: count(int(inside)),
    "random": lambda inside, _: _thrown(inside),
    "network": lambda inside, _: IPv4Network(inside),
    "table": lambda inside, reader: KeyTable.of(dict(reader._pairs(inside))),  # noqa: SLF001
}


def _thrown(inside: Any) -> Random:
    version, state, following = inside
    found = Random()
    found.setstate((version, tuple(state), following))
    return found


def _named_kind(name: str, of: type) -> Any:
    found = _named(name)
    if not (isinstance(found, type) and issubclass(found, of)):
        raise StateError(f"{name!r} is no {of.__name__}")
    return found


def _named_function(name: str) -> Callable[..., Any]:
    found = _named(name)
    if not isinstance(found, types.FunctionType):
        raise StateError(f"{name!r} does nothing")
    return found


def _alike(value: object, now: object) -> bool:
    numbers = (int, float)
    both = isinstance(value, numbers) and isinstance(now, numbers)
    return both or value is None or now is None


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a field's type, as far as types can be asked."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or isinstance(hint, typing.TypeVar):
        return True
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, one) for one in inside)
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return type(value) in {int, float}
    if hint is int:
        return type(value) is int
    if origin is None:
        return isinstance(value, hint)
    if not isinstance(value, origin):
        return False
    if isinstance(value, Mapping) and len(inside) == 2:
        return all(
            _fits(key, inside[0]) and _fits(one, inside[1])
            for key, one in value.items()
        )
    if isinstance(value, (list, set, frozenset)) and inside:
        return all(_fits(one, inside[0]) for one in value)
    if isinstance(value, tuple) and inside:
        if inside[-1] is Ellipsis:
            return all(_fits(one, inside[0]) for one in value)
        return len(value) == len(inside) and all(map(_fits, value, inside))
    return True
