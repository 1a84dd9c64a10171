"""Images that are more than a file of bytes to import: what the engine does for them."""

from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest

from ali_import.disk import BootMode
from ali_import.publish.model import Note, Options, PlacementEnded, Report, Target
from ali_import.publish.run import Run
from alicloud_emulator.world.faults import Do
from alicloud_emulator.world.profile import OssMode, Region
from tests.simulation.plan import PART_BYTES, disk_image
from tests.simulation.scene import (
    DATA,
    FILE,
    PROFILE,
    REGIONS,
    TARGET,
    Scene,
    in_a_scene,
)
from tests.support.containers import vhd_footer

PREFERRING = replace(
    TARGET,
    image=replace(TARGET.image, boot_mode=BootMode.UEFI, uefi_preferred=True),
)


async def publish(
    scene: Scene, target: Target, *, run_id: str = "0123abcd", **options: Any
) -> Report:
    run = Run(
        scene.cloud,
        [target],
        replace(Options(), **options),
        run_id=run_id,
        rng=Random(2),
        now=scene.now,
        emit=scene.heard.append,
    )
    return await run.execute()


def warnings(scene: Scene) -> list[str]:
    return [e.text for e in scene.heard if isinstance(e, Note) and e.level == "WARNING"]


def modes(scene: Scene) -> list[str]:
    return [image.boot_mode for image in scene.images()]


def test_images_are_set_to_uefi_preferred_when_they_are_there() -> None:
    async def scenario(scene: Scene) -> None:
        await publish(scene, PREFERRING)
        assert modes(scene) == ["UEFI-Preferred"] * 2
        assert warnings(scene) == []

    in_a_scene(scenario)


@pytest.mark.parametrize("again", [PREFERRING, replace(PREFERRING, image=TARGET.image)])
def test_what_was_set_stays_set_whoever_runs_again(again: Target) -> None:
    mode = BootMode.UEFI
    again = replace(again, image=replace(again.image, boot_mode=mode))

    async def scenario(scene: Scene) -> None:
        await publish(scene, PREFERRING)
        report = await publish(scene, again, run_id="4567abcd")
        assert {outcome.result for outcome in report.outcomes} == {"unchanged"}
        assert modes(scene) == ["UEFI-Preferred"] * 2

    in_a_scene(scenario)


def test_an_image_that_another_run_made_stays_as_it_is_and_that_is_told() -> None:
    async def scenario(scene: Scene) -> None:
        plain = replace(PREFERRING.image, uefi_preferred=False)
        await publish(scene, replace(PREFERRING, image=plain))
        report = await publish(scene, PREFERRING, run_id="4567abcd")
        assert {outcome.result for outcome in report.outcomes} == {"unchanged"}
        assert modes(scene) == ["UEFI"] * 2
        told = "demo-1 stays UEFI: this run did not make it"
        assert warnings(scene) == [told] * 2

    in_a_scene(scenario)


def test_where_the_cloud_refuses_an_image_stays_uefi_with_a_warning() -> None:
    async def scenario(scene: Scene) -> None:
        code = "InvalidBootMode.NotSupport"
        scene.strike(
            Do.REFUSE,
            "ModifyImageAttribute",
            code=code,
            status=400,
            message="no",
            region=REGIONS[0],
            times=1,
        )
        report = await publish(scene, PREFERRING)
        assert all(outcome.published for outcome in report.outcomes)
        assert modes(scene) == ["UEFI", "UEFI-Preferred"]
        (text,) = warnings(scene)
        assert text.startswith("demo-1 stays UEFI: ")

    in_a_scene(scenario)


def test_a_replacement_is_set_before_it_takes_the_name() -> None:
    async def scenario(scene: Scene) -> None:
        old = replace(TARGET, image=replace(TARGET.image, sha256="0" * 64))
        await publish(scene, old)
        await publish(scene, PREFERRING, run_id="4567abcd", overwrite=True)
        assert modes(scene) == ["UEFI-Preferred"] * 2

    in_a_scene(scenario)


SEALED = replace(
    PROFILE,
    regions=(*PROFILE.regions, Region(id="us-southeast-1", oss=OssMode.NONE, fc=False)),
)


def vhd(data: bytes = DATA, *, large: bool = False) -> Target:
    """Return a VHD of fixed size."""
    content = data + vhd_footer(len(data))
    image = replace(disk_image(FILE, content, large=large), format="VHD")
    return replace(TARGET, image=image)


@pytest.mark.parametrize("large", [False, True])
def test_a_vhd_gets_where_it_can_be_uploaded_and_fails_at_once_elsewhere(
    *, large: bool
) -> None:
    target = vhd(bytes(2 * PART_BYTES + 1000), large=large)

    async def scenario(scene: Scene) -> None:
        report = await publish(scene, target)
        first, second, sealed = report.outcomes
        assert (first.result, second.result) == ("placed", "placed")
        assert (sealed.result, sealed.route) == ("failed", "copy")
        assert sealed.code == "InvalidOperation.VhdImageUnsupported"
        assert "an image of a VHD cannot be copied" in sealed.message
        assert "qemu-img convert" in sealed.advice
        # It is the first to be told.
        ended = [e.outcome for e in scene.heard if isinstance(e, PlacementEnded)]
        assert ended[0].region == "us-southeast-1"
        formats = [image.disks[0].format for image in scene.images()]
        assert formats == ["VHD", "VHD"]

    in_a_scene(scenario, SEALED)


@pytest.mark.parametrize("nvme", ["supported", "unsupported"])
def test_what_the_cloud_finds_in_an_image_is_told(nvme: str) -> None:
    slow = replace(PROFILE, durations=replace(PROFILE.durations, detection_s=60.0))

    async def scenario(scene: Scene) -> None:
        report = await publish(scene, TARGET, detect=True, nvme=nvme)
        assert all(outcome.published for outcome in report.outcomes)
        found = f"the cloud's check of demo-1: Nvme: {nvme}"
        notes = [e for e in scene.heard if isinstance(e, Note)]
        told = [note.text for note in notes if note.text.startswith(found)]
        assert len(told) == 2
        risky = nvme == "unsupported"
        assert warnings(scene) == (told if risky else [])
        assert ("(risk: Medium, Nvme.NotSupport" in told[0]) == risky
        # Who does not ask hears nothing.
        scene.heard.clear()
        await publish(scene, TARGET, run_id="4567abcd")
        assert warnings(scene) == []

    in_a_scene(scenario, slow)


def test_a_check_that_does_not_end_is_not_waited_for() -> None:
    never = replace(PROFILE, durations=replace(PROFILE.durations, detection_s=1e6))

    async def scenario(scene: Scene) -> None:
        report = await publish(scene, TARGET, detect=True)
        assert all(outcome.published for outcome in report.outcomes)
        assert report.seconds < 400
        assert {text.split(";")[0] for text in warnings(scene)} == {
            "the cloud's check of demo-1 is not done"
        }

    in_a_scene(scenario, never)


def test_a_check_that_cannot_be_read_fails_nothing() -> None:
    never = replace(PROFILE, durations=replace(PROFILE.durations, detection_s=1e6))

    async def scenario(scene: Scene) -> None:
        async def refuse() -> None:
            await anyio.sleep(150)  # the images are there, and being checked
            scene.strike(
                Do.REFUSE, "DescribeImages", code="Forbidden", status=403, times=2
            )

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refuse)
            report = await publish(scene, TARGET, detect=True)
        assert all(outcome.published for outcome in report.outcomes)
        text = "the cloud's check of demo-1 is not known: Forbidden"
        assert warnings(scene) == [text, text]

    in_a_scene(scenario, never)
