"""Namespaces of their own for the emulator and its command: ``exec --isolated``.

What is in them has a network of one machine: the cloud's names lead to the emulator's
own ports 443 and 80, every other name to nowhere, and there is no route out. Files that
say how names are found and whom to trust are others, for the programs inside alone.
Linux does it without privileges where it lets users have namespaces.

Source: namespaces(7), user_namespaces(7), netdevice(7), mount(2).
"""

import ctypes
import fcntl
import os
import shutil
import socket
import ssl
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alicloud_emulator.cli.usage import UsageError
from alicloud_emulator.front import trust

ADDRESS = "198.18.0.1"
"""Where the cloud is: of a block for benchmarks, which nothing real has (RFC 2544)."""

_NEWNS, _NEWUSER, _NEWNET = 0x00020000, 0x10000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_SET_FLAGS, _SET_ADDRESS = 0x8914, 0x8916
_UP = 0x1
_FOLDER = Path("/etc/ssl/certs")
_BUNDLES = (
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
)
_JAVA_STORES = ("/etc/pki/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts")
_CACHES = ("/run/nscd", "/var/run/nscd")
"""Of names, kept by a server outside, which would tell them."""

_REFUSED = (
    "exec --isolated: this machine does not let programs create namespaces"
    " ({}: {}). Run it without --isolated, or let it: in a container by --privileged or"
    " --cap-add SYS_ADMIN, on Ubuntu by `sysctl"
    " kernel.apparmor_restrict_unprivileged_userns=0`, elsewhere by"
    " `sysctl user.max_user_namespaces=10000`"
)


class IsolationError(UsageError):
    """There are no namespaces to be had."""


def enter() -> None:
    """Move this process into namespaces of its own, with nothing but a loopback.

    It must have one thread still.

    Raises:
        IsolationError: They are not allowed, or this is not Linux.
    """
    if sys.platform != "linux":
        raise IsolationError("exec --isolated needs Linux")
    with _told("unshare"):
        _leave_the_machine()
    with _told("mount"):
        _mount(None, Path("/"), _RECURSIVE | _PRIVATE)
    with _told("network"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        up = struct.pack("16sH14x", b"lo", _UP)
        fcntl.ioctl(control, _SET_FLAGS, up)
        place = struct.pack("16sH2x4s8x", b"lo:1", socket.AF_INET, _packed(ADDRESS))
        fcntl.ioctl(control, _SET_ADDRESS, place)


def _leave_the_machine() -> None:
    """Go into new namespaces of network and mounts, and of users if it must be.

    Raises:
        OSError: They are not allowed.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        with suppress(PermissionError):
            _unshare(_NEWNET | _NEWNS)
            return
    # Within a namespace of users nobody needs privileges for the others.
    _unshare(_NEWUSER | _NEWNET | _NEWNS)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    for name, number in (("uid_map", user), ("gid_map", group)):
        line = f"{number} {number} 1"
        Path(f"/proc/self/{name}").write_text(line, encoding="ascii")


def furnish(bundle: Path, java_store: Path, authority: bytes) -> None:
    """Put other files in the place of those that say how names are found and whom to trust.

    Args:
        bundle: Certificates to trust, in a private folder, where the others are made.
        java_store: The same for Java.
        authority: The emulator's own, in PEM.

    Raises:
        IsolationError: Mounting is not allowed.
    """
    made = bundle.parent / "isolated"
    made.mkdir()
    with _told("mount"):
        for place, text in _name_files():
            _replace(place, _written(made / place.name, text))
        empty = made / "empty"
        empty.mkdir()
        for cache in map(Path, _CACHES):
            if cache.is_dir() and not cache.is_symlink():
                _mount(empty, cache, _BIND)
        if _FOLDER.is_dir():
            _mount(
                _trusting(made / "certs", bundle, java_store, authority), _FOLDER, _BIND
            )
        usual = ssl.get_default_verify_paths().openssl_cafile
        for place in {Path(one).resolve() for one in (*_BUNDLES, usual)}:
            _replace(place, bundle)
        for place in {Path(one).resolve() for one in (*_JAVA_STORES, *_java_homes())}:
            _replace(place, java_store)


def _name_files() -> Iterator[tuple[Path, str]]:
    """Yield the files by which names are found, and what they are to say."""
    here = socket.gethostname()
    yield Path("/etc/hosts"), f"127.0.0.1 localhost {here}\n::1 localhost {here}\n"
    yield Path("/etc/resolv.conf"), f"nameserver {ADDRESS}\noptions timeout:2\n"
    switch = Path("/etc/nsswitch.conf")
    if switch.is_file():
        lines = switch.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = [line for line in lines if not line.lstrip().startswith("hosts:")]
        yield switch, "\n".join((*kept, "hosts: files dns", ""))


def _trusting(made: Path, bundle: Path, java_store: Path, authority: bytes) -> Path:
    """Return a copy of the folder of certificates with the emulator's among them."""
    shutil.copytree(_FOLDER, made, symlinks=True)
    whole = made / "ca-certificates.crt"
    whole.unlink(missing_ok=True)
    shutil.copyfile(bundle, whole)
    (made / f"{trust.subject_hash(authority)}.0").write_bytes(authority)
    store = made / "java" / "cacerts"
    if store.exists():
        store.unlink()
        shutil.copyfile(java_store, store)
    return made


def _java_homes() -> Iterator[str]:
    """Yield where the Java that would be run may keep what it trusts."""
    homes = [os.environ.get("JAVA_HOME", "")]
    if java := shutil.which("java"):
        homes.append(str(Path(java).resolve().parents[1]))
    for home in filter(None, homes):
        yield f"{home}/lib/security/cacerts"
        yield f"{home}/jre/lib/security/cacerts"


def _written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def _replace(place: Path, by: Path) -> None:
    """Put a file in the place of another, if that one is there."""
    if place.is_file() and not place.resolve().is_relative_to(_FOLDER.resolve()):
        _mount(by, place, _BIND)


def _packed(address: str) -> bytes:
    return socket.inet_aton(address)


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Say of a system call that fails what can be done.

    Raises:
        IsolationError: It failed.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise IsolationError(_REFUSED.format(doing, reason)) from error


def _unshare(flags: int) -> None:
    """Leave namespaces; ``os.unshare`` is of Python 3.12."""
    _checked(ctypes.CDLL(None, use_errno=True).unshare(flags))


def _mount(source: Path | None, target: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    where = None if source is None else os.fsencode(source)
    _checked(libc.mount(where, os.fsencode(target), None, ctypes.c_ulong(flags), None))


def _checked(status: int) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
