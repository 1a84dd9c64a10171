"""``x-oss-traffic-limit``: a request that wants to be slow.

In real time, not in the world's: the client waits with us.
"""

from collections.abc import AsyncIterator

import anyio

from alicloud_emulator.world.oss.refusals import refusal

NAME = "x-oss-traffic-limit"
# Documented today is 819,200; it was 245,760, and ali-oss's own tests, which run against
# the real service, ask for 645,763 and get it.
_BITS_PER_S_MIN = 245_760
_BITS_PER_S_MAX = 838_860_800
# Small, so that a slow transfer flows and does not come in bursts of seconds.
_PIECE_BYTES = 32 * 1024


def bits_per_s(text: str) -> int:
    """Return the rate that a header or parameter asks for; 0 for none.

    Raises:
        ServiceError: InvalidArgument.
    """
    if not text:
        return 0
    number = text.isascii() and text.isdigit() and len(text) < 12
    if not number or not _BITS_PER_S_MIN <= int(text) <= _BITS_PER_S_MAX:
        raise refusal("InvalidArgument", ArgumentName=NAME, ArgumentValue=text[:64])
    return int(text)


async def paced(blocks: AsyncIterator[bytes], rate: int) -> AsyncIterator[bytes]:
    """Yield the bytes of ``blocks`` no faster than ``rate`` bits a second."""
    started, sent = anyio.current_time(), 0
    async for block in blocks:
        for offset in range(0, len(block), _PIECE_BYTES):
            piece = block[offset : offset + _PIECE_BYTES]
            sent += len(piece)
            due = started + sent * 8 / rate
            await anyio.sleep(max(0.0, due - anyio.current_time()))
            yield piece
