"""What every answer of a product carries: its headers.

The RPC products (ECS, RAM, STS, ...) stand behind one gateway, whose headers are those
that answers have had since 2023.

Source:
    Headers and the entity tag: aliyun/darabonba-openapi#140 (2024), an ``aliyun`` CLI
    log of 2025, and every captured
    answer of the gateway. That errors carry the same headers, and how long a body must
    be to have ``Vary``, are guesses.
"""

import hashlib
from base64 import b64encode
from email.utils import formatdate
from functools import lru_cache
from random import Random

from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.wire import Request, Response

_VARY_BYTES_MIN = 1024


def add_headers(request: Request, response: Response, rng: Random, now: float) -> None:
    """Add to an answer what every answer of its product carries.

    Args:
        request: What is answered.
        response: The answer, which is changed.
        rng: Draws trace ids.
        now: Unix time in seconds.
    """
    product = BY_NAME[request.host.service]
    date = {"Date": _date(int(now))}
    if product.behind_gateway:
        _behind_the_gateway(request, response, rng, date)
        return
    named = {product.id_header: request.request_id} if response.has_id else {}
    if "Date" in response.headers:  # where it has its place; the time is the host's
        response.headers.update(date)
    common = {**date, **named, **product.headers}
    present = {name.lower() for name in response.headers}
    for name, value in common.items():
        if name.lower() not in present:
            response.headers[name] = value


@lru_cache(maxsize=8)  # many answers are of the same second
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def etag(body: bytes) -> str:
    """Return the gateway's tag of a body: 24 characters, and no quotes around them."""
    length = str(len(body))
    digest = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    return f"{length[0]}{digest[:22]}{length[-1]}"


def _behind_the_gateway(
    request: Request, response: Response, rng: Random, date: dict[str, str]
) -> None:
    """Put the gateway's headers around an answer's own, in the order seen."""
    assert isinstance(response.body, bytes), "RPC answers are whole"
    own = {
        name: value
        for name, value in response.headers.items()
        if name not in {"Content-Type", "x-acs-request-id"}
    }
    response.headers = {
        **date,
        "Content-Type": response.headers["Content-Type"],
        "Content-Length": str(len(response.body)),
        "Connection": "keep-alive",
        "Keep-Alive": "timeout=25",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "*",
        "x-acs-request-id": request.request_id,
        "x-acs-trace-id": f"{rng.getrandbits(128):032x}",
        "ETag": etag(response.body),
        **own,
    }
    if len(response.body) >= _VARY_BYTES_MIN:
        response.headers["Vary"] = "Accept-Encoding"
