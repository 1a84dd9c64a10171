"""First thing in a function's process: tie its life to the emulator's.

    python -I -S launch.py LIFELINE_FD DATA_BYTES_MAX python BOOTSTRAP ARGUMENT...
    python -I -S launch.py LIFELINE_FD DATA_BYTES_MAX exec PROGRAM ARGUMENT...

Then the pipes to the emulator are moved out of the way, so that the function's own
output goes to the log and its input is empty; the bootstrap gets their file descriptors
(requests, answers) in front of its other arguments, a program in place of ``{pipes}``.

LIFELINE_FD reads a pipe into which nobody ever writes. The emulator holds the other
end, so the pipe hangs up when the emulator ends, however it ends, and then the kernel
kills the whole process group. Standard library only, and as little of it as possible:
this is in every function's memory.
"""

import fcntl
import os
import resource
import signal
import sys

PIPES = "{pipes}"
"""Stands for the descriptors in a program's arguments."""


def hold_lifeline(fd: int) -> None:
    """Have the kernel kill this process group when the pipe's other end closes.

    Works across ``exec`` and while the process is busy, unlike a thread that waits.
    Where the system has no signals for pipes, a process ends when it has answered.
    """
    os.set_blocking(fd, False)  # the standard library's own
    try:
        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
        if hasattr(fcntl, "F_SETSIG"):  # Linux; elsewhere SIGIO ends the process too
            fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_ASYNC)
    except OSError:
        pass
    try:
        hung_up = os.read(fd, 1) == b""
    except BlockingIOError:
        hung_up = False
    if hung_up:  # before we asked for the signal
        os._exit(1)


def limit_resources(data_bytes_max: int) -> None:
    """Bound the process's own memory (0 does not), and let it leave no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if data_bytes_max and (hard == resource.RLIM_INFINITY or hard > data_bytes_max):
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes_max, data_bytes_max))


def move_pipes() -> list[int]:
    """Return new descriptors of standard input and output, which are replaced."""
    pipes = [os.dup(0), os.dup(1)]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return pipes


def main(arguments: list[str]) -> None:
    """Do what the module says; does not return."""
    lifeline, data_bytes_max, kind, program, *rest = arguments
    hold_lifeline(int(lifeline))
    limit_resources(int(data_bytes_max))
    pipes = move_pipes()
    if kind == "exec":
        for fd in pipes:
            os.set_inheritable(fd, True)  # noqa: FBT003  # the standard library's own
        at = rest.index(PIPES)
        rest[at : at + 1] = map(str, pipes)
        os.execv(program, [program, *rest])  # noqa: S606  # no shell is the point
    folder, _, name = program.rpartition("/")
    sys.path.insert(0, folder)
    bootstrap = __import__(name.removesuffix(".py"))
    del sys.path[0]
    bootstrap.main(*pipes, rest)


if __name__ == "__main__":
    main(sys.argv[1:])
