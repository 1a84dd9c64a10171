"""Writes three small disk images that really boot, for the demo.

One for BIOS, one for UEFI on x86-64 and one for UEFI on arm64; each prints a line on the
console. The bytes are the same on every machine and in every run.

Usage:
    python3 scripts/make_demo_images.py DIRECTORY
"""

import argparse
import struct
import sys
from pathlib import Path
from typing import Final

# Run as a script, this file's directory is what Python searches, not the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.diskbuilder import MBR_TYPE_FAT, Slot, gpt_disk, mbr_disk
from scripts.fatbuilder import FatShape, fat_volume

_GREETING: Final = "Hello from the ali-import demo image.\r\n\0"
_README: Final = (
    b"A demo image of ali-import. It prints a line and does nothing else.\r\n"
)

# Loaded at 0x7C00 in real mode; prints with the BIOS teletype call, then halts.
_BIOS_CODE: Final = bytes.fromhex(
    "31c0"  # xor ax, ax
    "8ed8"  # mov ds, ax
    "fc"  # cld
    "be197c"  # mov si, 0x7C00 + 25, the greeting
    "ac"  # next: lodsb
    "84c0"  # test al, al
    "7409"  # jz halt
    "b40e"  # mov ah, 0x0E
    "bb0700"  # mov bx, 7
    "cd10"  # int 0x10
    "ebf2"  # jmp next
    "f4"  # halt: hlt
    "ebfd"  # jmp halt
)

# UEFI calls these with an image handle and the system table, whose field 64 is ConOut;
# field 8 of that is OutputString(this, text). They return EFI_SUCCESS.
_X86_64_CODE: Final = bytes.fromhex(
    "4883ec28"  # sub rsp, 40
    "488b4a40"  # mov rcx, [rdx + 64]
    "488d150a000000"  # lea rdx, [rip + 10], the greeting
    "ff5108"  # call [rcx + 8]
    "31c0"  # xor eax, eax
    "4883c428"  # add rsp, 40
    "c3"  # ret
)
_ARM64_CODE: Final = struct.pack(
    "<8I",
    0xA9BF7BFD,  # stp x29, x30, [sp, #-16]!
    0xF9402020,  # ldr x0, [x1, #64]
    0x100000C1,  # adr x1, . + 24, the greeting
    0xF9400402,  # ldr x2, [x0, #8]
    0xD63F0040,  # blr x2
    0xA8C17BFD,  # ldp x29, x30, [sp], #16
    0xD2800000,  # mov x0, #0
    0xD65F03C0,  # ret
)
_MACHINE_X86_64: Final = 0x8664
_MACHINE_ARM64: Final = 0xAA64


def efi_program(machine: int, code: bytes) -> bytes:
    """Return a UEFI application (PE32+) of one section that holds ``code``.

    Source:
        Microsoft, "PE Format"; UEFI Specification 2.10, section 2.1.1.
    """
    file_step, memory_step = 0x200, 0x1000
    assert len(code) <= file_step
    dos = struct.pack("<2s58xI", b"MZ", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, 1, 0, 0, 0, 240, 0x22)
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII128x",
        0x20B,
        *(0, 0),  # linker version
        *(file_step, 0, 0),  # sizes of code and data
        *(memory_step, memory_step),  # entry point, start of code
        0,  # image base: the code runs anywhere
        *(memory_step, file_step),  # alignment
        *(0, 0, 0, 0, 0, 0, 0),  # versions
        *(2 * memory_step, file_step),  # sizes of image and headers
        0,  # checksum
        *(10, 0),  # subsystem: EFI application
        *(0, 0, 0, 0),  # stack and heap
        *(0, 16),  # sixteen empty directories
    )
    section = struct.pack(
        "<8sIIII12xI",
        b".text",
        len(code),
        memory_step,
        file_step,
        file_step,
        0x60000020,
    )
    headers = dos + coff + optional + section
    return headers.ljust(file_step, b"\0") + code.ljust(file_step, b"\0")


def bios_disk() -> bytes:
    """Return a disk whose master boot record greets."""
    volume = fat_volume({"README.TXT": _README}, FatShape(label="DEMO"))
    return mbr_disk(
        [Slot(content=volume, mbr_type=MBR_TYPE_FAT)],
        boot_code=_BIOS_CODE + _GREETING.encode("ascii"),
    )


def uefi_disk(boot_file: str, machine: int, code: bytes, *, clusters: int) -> bytes:
    """Return a GPT disk whose EFI system partition holds a program that greets."""
    program = efi_program(machine, code + _GREETING.encode("utf-16-le"))
    volume = fat_volume(
        {f"EFI/BOOT/{boot_file}": program, "README.TXT": _README},
        FatShape(label="DEMO", clusters=clusters),
    )
    return gpt_disk([Slot(content=volume)])


def demo_disks() -> dict[str, bytes]:
    """Return the disks by file name; about 1, 2 and 2 MB."""
    return {
        "demo-bios.img": bios_disk(),
        "demo-uefi-x86-64.img": uefi_disk(
            "BOOTX64.EFI", _MACHINE_X86_64, _X86_64_CODE, clusters=3000
        ),
        "demo-uefi-arm64.img": uefi_disk(
            "BOOTAA64.EFI", _MACHINE_ARM64, _ARM64_CODE, clusters=4000
        ),
    }


def main() -> None:
    """Write the images and print their paths, one a line."""
    parser = argparse.ArgumentParser(description="Write three small bootable disks.")
    parser.add_argument("directory", type=Path, help="where to put them")
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in demo_disks().items():
        path = directory / name
        path.write_bytes(content)
        print(path)


if __name__ == "__main__":
    main()
