"""Small images in every container, built from scratch in pure Python.

They share no code with what reads them in ``ali_import.disk``; qemu-img is shown them
too, in ``tests/unit/disk/test_containers_and_qemu.py``.
"""

import struct
import sys
import uuid
import zlib
from collections.abc import Callable
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KIB: Final = 1024
MIB: Final = 1024 * KIB


def qcow2(
    content: bytes,
    *,
    version: int = 3,
    cluster_bits: int = 16,
    packed: str = "",
    extended: bool = False,
    incompatible: int = 0,
    snapshots: int = 0,
    backing: str = "",
    encryption: int = 0,
) -> bytes:
    """Return a QCOW2 image; clusters of zeros have no place in it.

    Args:
        content: The disk.
        version: 2 or 3.
        cluster_bits: The size of a cluster, as a power of two.
        packed: ``zlib`` or ``zstd`` compresses every cluster.
        extended: Subclusters of zeros have no place either.
        incompatible: Feature bits to set besides those that are needed.
        snapshots: How many the header claims.
        backing: The name of a backing file.
        encryption: The method the header claims.
    """
    cluster = 1 << cluster_bits
    entry_bytes = 16 if extended else 8
    per_table = cluster // entry_bytes
    chunks = _chunks(content, cluster)
    tables = -(-len(chunks) // per_table)
    l1_clusters = -(-tables * 8 // cluster)
    refcounts = 3 + l1_clusters + tables + len(chunks)
    refcount_blocks = -(-refcounts * 2 // cluster) + 1
    refcount_clusters = -(-refcount_blocks * 8 // cluster)
    l1_at = (1 + refcount_clusters + refcount_blocks) * cluster
    l2_at = l1_at + l1_clusters * cluster
    image = bytearray(l2_at + tables * cluster)
    table = b"".join(
        _qcow2_cluster(image, chunk, cluster_bits, packed, extended=extended)
        for chunk in chunks
    )
    image[l2_at : l2_at + len(table)] = table
    for number in range(tables):
        entry = 1 << 63 | l2_at + number * cluster
        struct.pack_into(">Q", image, l1_at + number * 8, entry)
    image += bytes(-len(image) % cluster)
    _qcow2_refcounts(image, cluster, refcount_clusters, refcount_blocks)
    features = incompatible | (8 if packed == "zstd" else 0) | (16 if extended else 0)
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb",
        version,
        112 if backing else 0,
        len(backing),
        cluster_bits,
        len(content),
        encryption,
        tables,
        l1_at,
        cluster,
        refcount_clusters,
        snapshots,
        0,
    )
    if version > 2:
        header += struct.pack(">QQQII", features, 0, 0, 4, 112)
        header += bytes([packed == "zstd"]) + bytes(7)
    image[: len(header)] = header
    image[112 : 112 + len(backing)] = backing.encode()
    return bytes(image)


def _qcow2_cluster(
    image: bytearray, chunk: bytes, cluster_bits: int, packed: str, *, extended: bool
) -> bytes:
    """Append a cluster to the image, and return its L2 entry."""
    tail = bytes(8) if extended else b""
    if not any(chunk):
        return bytes(8) + tail
    if packed:
        compress = _deflate if packed == "zlib" else zstd.compress
        data = compress(chunk)
        if len(data) < len(chunk):
            at = len(image)
            sectors = (at % 512 + len(data) - 1) // 512
            image += data
            shift = 62 - (cluster_bits - 8)
            return struct.pack(">Q", 1 << 62 | sectors << shift | at) + tail
    image += bytes(-len(image) % (1 << cluster_bits))
    at = len(image)
    image += chunk.ljust(1 << cluster_bits, b"\0")
    if extended:
        step = (1 << cluster_bits) // 32
        bitmap = sum(
            1 << n for n in range(32) if any(chunk[n * step : n * step + step])
        )
        tail = struct.pack(">Q", bitmap)
    return struct.pack(">Q", 1 << 63 | at) + tail


def _qcow2_refcounts(
    image: bytearray, cluster: int, table_clusters: int, blocks: int
) -> None:
    """Count one reference to every cluster; compressed ones share some of them."""
    first = (1 + table_clusters) * cluster
    for number in range(blocks):
        entry = first + number * cluster
        struct.pack_into(">Q", image, cluster + number * 8, entry)
    for number in range(len(image) // cluster):
        struct.pack_into(">H", image, first + number * 2, 1)


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-12)
    return packer.compress(data) + packer.flush()


def vhd_footer(size_bytes: int, *, kind: int = 2, header_at: int = -1) -> bytes:
    """Return the footer of a VHD; 2 is of fixed size, 3 dynamic, 4 differencing."""
    footer = struct.pack(
        ">8sIIqI4sI4sQQHBBI4x16s",
        b"conectix",
        2,
        0x10000,
        header_at,
        0,
        b"qem2",
        0x50003,
        b"Wi2k",
        size_bytes,
        size_bytes,
        65535,
        16,
        255,
        kind,
        uuid.UUID(int=1).bytes,
    )
    return _summed(footer.ljust(512, b"\0"), 64)


def vhd_fixed(content: bytes) -> bytes:
    """Return a VHD of fixed size."""
    return content + vhd_footer(len(content))


def vhd_dynamic(
    content: bytes, *, block_bytes: int = 2 * MIB, entries: int = 0
) -> bytes:
    """Return a dynamic VHD; blocks of zeros have no place in it."""
    chunks = _chunks(content, block_bytes)
    entries = entries or len(chunks)
    footer = vhd_footer(len(content), kind=3, header_at=512)
    header = struct.pack(
        ">8sqQIII", b"cxsparse", -1, 1536, 0x10000, entries, block_bytes
    )
    table_bytes = -(-max(entries, len(chunks)) * 4 // 512) * 512
    table = bytearray(b"\xff" * table_bytes)
    head = footer + _summed(header.ljust(1024, b"\0"), 36)
    blocks = b""
    bitmap = b"\xff" * (block_bytes // 512 // 8)
    bitmap += bytes(-len(bitmap) % 512)
    for number, chunk in enumerate(chunks):
        if any(chunk):
            sector = (len(head) + len(table) + len(blocks)) // 512
            struct.pack_into(">I", table, number * 4, sector)
            blocks += bitmap + chunk.ljust(block_bytes, b"\0")
    return head + bytes(table) + blocks + footer


def _summed(data: bytes, at: int) -> bytes:
    checksum = struct.pack(">I", ~sum(data) & 0xFFFF_FFFF)
    return data[:at] + checksum + data[at + 4 :]


def vmdk(
    content: bytes,
    *,
    stream: bool = False,
    parent: str = "ffffffff",
    descriptor: bool = True,
) -> bytes:
    """Return a VMDK image: monolithicSparse or, as a stream, streamOptimized."""
    grain = 64 * KIB
    chunks = _chunks(content, grain)
    kind = "streamOptimized" if stream else "monolithicSparse"
    text = (
        "# Disk DescriptorFile\nversion=1\nCID=12345678\n"
        f'parentCID={parent}\ncreateType="{kind}"\n'
        f'RW {len(content) // 512} SPARSE "disk.vmdk"\nddb.adapterType = "ide"\n'
    )
    image = bytearray(64 * KIB)
    image[512 : 512 + len(text)] = text.encode()
    grains = []
    for number, chunk in enumerate(chunks):
        at = len(image)
        grains.append(at // 512 if any(chunk) else 0)
        if not any(chunk):
            continue
        data = chunk.ljust(grain, b"\0")
        if stream:
            packed = zlib.compress(data)
            data = struct.pack("<QI", number * 128, len(packed)) + packed
        image += data + bytes(-len(data) % 512)
    tables = [grains[at : at + 512] for at in range(0, len(grains), 512)]
    places = []
    for table in tables:
        if stream:
            image += struct.pack("<QII", 4, 0, 1).ljust(512, b"\0")
        places.append(len(image) // 512)
        image += struct.pack(f"<{len(table)}I", *table).ljust(2048, b"\0")
    if stream:
        image += struct.pack("<QII", 1, 0, 2).ljust(512, b"\0")
    directory = len(image) // 512
    image += struct.pack(f"<{len(places)}I", *places)
    image += bytes(-len(image) % 512)

    def header(directory_at: int) -> bytes:
        data = struct.pack(
            "<4sIIQQQQIQQQB4sH",
            b"KDMV",
            3 if stream else 1,
            0x30001 if stream else 1,
            len(content) // 512,
            grain // 512,
            1 if descriptor else 0,
            20 if descriptor else 0,
            512,
            0,
            directory_at,
            128,
            0,
            b"\n \r\n",
            1 if stream else 0,
        )
        return data.ljust(512, b"\0")

    image[:512] = header(0xFFFF_FFFF_FFFF_FFFF if stream else directory)
    if stream:
        image += struct.pack("<QII", 1, 0, 3).ljust(512, b"\0") + header(directory)
        image += bytes(512)
    return bytes(image)


def vdi(content: bytes, *, kind: int = 1) -> bytes:
    """Return a VDI image; 1 is dynamic, 2 of fixed size, 4 a snapshot."""
    block_bytes = MIB
    chunks = _chunks(content, block_bytes)
    table = []
    data = b""
    for chunk in chunks:
        if any(chunk) or kind == 2:
            table.append(len(data) // block_bytes)
            data += chunk.ljust(block_bytes, b"\0")
        else:
            table.append(0xFFFF_FFFF)
    header = struct.pack(
        "<64sIIIII256sIIIIIIIQIIII16s",
        b"<<< QEMU VM Virtual Disk Image >>>\n",
        0xBEDA107F,
        0x10001,
        0x180,
        kind,
        0,
        b"",
        512,
        1024,
        *(0, 0, 0, 512, 0),
        len(content),
        block_bytes,
        0,
        len(chunks),
        len(data) // block_bytes,
        uuid.UUID(int=2).bytes,
    )
    assert len(table) <= 128
    map_of_blocks = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\0")
    return header.ljust(512, b"\0") + map_of_blocks + data


def vhdx(content: bytes, *, log: bool = False, parent: bool = False) -> bytes:
    """Return a VHDX image; qemu-img wants checksums, so those are right."""
    block_bytes = 8 * MIB
    chunks = _chunks(content, block_bytes)
    image = bytearray(4 * MIB)
    image[:8] = b"vhdxfile"
    for number, at in enumerate((64 * KIB, 128 * KIB)):
        guid = uuid.UUID(int=3).bytes_le
        header = struct.pack(
            "<4sIQ16s16s16sHHIQ",
            b"head",
            0,
            number,
            guid,
            guid,
            guid if log else bytes(16),
            0,
            1,
            MIB,
            MIB,
        )
        image[at : at + 4096] = _crc32c_at_4(header.ljust(4096, b"\0"))
    regions = struct.pack("<4sIII", b"regi", 0, 2, 0)
    for name, at in (
        ("2dc27766-f623-4200-9d64-115e9bfd4a08", 3 * MIB),
        ("8b7ca206-4790-4b9a-b8fe-575f050f886e", 2 * MIB),
    ):
        regions += struct.pack("<16sQII", uuid.UUID(name).bytes_le, at, MIB, 1)
    for at in (192 * KIB, 256 * KIB):
        image[at : at + 64 * KIB] = _crc32c_at_4(regions.ljust(64 * KIB, b"\0"))
    items = (
        (
            "caa16737-fa36-4d43-b3b6-33f0aa44e76b",
            struct.pack("<II", block_bytes, 2 if parent else 0),
        ),
        ("2fa54224-cd1b-4876-b211-5dbed83bf4b8", struct.pack("<Q", len(content))),
        ("8141bf1d-a96f-4709-ba47-f233a8faab5f", struct.pack("<I", 512)),
        ("cda348c7-445d-4471-9cc9-e9885251c556", struct.pack("<I", 512)),
        ("beca12ab-b2e6-4523-93ef-c309e000c746", uuid.UUID(int=4).bytes_le),
    )
    metadata = bytearray(struct.pack("<8sHH20x", b"metadata", 0, len(items)))
    values = b""
    for number, (name, value) in enumerate(items):
        flags = 4 if number == 0 else 6
        metadata += struct.pack(
            "<16sIIII",
            uuid.UUID(name).bytes_le,
            64 * KIB + len(values),
            len(value),
            flags,
            0,
        )
        values += value.ljust(16, b"\0")
    image[2 * MIB : 2 * MIB + len(metadata)] = metadata
    image[2 * MIB + 64 * KIB : 2 * MIB + 64 * KIB + len(values)] = values
    for number, chunk in enumerate(chunks):
        if any(chunk):
            struct.pack_into("<Q", image, 3 * MIB + number * 8, len(image) | 6)
            image += chunk.ljust(block_bytes, b"\0")
    return bytes(image)


def _crc32c_at_4(data: bytes) -> bytes:
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F6_3B78 if crc & 1 else 0)
    return data[:4] + struct.pack("<I", crc ^ 0xFFFF_FFFF) + data[8:]


def _chunks(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


BUILDERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "qcow2 v2": lambda content: qcow2(content, version=2),
    "qcow2 of small clusters": lambda content: qcow2(content, cluster_bits=9),
    "qcow2 of large clusters": lambda content: qcow2(content, cluster_bits=21),
    "qcow2 extended": lambda content: qcow2(content, extended=True),
    "qcow2 zlib": lambda content: qcow2(content, packed="zlib"),
    "qcow2 zstd": lambda content: qcow2(content, packed="zstd"),
    "vhd fixed": vhd_fixed,
    "vhd dynamic": vhd_dynamic,
    "vmdk": vmdk,
    "vmdk stream": lambda content: vmdk(content, stream=True),
    "vdi": vdi,
    "vdi fixed": lambda content: vdi(content, kind=2),
    "vhdx": vhdx,
}
"""One of every kind that is read, by what it is called in tests."""
