"""Ids in Alibaba's style: ``m-bp1`` and 17 random characters for a Hangzhou image."""

import hashlib
from random import Random

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARS = 17

# The three characters after the hyphen tell the region. Seen in ids of the public
# documentation and of bug reports; other regions get three of their own.
_REGION_CODES = {
    "cn-hangzhou": "bp1",
    "cn-shanghai": "uf6",
    "cn-qingdao": "m5e",
    "cn-beijing": "2ze",
    "cn-zhangjiakou": "8vb",
    "cn-huhehaote": "hp3",
    "cn-wulanchabu": "0jl",
    "cn-shenzhen": "wz9",
    "cn-heyuan": "f8z",
    "cn-guangzhou": "7xv",
    "cn-chengdu": "2vc",
    "cn-hongkong": "j6c",
    "ap-northeast-1": "6we",
    "ap-southeast-1": "t4n",
    "ap-southeast-3": "8ps",
    "ap-southeast-5": "k1a",
    "ap-southeast-6": "5ts",
    "eu-central-1": "gw8",
    "eu-west-1": "d7o",
    "us-west-1": "rj9",
    "us-east-1": "0xi",
    "me-east-1": "eb3",
}


def region_code(region_id: str) -> str:
    """Return the three characters that ids of a region begin with."""
    code = _REGION_CODES.get(region_id)
    if code is not None:
        return code
    digest = hashlib.sha256(region_id.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:3])


def new_id(
    rng: Random, kind: str, region_id: str, *, chars: int = _RANDOM_CHARS
) -> str:
    """Return a new id of a kind, for example ``m`` for an image.

    Args:
        rng: Where it comes from.
        kind: What stands before the hyphen.
        region_id: Its region.
        chars: How many follow the three that tell the region.
    """
    tail = "".join(rng.choices(_ALPHABET, k=chars))
    return f"{kind}-{region_code(region_id)}{tail}"
