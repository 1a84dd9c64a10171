"""The HTML report: one file, whole, safe, small; and as a browser shows it."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ali_import.publish.model import Outcome, Report
from ali_import.report.page import as_html
from tests.support.browser import CHROMIUMS, Page, browser, chromium
from tests.unit.report import bad_day, samples

BYTES_MAX = 300_000
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Reads a page: its elements, and whether each that opens is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def of(*outcomes: Outcome) -> str:
    return as_html(bad_day.ended(Report(run_id="0123abcd", outcomes=outcomes)))


def test_the_page_of_a_bad_day_is_whole_and_small() -> None:
    page = as_html(bad_day.bad_day())
    assert len(page.encode()) < BYTES_MAX
    read = Reader(page)
    assert read.open == []
    bars = [a for tag, a in read.elements if tag == "div" and a.get("class") == "bar"]
    assert len(bars) == 96
    assert sum(tag == "tr" for tag, _ in read.elements) == 33


def test_the_page_needs_nothing_from_outside() -> None:
    page = as_html(bad_day.bad_day())
    for tag, attributes in Reader(page).elements:
        assert tag not in {"link", "img", "iframe", "object", "base"}
        assert not {"src", "href", "action", "background"} & set(attributes)
    assert not re.search(r"url\(|@import|https?://", page)


def test_what_the_cloud_says_is_text() -> None:
    hostile = replace(
        samples.FAILED,
        region=bad_day.HOSTILE,
        name=bad_day.HOSTILE,
        code=bad_day.HOSTILE,
        message=bad_day.HOSTILE,
        advice=bad_day.HOSTILE,
        request_id=bad_day.HOSTILE,
    )
    stands = replace(samples.PLACED, image_id=bad_day.HOSTILE, region="ok")
    read = Reader(of(hostile, stands))
    assert read.open == []
    assert not [tag for tag, _ in read.elements if tag == "img"]
    assert sum(tag == "script" for tag, _ in read.elements) == 1
    assert bad_day.HOSTILE in read.text


def test_a_good_run_has_a_page_too() -> None:
    page = of(samples.PLACED, samples.UNCHANGED)
    assert "2 placements in 1 region: 1 placed, 1 unchanged" in page
    assert "run again" not in page


# --- in a browser ---------------------------------------------------------------------


WINDOW = (1280, 800)
LAST_CAUSE = "[...document.querySelectorAll('.cause')].at(-1).getBoundingClientRect()"
FIRST_COLUMN = (
    "[...document.querySelectorAll('tbody td:first-child')].map(c => c.innerText)"
)


def opened(page: Page, folder: Path) -> None:
    path = folder / "day.html"
    path.write_text(as_html(bad_day.bad_day()), encoding="utf-8")
    page.open(path, width=WINDOW[0], height=WINDOW[1])


def test_a_browser_shows_the_causes_first_and_complains_of_nothing(
    tmp_path: Path,
) -> None:
    if chromium() is None:
        pytest.skip(f"none of these is installed: {', '.join(CHROMIUMS)}")
    with browser(tmp_path) as page:
        opened(page, tmp_path)
        assert page.value("document.querySelectorAll('.cause').length") == 5
        assert page.value(f"{LAST_CAUSE}.bottom") < WINDOW[1]
        # Nothing sticks out to the right.
        assert page.value("document.documentElement.scrollWidth") <= WINDOW[0]
        grounds = []
        for wanted in (True, False):
            page.dark(wanted=wanted)
            grounds.append(
                page.value("getComputedStyle(document.body).backgroundColor")
            )
            assert page.picture().startswith(b"\x89PNG")
        assert grounds == ["rgb(15, 19, 23)", "rgb(255, 255, 255)"]
        assert page.printed().startswith(b"%PDF")
        rows = page.value(FIRST_COLUMN)
        assert rows == list(bad_day.REGIONS)
        page.value("document.querySelector('th button').click()")
        assert page.value(FIRST_COLUMN) == sorted(rows)
        page.value("document.querySelector('th button').click()")
        assert page.value(FIRST_COLUMN) == sorted(rows, reverse=True)
        page.value("document.querySelector('th:last-child button').click()")
        assert page.value(FIRST_COLUMN)[0] == bad_day.REGIONS[0]
        assert page.complaints == []
        assert [url for url in page.requested if not url.startswith("file:")] == []
