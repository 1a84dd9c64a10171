"""What cannot be published gets one clear line: the file, what it is, what to do."""

import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ali_import.disk import content_sha256, inspect, reader
from ali_import.errors import DiskImageError
from ali_import.units import TIB
from tests.support.containers import vdi, vhdx, vmdk
from tests.support.disks import BOOT_X86_64, disk, sparse, write_image


def refusal(path: Path) -> str:
    with pytest.raises(DiskImageError) as caught:
        inspect(path)
    assert caught.value.path == path
    assert caught.value.exit_code == 2
    line = caught.value.diagnostics()
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert caught.value.advice, "says what is wrong, but not what to do"
    return line


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Do without root's right to read everything, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "disk.img")
    path = write_image(tmp_path / "disk.img") / "not-a-directory"
    assert "does not exist" in refusal(path)


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = write_image(tmp_path / "disk.img")
    path.chmod(0)
    with ordinary_user():
        assert "permission denied" in refusal(path)
    with ordinary_user(), pytest.raises(DiskImageError, match="permission denied"):
        content_sha256(path)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.touch()
    assert "is empty" in refusal(path)


def test_a_name_no_file_can_have() -> None:
    with pytest.raises(DiskImageError, match="cannot be read"):
        inspect(Path("disk\0.img"))
    with pytest.raises(DiskImageError, match="cannot be read"):
        inspect(Path("x" * 300))


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)


def test_a_circle_of_links(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    assert "cannot be read" in refusal(link)


def test_a_device() -> None:
    assert "is a character device" in refusal(Path("/dev/zero"))


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "is a pipe" in refusal(path)


def test_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert "is a socket" in refusal(path)


def test_a_disk_of_the_largest_size_is_not_refused_for_it(tmp_path: Path) -> None:
    """To hash 2 TiB takes too long for a test, so it is another thing that is wrong."""
    path = sparse(tmp_path / "disk.img", 2 * TIB)
    assert "is not a disk image" in refusal(path)


@pytest.mark.parametrize("size_bytes", [2 * TIB + 1, 3 * TIB])
def test_a_disk_over_the_limit(tmp_path: Path, size_bytes: int) -> None:
    path = sparse(tmp_path / "disk.img", size_bytes, disk())
    line = refusal(path)
    assert "2 TiB" in line
    assert "2048 GiB" in line


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = write_image(tmp_path / "disk.img")
    with reader.open_image(path) as opened:
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(DiskImageError, match="changed while it was read"):
            opened.sha256()
    with reader.open_image(path) as opened:
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(DiskImageError, match="changed while it was read"):
            opened.sha256()


@pytest.mark.parametrize("build", [vdi, vmdk, vhdx])
def test_a_container_is_not_written_over_by_its_conversion(
    tmp_path: Path, build: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(build(disk(BOOT_X86_64)))
    assert refusal(path).endswith(f"-O qcow2 {path} {path}.qcow2")


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("disk.img", content)
    return buffer.getvalue()


def tarred(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("disk.img")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "compressed (gzip)": gzip.compress,
    "compressed (xz)": lzma.compress,
    "compressed (bzip2)": bz2.compress,
    "compressed (lzma)": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "compressed (zstd)": lambda _: b"\x28\xb5\x2f\xfd" + bytes(1000),
    "zip archive": zipped,
    "tar archive": tarred,
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_disk_has_to_be_unpacked_first(tmp_path: Path, name: str) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(PACKED[name](disk(BOOT_X86_64)))
    line = refusal(path)
    assert name in line
    assert "first" in line


@pytest.mark.parametrize("magic", [b"MZ", b"\x7fELF"])
@pytest.mark.parametrize("signature_at_510", [False, True])
def test_a_bare_program_is_told_where_it_belongs(
    tmp_path: Path, magic: bytes, signature_at_510: bool
) -> None:
    content = bytearray(magic + b"\xff\0" * 1000)
    if signature_at_510:  # which chance can put there
        content[510:512] = b"\x55\xaa"
    path = tmp_path / "ipxe.efi"
    path.write_bytes(content)
    line = refusal(path)
    assert "EFI/BOOT/BOOTX64.EFI" in line
    assert "FAT" in line


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Dear all,\nplease find attached\n", "text file"),
        ("Grüße\n".encode() * 1000, "text file"),
        (("x" + "Grüße\n" * 1000).encode(), "text file"),
        (b"<!DOCTYPE html>\n<title>404 Not Found</title>\n" * 40, "text file"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        (bytes(1), "not a disk image"),
        (bytes(511), "not a disk image"),
        (bytes(1_000_000), "not a disk image"),
        (b"\xff" * 1_000_000, "not a disk image"),
        (b"\x55\xaa" * 100, "not a disk image"),  # too short for a boot sector
    ],
)
def test_a_file_that_is_no_disk_image(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(content)
    assert expected in refusal(path)
