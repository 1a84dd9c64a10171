"""Runs a program that may not have namespaces: ``python -m ... COMMAND ...``.

A filter in the kernel refuses the system call, as containers and other machines do.
"""

import ctypes
import os
import struct
import sys

_NO_NEW_PRIVILEGES, _SET_FILTER, _FILTER = 38, 22, 2
_LOAD, _JUMP_IF, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # with EPERM
_UNSHARE = {"x86_64": 272, "aarch64": 97}


def main() -> None:
    """Forbid ``unshare`` to this process, and become the command."""
    number = _UNSHARE[os.uname().machine]
    program = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, 0),  # the system call's number
            (_JUMP_IF, 0, 1, number),
            (_RETURN, 0, 0, _REFUSE),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    code = ctypes.create_string_buffer(program, len(program))
    told = struct.pack("HxxxxxxP", 4, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    pointer = ctypes.create_string_buffer(told, len(told))
    assert libc.prctl(_SET_FILTER, _FILTER, pointer, 0, 0) == 0
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
