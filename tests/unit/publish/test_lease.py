"""What an image says of whose it is: its tags, or its description where they are lost."""

from collections.abc import Mapping

import pytest

from ali_import.cloud.values import CloudImage, ImageStatus
from ali_import.publish.lease import (
    TAG_DEPRECATED,
    TAG_EXPIRES,
    TAG_RUN,
    TAG_SHA256,
    TAG_VERSION,
    Lease,
    is_temporary,
    marks,
)

LEASE = Lease(run_id="0123abcd", expires_at=1_790_000_000)
SHA256 = "5" * 64
TEXT = LEASE.description(SHA256)
TEMPORARY = "ali-import-new-0"


def image(name: str, description: str, tags: Mapping[str, str] = {}) -> CloudImage:
    return CloudImage(
        image_id="m-1",
        name=name,
        status=ImageStatus.AVAILABLE,
        description=description,
        tags=tags,
    )


def test_a_description_fits_the_cloud_and_says_nothing_that_alarms() -> None:
    assert 2 <= len(TEXT) <= 256
    assert not TEXT.startswith(("http://", "https://"))
    assert "expire" not in TEXT


def test_an_image_without_tags_is_what_its_description_says() -> None:
    assert marks(image("demo-1", TEXT)) == {
        TAG_SHA256: SHA256,
        TAG_RUN: LEASE.run_id,
    }
    assert not is_temporary(image("demo-1", TEXT))


def test_a_temporary_image_without_tags_has_the_lease_of_its_description() -> None:
    seen = image(TEMPORARY, TEXT)
    assert marks(seen) == {TAG_SHA256: SHA256, **LEASE.tags()}
    assert is_temporary(seen)


@pytest.mark.parametrize(
    "tags",
    [{TAG_RUN: "feedbeef"}, {TAG_SHA256: "6" * 64}, {TAG_VERSION: "ali-import/0"}],
)
def test_one_tag_of_ours_and_the_description_does_not_count(
    tags: dict[str, str],
) -> None:
    assert marks(image(TEMPORARY, TEXT, tags)) == tags


@pytest.mark.parametrize("tags", [{"team": "boot"}, {TAG_DEPRECATED: "1"}])
def test_tags_of_others_and_later_ones_say_nothing_of_that(
    tags: dict[str, str],
) -> None:
    found = marks(image(TEMPORARY, TEXT, tags))
    assert found == {TAG_SHA256: SHA256, **LEASE.tags(), **tags}


@pytest.mark.parametrize("text", ["", "x" + TEXT, TEXT + "\n", TEXT.upper(), TEXT[:-1]])
def test_what_is_not_our_description_to_the_letter_says_nothing(text: str) -> None:
    assert marks(image(TEMPORARY, text)) == {}
    assert TAG_EXPIRES not in marks(image(TEMPORARY, text))
