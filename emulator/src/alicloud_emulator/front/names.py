"""Name resolution where the emulator is all there is: a small DNS server.

It knows the cloud's hosts that would resolve in life, buckets' among them, all at one
address, and says of every other name that there is none.

Source: RFC 1035; RFC 6891 (requests may have more than a question: it is not answered).
"""

import logging
import struct
from ipaddress import IPv4Address

import anyio
from anyio.abc import ByteStream, TaskGroup

from alicloud_emulator.front import hosts
from alicloud_emulator.world.profile import Profile

logger = logging.getLogger(__name__)

PORT = 53
_HEADER = struct.Struct("!6H")
_QUESTION_END = struct.Struct("!HH")
_RECORD = struct.Struct("!HHHIH")
_QUESTION_AT = 12
_ADDRESS, _ANY = 1, 255
_INTERNET = 1
_TTL_S = 1
_ANSWERS, _RECURSES = (
    0x8400,
    0x0080,
)  # an answer, with authority; recursion is available
_NO_SUCH_NAME, _NOT_IMPLEMENTED, _MALFORMED = 3, 4, 1
_POINTER_TO_QUESTION = 0xC000 | _QUESTION_AT
_TCP_S_MAX = 10.0


class Names:
    """Answers questions about names.

    Args:
        profile: The cloud.
        address: Where all its hosts are.
    """

    def __init__(self, profile: Profile, address: str) -> None:
        self._profile = profile
        self._address = IPv4Address(address).packed

    def answer(self, request: bytes) -> bytes | None:
        """Return the answer to a request; None for what is none."""
        if len(request) < _QUESTION_AT:
            return None
        number, flags, questions, *_ = _HEADER.unpack_from(request)
        if flags & 0x8000:
            return None  # an answer
        kept = _ANSWERS | _RECURSES | flags & 0x0100
        found = _question(request)
        if found is None or questions != 1 or flags & 0x7800:
            code = _NOT_IMPLEMENTED if flags & 0x7800 else _MALFORMED
            return _HEADER.pack(number, kept | code, 0, 0, 0, 0)
        name, kind, end = found
        question = request[_QUESTION_AT:end]
        if not self._is_there(name):
            return _HEADER.pack(number, kept | _NO_SUCH_NAME, 1, 0, 0, 0) + question
        if kind not in {_ADDRESS, _ANY}:
            return _HEADER.pack(number, kept, 1, 0, 0, 0) + question
        record = _RECORD.pack(_POINTER_TO_QUESTION, _ADDRESS, _INTERNET, _TTL_S, 4)
        return (
            _HEADER.pack(number, kept, 1, 1, 0, 0) + question + record + self._address
        )

    def _is_there(self, name: str) -> bool:
        host = hosts.parse(name)
        return host is not None and hosts.resolves(host, self._profile, "")

    async def open(self, tasks: TaskGroup, address: str) -> None:
        """Answer at an address, by UDP and by TCP.

        Raises:
            OSError: It cannot be listened on.
        """
        datagrams = await anyio.create_udp_socket(local_host=address, local_port=PORT)
        listener = await anyio.create_tcp_listener(local_host=address, local_port=PORT)
        tasks.start_soon(self._datagrams, datagrams)
        tasks.start_soon(listener.serve, self._stream)

    async def _datagrams(self, socket: anyio.abc.UDPSocket) -> None:
        async with socket:
            async for request, sender in socket:
                if (answer := self.answer(request)) is not None:
                    await socket.sendto(answer, *sender)

    async def _stream(self, stream: ByteStream) -> None:
        """Answer one question after another; each has its length in front."""
        received = b""
        with anyio.move_on_after(_TCP_S_MAX):
            async with stream:
                try:
                    while True:
                        while len(received) < 2 or len(received) < _length(received):
                            received += await stream.receive()
                        end = _length(received)
                        request, received = received[2:end], received[end:]
                        if (answer := self.answer(request)) is None:
                            return
                        await stream.send(struct.pack("!H", len(answer)) + answer)
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return


def _length(received: bytes) -> int:
    return 2 + int.from_bytes(received[:2], "big")


def _question(request: bytes) -> tuple[str, int, int] | None:
    """Return name, kind and end of the first question; None if it has none."""
    labels, at = [], _QUESTION_AT
    while at < len(request) and (size := request[at]):
        if size > 63:
            return None  # a pointer: no question has one
        labels.append(request[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += 1 + size
    at += 1
    if at + _QUESTION_END.size > len(request):
        return None
    kind, _ = _QUESTION_END.unpack_from(request, at)
    return ".".join(labels), kind, at + _QUESTION_END.size
