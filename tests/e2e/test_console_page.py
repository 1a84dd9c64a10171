"""The emulator's page, in a browser, while the tool publishes in bad weather."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alicloud_emulator import testing
from alicloud_emulator.world.faults import Do
from emulator.tests.support.oss_url import presigned
from emulator.tests.support.waiting import until
from tests.support.browser import Page, browser, chromium
from tests.support.disks import BOOT_X86_64, disk

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium"),
]
REGIONS = ("eu-central-1", "ap-southeast-1", "cn-hongkong")


@pytest.fixture(scope="module")
def running() -> Iterator[testing.Cloud]:
    with testing.Cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: testing.Cloud) -> testing.Cloud:
    running.reset()
    return running


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def page(cloud: testing.Cloud, chrome: Page) -> Iterator[Page]:
    chrome.open(f"{cloud.console}/", width=1280, height=900)
    until(lambda: chrome.value("document.querySelectorAll('.tile').length") == 32)
    try:
        yield chrome
        assert chrome.complaints == []
        hosts = {url.split("/")[2] for url in chrome.requested}
        assert hosts == {cloud.console.removeprefix("http://")}
    finally:
        chrome.close()


def curl(cloud: testing.Cloud, method: str, bucket: str, key: str = "") -> None:
    """Make a call as a program does, whatever becomes of it."""
    url = presigned(cloud.access_key, method, bucket, key)
    program = (
        "import sys, urllib.request as u\n"
        "u.urlopen(u.Request(sys.argv[2], method=sys.argv[1], data=b'x' if"
        " sys.argv[3] else None, headers={'Content-Type': ''}), timeout=20)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, method, url, key],
        env=cloud.env,
        check=False,
        stderr=subprocess.DEVNULL,
    )


def tile(region: str) -> str:
    """JavaScript that finds a region's tile."""
    found = f"[...document.querySelectorAll('.tile small')].find(s=>s.textContent=='{region}')"
    return f"{found}.closest('.tile')"


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.value(
        f"[...document.querySelectorAll({json.dumps(selector)})].map(e=>e.textContent)"
    )
    return found


def count(page: Page, within: str, selector: str) -> int:
    """How many elements there are of a kind inside another."""
    return int(page.value(f"{within}.querySelectorAll({json.dumps(selector)}).length"))


def type_into(page: Page, selector: str, value: str) -> None:
    """Give a field a value, as typing does."""
    page.value(
        f"(e => {{ e.value = {json.dumps(value)};"
        " e.dispatchEvent(new Event('input', {bubbles: true})) })"
        f"(document.querySelector({json.dumps(selector)}))"
    )


def click(page: Page, selector: str) -> None:
    page.value(f"document.querySelector({json.dumps(selector)}).click()")


def test_tiles_move_while_the_tool_publishes(
    cloud: testing.Cloud, page: Page, tmp_path: Path
) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(disk(BOOT_X86_64))
    cloud.fault("refuse", action="PutObject", code="InternalError", status=500, times=2)
    cloud.fault("drop-after", action="ImportImage", times=1)
    cloud.let_run(0.001)  # images are not made before the page has shown them
    regions = [word for region in REGIONS for word in ("-r", region)]
    command = [
        sys.executable,
        "-m",
        "ali_import",
        *regions,
        "-n",
        "page",
        str(image),
    ]
    with (tmp_path / "said").open("w+") as said:
        with subprocess.Popen(command, env=cloud.env, stdout=said, stderr=said) as tool:
            until(lambda: count(page, tile(REGIONS[0]), ".bucket") == 1 or tool.poll())
            until(lambda: count(page, tile(REGIONS[0]), ".making") == 1 or tool.poll())
            assert texts(page, "#left") != ["left behind: 0"]
            cloud.let_run(100)
            # The browser waits for whoever does not take what it tells.
            until(lambda: page.value("0") == 0 and tool.poll() is not None)
        said.seek(0)
        assert tool.returncode == 0, said.read()
    until(lambda: texts(page, "#left") == ["left behind: 0"])
    for region in REGIONS:
        until(lambda: count(page, tile(region), ".image") == 1)  # noqa: B023 - waits here
        assert count(page, tile(region), ".bucket:not(.out)") == 0
    struck = sum(1 for call in cloud.calls() if call.faults)
    assert struck == 3
    until(lambda: len(texts(page, "tr.hit")) == struck)
    click(page, "#by-fault")
    assert len(texts(page, "#calls tr")) == struck


