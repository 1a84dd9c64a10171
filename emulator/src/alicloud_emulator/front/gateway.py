"""What every answer of a product carries: its request's id, and its headers.

The RPC products (ECS, RAM, STS, ...) stand behind one gateway, whose headers are those
that answers have had since 2023.

Source:
    Headers and the entity tag: aliyun/darabonba-openapi#140 (2024), an ``aliyun`` CLI
    log of 2025; ids: Serverless-Devs/Serverless-Devs#768 (2024) and every captured
    answer of the gateway. That errors carry the same headers, and how long a body must
    be to have ``Vary``, are guesses.
"""

import hashlib
from base64 import b64encode
from email.utils import formatdate
from random import Random
from uuid import UUID

from alicloud_emulator.services.wire import Request, Response

_VARY_BYTES_MIN = 1024


def request_id(service: str, rng: Random, now: float) -> str:
    """Return a new request id in the form of a product's.

    Args:
        service: The product, as in ``Host.service``.
        rng: Draws what is not the time.
        now: Unix time in seconds.
    """
    match service:
        case "oss":
            return f"{int(now) & 0xFFFFFFFF:08X}{rng.getrandbits(64):016X}"  # begins with it
        case "fc":
            bits = f"{rng.getrandbits(80):020x}"
            return f"1-{int(now) & 0xFFFFFFFF:08x}-{bits[:8]}-{bits[8:]}"
        case _:
            return str(UUID(int=rng.getrandbits(128), version=5)).upper()


def add_headers(request: Request, response: Response, rng: Random, now: float) -> None:
    """Add to an answer what every answer of its product carries.

    Args:
        request: What is answered.
        response: The answer, which is changed.
        rng: Draws trace ids.
        now: Unix time in seconds.
    """
    date = {"Date": formatdate(now, usegmt=True)}
    match request.host.service:
        case "oss":
            common = {**date, "x-oss-request-id": request.request_id}
            common["Server"] = "AliyunOSS"
        case "fc":
            common = {**date, "x-fc-request-id": request.request_id}
        case _:
            _behind_the_gateway(request, response, rng, date)
            return
    present = {name.lower() for name in response.headers}
    for name, value in common.items():
        if name.lower() not in present:
            response.headers[name] = value


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
