"""Clients that send head and body in two writes, with Nagle's algorithm on.

Python's urllib3 does so through every proxy. Its body waits for the acknowledgement of
the head, which a receiver's kernel likes to put off for 40 ms.
"""

import socket
import time

import oss2
import pytest

from emulator.tests.support.emulator import RunningEmulator

HOST = "split.oss-us-west-1.aliyuncs.com"
ROUNDS = 25


@pytest.mark.skipif(
    not hasattr(socket, "TCP_QUICKACK"), reason="only Linux lets us ask for it"
)
def test_a_body_apart_from_its_head_does_not_wait(cloud: RunningEmulator) -> None:
    endpoint = HOST.partition(".")[2]
    bucket = oss2.Bucket(oss2.Auth(*cloud.keys), f"http://{endpoint}", "split")
    bucket.create_bucket(oss2.BUCKET_ACL_PUBLIC_READ_WRITE)
    head = f"PUT http://{HOST}/k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\n\r\n"
    with socket.create_connection(("127.0.0.1", cloud.proxy_port)) as connection:
        connection.settimeout(10)
        started = time.monotonic()
        for _ in range(ROUNDS):
            connection.sendall(head.encode())
            connection.sendall(b"body")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        # Delayed acknowledgements would make it a second.
        assert time.monotonic() - started < ROUNDS * 0.02
