"""What names, descriptions and tags may look like.

Source: the parameter tables of ImportImage, CopyImage, ModifyImageAttribute and
TagResources in the ECS API reference.
"""

from collections.abc import Sequence
from typing import Protocol

from alicloud_emulator.world.ecs.refusals import FACTS, refusal

Tags = Sequence[tuple[str, str]]
"""Tags in the order given; a key may wrongly come twice."""

TagFilters = Sequence[tuple[str, str | None]]
"""Tag keys, each with the value it must have or None for any."""

TAGS_MAX = 20


class Tagged(Protocol):
    """Something with tags."""

    tags: dict[str, str]


def is_name(text: str) -> bool:
    """Whether the API takes ``text`` as an image name or family.

    2 to 128 characters; begins with a letter (any script's); then letters, digits and
    ``. : _ -``; does not begin with ``aliyun`` or ``acs:``; no ``http://``.
    """
    return (
        2 <= len(text) <= 128
        and text[0].isalpha()
        and all(char.isalnum() or char in ".:_-" for char in text)
        and not text.lower().startswith(("aliyun", "acs:"))
        and "http://" not in text
        and "https://" not in text
    )


def check_name(name: str) -> None:
    """Refuse what is no image name."""
    if not is_name(name):
        raise refusal("InvalidImageName.Malformed")


def check_description(text: str) -> None:
    """Refuse a description that is not 2 to 256 characters, or begins like a URL."""
    if not text:
        return
    if not 2 <= len(text) <= 256 or text.startswith(("http://", "https://")):
        raise refusal("InvalidDescription.Malformed")


def check_tags(tags: Tags, *, duplicate: str = "TagKey.Duplication") -> None:
    """Refuse tags that nothing can carry.

    Args:
        tags: Key and value each.
        duplicate: Code for a key that comes twice, which differs between actions.
    """
    if len(tags) > TAGS_MAX:
        raise refusal("NumberExceed.Tags")
    for key, value in tags:
        if not is_tag_key(key):
            raise refusal("InvalidTagKey.Malformed")
        if len(value) > 128 or "http://" in value or "https://" in value:
            raise refusal("InvalidTagValue.Malformed")
    if len({key for key, _ in tags}) < len(tags):
        raise refusal(duplicate)


def is_tag_key(key: str) -> bool:
    """Whether ``key`` can be a tag's key."""
    return (
        1 <= len(key) <= 128
        and not key.lower().startswith(("aliyun", "acs:"))
        and "http://" not in key
        and "https://" not in key
    )


def has_tags(thing: Tagged, wanted: TagFilters) -> bool:
    """Whether a thing carries every wanted tag."""
    return all(
        key in thing.tags and value in (None, thing.tags[key]) for key, value in wanted
    )


def check_pages(*, number: int, size: int) -> None:
    """Refuse a PageNumber below 1 or a PageSize outside 1 to 100."""
    if number < 1:
        raise refusal("InvalidParameter", "PageNumber")
    if not 1 <= size <= 100:
        raise refusal("InvalidParameter", "PageSize")


def check_choice(value: str, name: str, code: str) -> None:
    """Refuse a value that is given but not one of the values of that name."""
    if value and value not in FACTS.values(name):
        raise refusal(code)
