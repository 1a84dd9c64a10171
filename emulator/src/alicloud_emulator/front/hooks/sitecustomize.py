# Runs at every start of Python, so pathlib is not imported for it.
# ruff: noqa: PTH100, PTH113, PTH118, PTH120, PTH123
"""Loaded first by Python programs that ``exec``, ``env`` or a function started.

It does two things, both only while ALICLOUD_EMULATOR_PROXY names a running emulator:

* ``certifi.where()`` answers with the emulator's bundle. The official SDK verifies
  proxied TLS against certifi and nothing else, whatever the environment says. certifi
  is not imported for it: the change is made when the program imports it.
* Names under ``aliyuncs.com`` resolve to the emulator's port (or do not resolve, where
  the real name would not), for programs that ignore proxies. In a function
  (ALICLOUD_EMULATOR_INSIDE) no other name resolves: the emulated cloud is all there is.

Then it runs the ``sitecustomize`` that would have run without it. Only the standard
library is used, and nothing is imported that the interpreter has not loaded already.

A test's own process is led into the emulator by ``begin``, and out of it by ``end``.
"""

import os
import sys

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_SUFFIX = ".aliyuncs.com"
_NOT_KNOWN = "Name or service not known"
_LOOPBACK = ("localhost", "127.", "::1")
_PORTS = frozenset({"80", "443", "http", "https"})


def _change_certifi(certifi: "Any") -> None:
    real = certifi.where

    # Whoever imported these by name has them for good: they look each time.
    def where() -> str:
        return os.environ.get("ALICLOUD_EMULATOR_CA") or str(real())

    def contents() -> str:
        with open(where(), encoding="ascii") as bundle:
            return bundle.read()

    core: Any = sys.modules.get(f"{certifi.__name__}.core")
    for module in (certifi, core):
        if module is not None:
            _put(module, "where", where)
            _put(module, "contents", contents)


def _change_socket(socket: "Any") -> None:
    real = socket.getaddrinfo
    inside = os.environ.get("ALICLOUD_EMULATOR_INSIDE", "")
    proxy = os.environ["ALICLOUD_EMULATOR_PROXY"]
    address, _, port = proxy.rpartition("//")[2].rpartition(":")
    address = address.strip("[]")
    found: set[str] = set()

    def getaddrinfo(host: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        service = args[0] if args else kwargs.get("port")
        if not isinstance(name, str) or not name.lower().endswith(_SUFFIX):
            if inside and isinstance(name, str) and not name.startswith(_LOOPBACK):
                raise socket.gaierror(socket.EAI_NONAME, _NOT_KNOWN)
            return real(host, *args, **kwargs)
        if str(service) not in _PORTS:
            return real(host, *args, **kwargs)
        if name not in found:
            _check_resolves(name)
            found.add(name)
        rest = args[1:]
        # The address family asked for may be another than the emulator's.
        kwargs = {k: v for k, v in kwargs.items() if k not in {"port", "family"}}
        return real(address, int(port), 0, *rest[1:], **kwargs)

    def _check_resolves(name: str) -> None:
        with socket.create_connection((address, int(port)), timeout=30) as probe:
            probe.sendall(
                f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
            )
            answer = probe.recv(1024).split(b" ", 2)
        if answer[1:2] != [b"200"]:
            raise socket.gaierror(socket.EAI_NONAME, _NOT_KNOWN)

    _put(socket, "getaddrinfo", getaddrinfo)


_undone_by: "list[tuple[Any, str, Any]]" = []
_NOTHING = object()


def _put(module: "Any", name: str, value: "Any") -> None:
    """Change a module's attribute, and remember how it was."""
    _undone_by.append((module, name, getattr(module, name, _NOTHING)))
    setattr(module, name, value)


_CHANGES: "dict[str, Callable[[Any], None]]" = {
    "certifi": _change_certifi,
    # The certifi inside the oldest SDK's own copy of requests.
    "aliyunsdkcore.vendored.requests.packages.certifi": _change_certifi,
    "socket": _change_socket,
}


class _Loader:
    """Loads a module with its own loader, then changes it."""

    def __init__(self, loader: "Loader", change: "Callable[[Any], None]") -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        """Create the module as its own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: "Any") -> None:
        """Run the module, then change it."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._change(module)

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)


class _Finder:
    """Waits for the modules to be changed, and stands aside for all others."""

    @staticmethod
    def find_spec(
        name: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "ModuleSpec | None":
        """Return the spec of a module to be changed, else None."""
        change = _CHANGES.get(name)
        if change is None:
            return None
        for finder in sys.meta_path:
            if finder is _Finder or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader, change)  # type: ignore[assignment] # a loader by its methods
                return spec
        return None


def _run_the_next_sitecustomize() -> None:
    """Run the sitecustomize that this one stands in front of."""
    here = os.path.dirname(os.path.abspath(__file__))
    for folder in sys.path:
        if not folder or os.path.abspath(folder) == here:
            continue
        file = os.path.join(folder, "sitecustomize.py")
        if os.path.isfile(file):
            with open(file, "rb") as source:
                code = compile(source.read(), file, "exec")
            # What Python itself does with the file.
            exec(code, {"__name__": "sitecustomize", "__file__": file})  # noqa: S102
            return


def begin() -> int:
    """Lead this process into the emulator that its environment names.

    Returns what ``end`` has to be told.
    """
    changed = len(_undone_by)
    for name, change in _CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, _Finder)
    return changed


def end(changed: int) -> None:
    """Make everything as it was before ``begin``."""
    sys.meta_path.remove(_Finder)
    while len(_undone_by) > changed:
        module, name, value = _undone_by.pop()
        if value is _NOTHING:
            delattr(module, name)
        else:
            setattr(module, name, value)


if __name__ == "sitecustomize":
    if {"ALICLOUD_EMULATOR_PROXY", "ALICLOUD_EMULATOR_CA"} <= set(os.environ):
        begin()
    _run_the_next_sitecustomize()
