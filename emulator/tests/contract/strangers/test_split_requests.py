"""Clients that send head and body in two writes, as Python's urllib3 does.

That the body does not have to wait for the acknowledgement of the head is shown in
``tests/unit/emulator/front/test_http.py``.
"""

import socket

import oss2

from emulator.tests.support.emulator import RunningEmulator
from emulator.tests.support.waiting import HANG_S

HOST = "split.oss-us-west-1.aliyuncs.com"
ROUNDS = 5


def test_a_body_may_come_apart_from_its_head(cloud: RunningEmulator) -> None:
    endpoint = HOST.partition(".")[2]
    bucket = oss2.Bucket(oss2.Auth(*cloud.keys), f"http://{endpoint}", "split")
    bucket.create_bucket(oss2.BUCKET_ACL_PUBLIC_READ_WRITE)
    head = f"PUT http://{HOST}/k HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\n\r\n"
    with socket.create_connection(("127.0.0.1", cloud.proxy_port)) as connection:
        connection.settimeout(HANG_S)
        for _ in range(ROUNDS):
            connection.sendall(head.encode())
            connection.sendall(b"body")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
