"""Pages of keys, against a model that looks at every key each time."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.listing import Page, page_of_keys, page_size
from alicloud_emulator.world.oss.values import KeyTable
from emulator.tests.unit.oss.conftest import Cloud

KEYS = st.sets(st.text("ab/é", min_size=1, max_size=6), max_size=25)


def table(keys: set[str]) -> KeyTable[int]:
    made: KeyTable[int] = KeyTable()
    for number, key in enumerate(keys):
        made[key] = number
    return made


def model(keys: set[str], prefix: str, delimiter: str, after: str) -> list[str]:
    """Every entry of a listing, keys and rolled-up prefixes, in order."""
    entries = set()
    for key in keys:
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(key if at < 0 else key[: at + len(delimiter)])
    return sorted(entry for entry in entries if entry > after)


@example(keys={"/", "/a"}, prefix="/", delimiter="/")
@given(KEYS, st.text("ab/", max_size=2), st.sampled_from(["", "/", "b", "a/"]))
def test_pages_hold_every_entry_once(
    keys: set[str], prefix: str, delimiter: str
) -> None:
    for size in (1, 3, 1000):
        seen: list[str] = []
        after = ""
        for _ in range(len(keys) + 2):
            page = page_of_keys(
                table(keys), prefix=prefix, delimiter=delimiter, after=after, size=size
            )
            assert len(page) <= size
            seen += sorted([*page.keys, *page.prefixes])
            after = page.next_marker
            if not page.truncated:
                break
        assert seen == model(keys, prefix, delimiter, "")


@given(KEYS, st.text("ab/", max_size=4))
def test_any_marker_will_do_without_a_delimiter(keys: set[str], after: str) -> None:
    page = page_of_keys(table(keys), prefix="", delimiter="", after=after, size=1000)
    assert page.keys == model(keys, "", "", after)


def test_no_keys_asked_for_none_given() -> None:
    keys = table({"a"})
    page = page_of_keys(keys, prefix="", delimiter="", after="", size=0)
    assert page == Page()
    assert not page.truncated


@given(st.lists(st.tuples(st.booleans(), st.text("abc", min_size=1, max_size=2))))
def test_tables_stay_in_order(steps: list[tuple[bool, str]]) -> None:
    made: KeyTable[str] = KeyTable()
    plain: dict[str, str] = {}
    for put, key in steps:
        if put:
            made[key] = plain[key] = key * 2
        else:
            assert made.pop(key) == plain.pop(key, None)
    assert list(made) == sorted(plain)
    assert list(made.values()) == [plain[key] for key in sorted(plain)]
    assert len(made) == len(plain)


@pytest.mark.parametrize("text", ["-1", "1001", "x", "1.5", "٣", "9" * 5000])
def test_impossible_page_sizes_are_refused(text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        page_size(text, "max-keys")
    assert caught.value.code == "InvalidArgument"
    assert caught.value.fields["ArgumentName"] == "max-keys"


def test_both_versions_on_the_wire(cloud: Cloud) -> None:
    cloud.call("PUT", "pail")
    for key in ("dir/one", "dir/two", "file", "x&y", "zebra"):
        cloud.call("PUT", f"pail/{key}", b"12")
    first = cloud.call("GET", "pail?delimiter=/&max-keys=2&encoding-type=url")
    assert first.texts("Contents/Key") == ["file"]
    assert first.texts("CommonPrefixes/Prefix") == ["dir%2F"]
    assert (first.text("IsTruncated"), first.text("NextMarker")) == ("true", "file")
    assert first.texts("Contents/Owner/ID") == [cloud.main.account_id]
    rest = cloud.call("GET", "pail?delimiter=/&marker=file&encoding-type=url")
    assert rest.texts("Contents/Key") == ["x%26y", "zebra"]
    assert rest.texts("Contents/Size") == ["2", "2"]
    assert rest.text("NextMarker") is None

    second = cloud.call("GET", "pail?list-type=2&max-keys=3&start-after=dir/one")
    assert second.texts("Contents/Key") == ["dir/two", "file", "x&y"]
    assert second.text("KeyCount") == "3"
    assert second.texts("Contents/Owner/ID") == []
    token = second.text("NextContinuationToken")
    last = cloud.call("GET", f"pail?list-type=2&continuation-token={token}")
    assert last.texts("Contents/Key") == ["zebra"]
    owned = cloud.call("GET", "pail?list-type=2&fetch-owner=true")
    assert len(owned.texts("Contents/Owner/ID")) == 5
    wrong = cloud.call("GET", "pail?list-type=2&continuation-token=%21")
    assert wrong.code == "InvalidArgument"
    assert cloud.call("GET", "pail?encoding-type=rot13").code == "InvalidArgument"

    versions = cloud.call("GET", "pail?versions&max-keys=1")
    assert versions.texts("Version/VersionId") == ["null"]
    assert versions.text("NextKeyMarker") == "dir/one"
