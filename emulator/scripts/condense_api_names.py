"""Condense Alibaba's API metadata to the names of every action of the RPC products.

The metadata is the public repository aliyun/aliyun-openapi-meta (Apache-2.0):

    python emulator/scripts/condense_api_names.py en-US > action_names.json

The result lies in ``emulator/src/alicloud_emulator/products/rpc``. The metadata has nothing
of the location service.
"""

import json
import sys
from pathlib import Path

PRODUCTS = ("ecs", "kms", "ram", "sts")


def names(folder: Path) -> list[str]:
    """Return the names of a product's actions."""
    version = json.loads((folder / "version.json").read_text(encoding="utf-8"))
    return sorted(version["apis"])


def main() -> None:
    """Print the names by product."""
    root = Path(sys.argv[1])
    found = {product: names(root / product) for product in PRODUCTS}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