def test_a_fault_made_by_clicking_strikes(cloud: testing.Cloud, page: Page) -> None:
    type_into(page, "#builder [name=action]", "PutBucket")
    type_into(page, "#builder [name=code]", "Made.Here")
    type_into(page, "#builder [name=times]", "1")
    (shown,) = texts(page, "#toml")
    assert shown.splitlines() == [
        "[[faults]]",
        'do = "refuse"',
        'action = "PutBucket"',
        "times = 1",
        'code = "Made.Here"',
        "status = 503",
    ]
    click(page, "#add")
    until(lambda: len(texts(page, "#rules li")) == 1)
    curl(cloud, "PUT", "pail")
    until(lambda: texts(page, ".hits") == ["1 struck"])
    until(lambda: "503 Made.Here" in "".join(texts(page, "#calls tr.hit")))
    click(page, "#rules button")
    until(lambda: texts(page, "#rules li") == [])
    curl(cloud, "PUT", "pail")
    assert [call.status for call in cloud.calls("PutBucket")] == [503, 200]


def test_an_impossible_rule_says_why(page: Page) -> None:
    type_into(page, "#builder [name=code]", "x" * 2000)
    click(page, "#add")
    until(lambda: "at most 1024 characters" in texts(page, "#wrong")[0])
    # The browser itself tells that the console refused.
    assert ["400 (Bad Request)" in told for told in page.complaints] == [True]
    page.complaints.clear()


def test_the_quick_buttons_do_what_they_say(cloud: testing.Cloud, page: Page) -> None:
    type_into(page, "#throttled", "GetBucketInfo")
    click(page, "#quick-throttle button")
    type_into(page, "#dead-region", "us-west-1")
    click(page, "#quick-dead button")
    click(page, "#quick-lag button")
    until(lambda: len(texts(page, "#rules li")) == 3)
    rules = cloud._server.call("GET", "/faults")["faults"]
    told = [
        (r["do"], r["action"], r["region"], r["lasts_s"], r["delay_s"]) for r in rules
    ]
    assert told == [
        ("throttle", "GetBucketInfo", "*", 60, 0),
        ("dead", "*", "us-west-1", 0, 0),
        ("lag", "DescribeImages", "*", 0, 30),
    ]
    until(lambda: page.value(f"{tile('us-west-1')}.classList.contains('dead')"))
    # By its own tile it lives again.
    page.value(f"{tile('us-west-1')}.click()")
    page.value("document.querySelector('#drawer .buttons button').click()")
    until(lambda: len(texts(page, "#rules li")) == 2)


def test_the_clock_is_moved_and_a_reset_empties(
    cloud: testing.Cloud, page: Page
) -> None:
    curl(cloud, "PUT", "pail")
    until(lambda: texts(page, "#left") == ["left behind: 1"])
    click(page, "#left")
    assert "pail" in "".join(texts(page, "#drawer .thing"))
    page.press("Escape", code=27)
    click(page, "#hour")
    until(lambda: texts(page, "#ahead") == ["60 min ahead"])
    type_into(page, "#speed", "60")
    page.value("document.querySelector('#speed').dispatchEvent(new Event('change'))")
    until(lambda: cloud._server.call("GET", "/clock")["speed"] == 60)
    click(page, "#reset")
    # A question is no larger than what it says.
    assert page.value("document.querySelector('#sure').offsetHeight") < 300
    click(page, "#sure-yes")
    until(lambda: texts(page, "#left") == ["left behind: 0"])
    until(lambda: texts(page, "#calls tr") == [])
    assert cloud.things() == []


def test_a_click_shows_the_whole_call_without_its_secrets(
    cloud: testing.Cloud, page: Page
) -> None:
    curl(cloud, "PUT", "pail")
    curl(cloud, "PUT", "pail", "<img src=x onerror=alert(1)>")
    until(lambda: len(texts(page, "#calls tr")) == 2)
    click(page, "#calls tr")
    until(lambda: "oss.PutObject" in "".join(texts(page, "#drawer h2")))
    shown = texts(page, "#sheet")[0]
    assert "PUT /%3Cimg" in shown
    assert f"OSSAccessKeyId={cloud.access_key[0]}" in shown
    assert "Signature=(redacted)" in shown
    assert cloud.access_key[1] not in shown
    # What programs send is text, whatever it looks like.
    assert page.value("document.querySelectorAll('#sheet img, #calls img').length") == 0


