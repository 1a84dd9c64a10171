"""Frames between the manager and a function's process: a little JSON, then bytes.

A frame is two 32-bit big-endian lengths, that many bytes of JSON (an object), and that
many bytes of payload. Both runtimes' bootstraps speak the same.
"""

import json
import struct
from collections.abc import AsyncIterator, Mapping
from typing import Any

from anyio.abc import ByteReceiveStream, ByteSendStream

HEAD = struct.Struct(">II")
META_BYTES_MAX = 1024 * 1024
PAYLOAD_BYTES_MAX = 32 * 1024 * 1024
"""Largest answer, as for requests (32 MB)."""

_SLICE_BYTES = 256 * 1024


class FrameError(ValueError):
    """The other side sent something that is no frame."""


async def send_frame(
    stream: ByteSendStream, meta: Mapping[str, Any], payload: bytes = b""
) -> None:
    """Send one frame; the payload goes in slices, so that little of it is buffered.

    Raises:
        anyio.BrokenResourceError: The process does not read any more.
        OSError: The same, as asyncio's pipes say it.
    """
    text = json.dumps(meta).encode()
    await stream.send(HEAD.pack(len(text), len(payload)) + text)
    view = memoryview(payload)
    for start in range(0, len(view), _SLICE_BYTES):
        await stream.send(bytes(view[start : start + _SLICE_BYTES]))


class FrameReader:
    """Reads frames from a stream."""

    def __init__(self, stream: ByteReceiveStream) -> None:
        self._stream = stream
        self._rest = b""

    async def read(self) -> tuple[dict[str, Any], bytes]:
        """Return the next frame: its JSON, and its payload.

        Raises:
            FrameError: What came is no frame, or too large.
            anyio.EndOfStream: The process closed its end.
        """
        meta_bytes, payload_bytes = HEAD.unpack(await self._exactly(HEAD.size))
        if meta_bytes > META_BYTES_MAX or payload_bytes > PAYLOAD_BYTES_MAX:
            raise FrameError("frame too large")
        try:
            meta = json.loads(await self._exactly(meta_bytes))
        except ValueError as error:
            raise FrameError("frame without JSON") from error
        if not isinstance(meta, dict):
            raise FrameError("frame without an object")
        return meta, await self._exactly(payload_bytes)

    async def _exactly(self, count: int) -> bytes:
        data = bytearray()
        async for block in self._blocks(count):
            data += block
        return bytes(data)

    async def _blocks(self, count: int) -> AsyncIterator[bytes]:
        while count:
            block = self._rest or await self._stream.receive()
            yield block[:count]
            self._rest = block[count:]
            count -= min(count, len(block))
