"""Standing images to look at."""

from typing import Any

from ali_import import ImageStatus, StandingImage


def standing(
    name: str, region: str = "cn-hangzhou", /, **changes: Any
) -> StandingImage:
    """Return an image of ours that is Available, private, and an hour old."""
    fields: dict[str, Any] = {
        "region": region,
        "image_id": f"m-{region}-{name}",
        "name": name,
        "family": "demo",
        "status": ImageStatus.AVAILABLE,
        "usable": True,
        "public": False,
        "shared": False,
        "in_use": False,
        "created_at": 1000.0,
        "sha256": "ab" * 32,
        "run_id": "0123abcd",
    }
    return StandingImage(**{**fields, **changes})