def test_it_can_be_used_without_a_mouse(cloud: testing.Cloud, page: Page) -> None:
    curl(cloud, "PUT", "pail")
    until(lambda: len(texts(page, "#calls tr")) == 1)
    reached = set()
    for _ in range(70):
        page.press("Tab", code=9)
        reached.add(
            page.value("document.activeElement.id || document.activeElement.className")
        )
    assert {"speed", "hour", "left", "reset", "by-product", "hold"} <= reached
    assert any("tile" in name for name in reached)
    page.value("document.querySelector('#calls button').focus()")
    page.press("Enter", code=13, text="\r")
    until(lambda: page.value("document.querySelector('#drawer').open"))
    page.press("Escape", code=27)
    assert not page.value("document.querySelector('#drawer').open")
    assert page.value("document.activeElement.closest('#calls') !== null")


def test_every_control_has_a_name(page: Page) -> None:
    """As a screen reader says it."""
    tree = page.ask("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "combobox", "textbox", "checkbox", "spinbutton", "link"}
    nameless = [
        node
        for node in tree
        if node.get("role", {}).get("value") in controls
        and not node.get("ignored")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    roles = {node.get("role", {}).get("value") for node in tree}
    assert {"banner", "main", "region", "heading"} <= roles


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_sticks_out(
    cloud: testing.Cloud, page: Page, width: int, *, dark: bool
) -> None:
    curl(cloud, "PUT", "a-bucket-with-a-very-long-name-indeed-as-long-as-it-may-be")
    cloud.fault("refuse", action="x" * 299 + "*", message="y" * 300)
    page.resize(width=width, height=900)
    page.dark(wanted=dark)
    until(lambda: len(texts(page, "#rules li")) == 1)
    assert page.value("document.documentElement.scrollWidth") <= width
    # Words differ enough from what is behind them (WCAG AA).
    assert page.value(CONTRAST) == []


CONTRAST = """
(() => {
  const rgb = (c) => { const x = document.createElement('canvas').getContext('2d');
    x.fillStyle = c; x.fillRect(0, 0, 1, 1); return [...x.getImageData(0, 0, 1, 1).data]; };
  const lum = ([r, g, b]) => { const f = (v) => { v /= 255;
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; }
    return [255, 255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll('h1,h2,h3,p,small,em,b,td,th,button,span,code,pre')) {
    if (!e.offsetParent || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(e.className + ' ' + e.textContent.slice(0, 20) + ' ' + ratio.toFixed(2));
  }
  return low;
})()
"""


def test_the_page_knows_every_kind_of_fault(page: Page) -> None:
    assert set(page.value("Object.keys(KINDS)")) == {str(do) for do in Do}
    kinds = page.value("Object.keys(KINDS)")
    for kind in kinds:
        page.value(f"fill({{do: {json.dumps(kind)}}})")
        click(page, "#add")
        until(lambda: page.value("state.faults.length") >= kinds.index(kind) + 1)  # noqa: B023


def test_another_page_can_neither_read_nor_change(
    cloud: testing.Cloud, page: Page, tmp_path: Path
) -> None:
    """A page of another port of this machine: as near as another origin can be."""
    with testing.Cloud() as other, browser(tmp_path / "other") as stranger:
        stranger.open(f"{other.console}/", width=800, height=600)
        outcome: Any = stranger.ask(
            "Runtime.evaluate",
            awaitPromise=True,
            returnByValue=True,
            expression=f"""
            (async () => {{
              const got = [];
              for (const [method, path, mode] of [['GET','/state','cors'],['GET','/','cors'],
                  ['POST','/reset','no-cors'],['POST','/faults','no-cors'],['GET','/','no-cors']]) {{
                try {{
                  const a = await fetch('{cloud.console}' + path, {{method, mode,
                    body: method === 'POST' ? '{{"do":"hang"}}' : undefined}});
                  got.push(a.type + (await a.text()).length);
                }} catch (e) {{ got.push('refused'); }}
              }}
              return got;
            }})()""",
        )
        assert set(outcome["result"]["value"]) <= {"refused", "opaque0"}
    curl(cloud, "PUT", "pail")
    assert cloud._server.call("GET", "/faults") == {"faults": []}
    assert len(cloud.things()) == 1
