"""The main job, as processes over real sockets: images into every region."""

import hashlib
import os
from pathlib import Path

import pytest

from emulator.tests.support.emulator import emulator
from tests.e2e.conftest import FAMILY, FLAGS, NAME, Exec
from tests.support.audit import Expected, expected, problems
from tests.support.real_images import make_real_images, skip_reason
from tests.support.tool import BIN, ali_import, run

pytestmark = pytest.mark.e2e

MUTATIONS = ("Import", "Copy", "Modify", "Delete", "Put", "Create", "Tag", "Untag")


def test_three_images_reach_all_32_regions(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    ended, report = execute("--public", *FLAGS, *disks)
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True) == []
    assert len(report["regions"]) == 32
    assert report["traffic"]["cross_region_bytes"] == 0
    ids = {
        (region, image["name"]): image["image_id"]
        for region, state in report["regions"].items()
        for image in state["images"]
    }
    assert ended.lines == [
        f"{region} {item.name} ({item.family}) {ids[region, item.name]}"
        for region in sorted(report["regions"])
        for item in wanted
    ]


@pytest.mark.parametrize("files_max", [64, 255])
def test_a_low_limit_of_open_files_is_enough_for_all_regions(
    disks: list[Path], wanted: list[Expected], files_max: int
) -> None:
    command = f'ulimit -n {files_max}; exec "$0" "$@"'
    with emulator() as cloud:
        argv = ("sh", "-c", command, BIN / "ali-import", "--public", *FLAGS, *disks)
        ended = run(*argv, env=cloud.env)
        assert ended.status == 0, ended.err
        assert problems(cloud.get("/state"), wanted, public=True) == []


def test_a_second_run_changes_nothing_and_says_so(
    disks: list[Path], wanted: list[Expected]
) -> None:
    with emulator() as cloud:
        first = ali_import("--public", *FLAGS, *disks, env=cloud.env)
        before = cloud.get("/requests")["requests"]["by_action"]
        second = ali_import("--public", *FLAGS, *disks, env=cloud.env)
        after = cloud.get("/requests")["requests"]["by_action"]
        assert problems(cloud.get("/state"), wanted, public=True) == []
    assert (first.status, second.status) == (0, 0), second.err
    assert second.out == first.out
    assert "unchanged" in second.err
    changed = {
        action: count - before.get(action, 0)
        for action, count in after.items()
        if action.split(".")[1].startswith(MUTATIONS)
    }
    assert not any(changed.values()), changed


def test_a_mainland_region_needs_no_other_region(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    ended, report = execute("--public", *FLAGS, "-r", "cn-hangzhou", *disks)
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True, regions=["cn-hangzhou"]) == []
    assert len(ended.lines) == 3
    assert report["requests"]["by_action"].get("ecs.CopyImage", 0) == 0
    assert report["traffic"]["cross_region_bytes"] == 0


def test_a_region_that_can_only_copy_borrows_another(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    ended, report = execute(*FLAGS, "-r", "us-southeast-1", *disks)
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=False, regions=["us-southeast-1"]) == []


def test_an_old_account_uploads_directly_everywhere_it_can(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    ended, report = execute(
        "--public", *FLAGS, *disks, options=("--profile", "old-account")
    )
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True) == []
    assert report["requests"]["by_action"].get("fc.InvokeFunction", 0) == 0


def test_copies_take_over_where_function_compute_is_gone(
    execute: Exec, disks: list[Path], wanted: list[Expected]
) -> None:
    ended, report = execute(
        "--public", *FLAGS, *disks, options=("--profile", "no-mainland-fc")
    )
    assert ended.status == 0, ended.err
    assert problems(report, wanted, public=True) == []


def test_other_content_needs_overwrite(
    disks: list[Path], tmp_path: Path, wanted: list[Expected]
) -> None:
    changed = tmp_path / "changed.img"
    changed.write_bytes(disks[0].read_bytes()[:-1] + b"!")
    regions = ("-r", "eu-central-1", "-r", "cn-beijing")
    with emulator() as cloud:
        flags = ("--public", *FLAGS, *regions)
        assert ali_import(*flags, disks[0], env=cloud.env).status == 0
        refused = ali_import(*flags, changed, env=cloud.env)
        assert refused.status == 4
        assert "--overwrite" in refused.err
        names = ["eu-central-1", "cn-beijing"]
        state = cloud.get("/state")
        assert problems(state, wanted[:1], public=True, regions=names) == []
        replaced = ali_import(*flags, "--overwrite", changed, env=cloud.env)
        assert replaced.status == 0, replaced.err
        # Snapshots of deleted images are waited for; nothing failed.
        assert ", 0 retries, " in replaced.err
        new = expected([changed], name=NAME, family=FAMILY)
        assert problems(cloud.get("/state"), new, public=True, regions=names) == []


def test_a_large_image_goes_up_once(tmp_path: Path, disks: list[Path]) -> None:
    large = tmp_path / "large.img"
    block = hashlib.sha256(b"seed").digest() * 32768
    content = bytearray(disks[0].read_bytes())
    content += b"".join(bytes([n]) + block[1:] for n in range(40))
    large.write_bytes(content)
    regions = ("eu-central-1", "us-west-1", "ap-southeast-8", "cn-beijing", "cn-heyuan")
    with emulator() as cloud:
        flags = [x for region in regions for x in ("-r", region)]
        ended = ali_import(*FLAGS, *flags, large, env=cloud.env)
        assert ended.status == 0, ended.err
        wanted = expected([large], name=NAME, family=FAMILY)
        state = cloud.get("/state")
        assert problems(state, wanted, public=False, regions=regions) == []
        uplink = cloud.get("/requests")["traffic"]["uplink_bytes"]
    # The relays' own payloads (signed requests without bodies) are a few kB each.
    assert uplink < 1.02 * len(content)


def test_images_that_nobody_here_wrote(execute: Exec, tmp_path: Path) -> None:
    if reason := skip_reason():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    for image in make_real_images(tmp_path):
        flags = ("-n", NAME, "-f", FAMILY, "-r", "cn-shanghai", "-r", "eu-west-1")
        ended, report = execute("--public", *flags, image.path)
        assert ended.status == 0, ended.err
        wanted = expected([image.path], name=NAME, family=FAMILY)
        assert wanted[0].architecture == image.architecture
        assert wanted[0].boot_mode == image.boot_mode
        assert wanted[0].name == f"{NAME}{image.suffix}"
        names = ["cn-shanghai", "eu-west-1"]
        assert problems(report, wanted, public=True, regions=names) == []
