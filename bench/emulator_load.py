"""Load the emulator: many clients, many small calls; prints counts, errors, memory.

    python -m bench.emulator_load [--clients 200] [--calls 100000] [--door] [--fresh]

Starts ``alicloud-emulator serve``, calls it from client processes that sign as the SDKs
do, and stops it. The calls come through the proxy, in TLS under the real host name;
with ``--door`` to ``http://localhost:PORT``. ``--fresh`` opens a new connection for
every call.
"""

import argparse
import hashlib
import hmac
import json
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from multiprocessing import Process
from multiprocessing import Queue as ProcessQueue
from pathlib import Path
from queue import Queue
from secrets import token_hex
from threading import Thread
from typing import Any

from emulator.tests.support.emulator import RunningEmulator, emulator

HOST = "ecs.cn-beijing.aliyuncs.com"
PROCESSES = 4
REPORTS = 2
"""Of each client."""

QUERY = "PageSize=1&RegionId=cn-beijing"
EMPTY = hashlib.sha256(b"").hexdigest()


def signed(key: str, secret: str, host: str = HOST) -> bytes:
    """Return the bytes of one signed DescribeImages call."""
    headers = {
        "host": host,
        "x-acs-action": "DescribeImages",
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": token_hex(16),
        "x-acs-version": "2014-05-26",
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n{QUERY}\n{lines}\n{names}\n{EMPTY}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"ACS3-HMAC-SHA256\n{digest}".encode()
    signature = hmac.new(secret.encode(), to_sign, hashlib.sha256).hexdigest()
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"POST /?{QUERY} HTTP/1.1\r\n{head}Content-Length: 0\r\n"
        f"Authorization: ACS3-HMAC-SHA256 Credential={key},SignedHeaders={names},"
        f"Signature={signature}\r\n\r\n"
    ).encode()


def connect(load: "Load", context: ssl.SSLContext) -> socket.socket:
    """Open a tunnel through the proxy, and TLS in it; at the door, neither."""
    stream = socket.create_connection(("127.0.0.1", load.port), timeout=60)
    if load.door:
        return stream
    stream.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
    answer = stream.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return context.wrap_socket(stream, server_hostname=HOST)


def read_answer(stream: socket.socket) -> int:
    """Read one answer to its end and return its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = stream.recv(65536)
        if not block:
            raise ConnectionError("closed")
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += stream.recv(65536)
    return int(head[9:12])


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one client process does: ``clients`` threads of ``calls`` calls each."""

    port: int
    door: bool
    ca_bundle: str
    keys: tuple[str, str]
    clients: int
    calls: int
    fresh: bool


def client(load: Load, context: ssl.SSLContext, results: Queue[Any]) -> None:
    """Make calls one after the other; report (done, errors) at half, and at the end."""
    host = f"localhost:{load.port}" if load.door else HOST
    stream = None
    for calls in (load.calls // 2, load.calls - load.calls // 2):
        done: int = 0
        errors: list[str] = []
        for _ in range(calls):
            try:
                stream = stream or connect(load, context)
                stream.sendall(signed(*load.keys, host))
                status = read_answer(stream)
            except (OSError, AssertionError) as error:
                errors.append(repr(error))
                stream = None
                continue
            if status == 200:
                done += 1
            else:
                errors.append(f"status {status}")
            if load.fresh:
                stream.close()
                stream = None
        results.put((done, errors))


def client_process(load: Load, out: "ProcessQueue[Any]") -> None:
    """Run some of the clients as threads of one process."""
    context = ssl.create_default_context(cafile=load.ca_bundle)
    results: Queue[Any] = Queue()
    threads = [
        Thread(target=client, args=(load, context, results))
        for _ in range(load.clients)
    ]
    for thread in threads:
        thread.start()
    for _ in range(REPORTS * len(threads)):
        out.put(results.get())


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def run(
    running: RunningEmulator, *, clients: int, calls: int, door: bool, fresh: bool
) -> dict[str, Any]:
    """Run the load and return the figures."""
    out: ProcessQueue[Any] = ProcessQueue()
    groups = min(PROCESSES, clients)
    memory = {"start": memory_mib(running.pid)}
    started = time.monotonic()
    for number in range(groups):
        load = Load(
            port=running.proxy_port,
            door=door,
            ca_bundle=str(running.ca_bundle),
            keys=running.keys,
            clients=clients // groups + (number < clients % groups),
            calls=max(1, calls // clients),
            fresh=fresh,
        )
        Process(target=client_process, args=(load, out)).start()
    reports: list[tuple[int, list[str]]] = []
    while len(reports) < REPORTS * clients:
        reports.append(out.get())
        if len(reports) == clients:
            memory["half"] = memory_mib(running.pid)
    took_s = time.monotonic() - started
    memory["end"] = memory_mib(running.pid)
    errors = [error for _, found in reports for error in found]
    done = sum(count for count, _ in reports)
    return {
        "clients": clients,
        "calls": done,
        "errors": len(errors),
        "kinds": sorted(set(errors))[:5],
        "seconds": round(took_s, 1),
        "calls_per_second": round(done / took_s),
        "memory_mib": {when: round(mib, 1) for when, mib in memory.items()},
    }


def main() -> int:
    """Parse the command line, run, print JSON."""
    parser = argparse.ArgumentParser(description="Load the emulator.")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--door", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    with emulator() as running:
        figures = run(
            running,
            clients=options.clients,
            calls=options.calls,
            door=options.door,
            fresh=options.fresh,
        )
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
