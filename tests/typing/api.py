"""What a type checker makes of the library; checked by mypy, never run."""

from collections.abc import Callable
from pathlib import Path
from typing import assert_never, assert_type

import ali_import
from ali_import import Event, Image, Leftover, Options, Outcome, Report, Result


async def publishes() -> None:
    async with ali_import.connect() as cloud:
        assert_type(cloud, ali_import.Cloud)
        images = [
            Image("disk.img"),
            Image(Path("disk.img"), name="n1", family="f1", suffix=""),
        ]
        assert_type(await ali_import.publish(cloud, images), Report)
        await ali_import.publish(
            cloud,
            images,
            options=Options(timeout_s=60, role="r"),
            on_event=show,
            regions=("cn-hangzhou",),
            public=True,
            overwrite=True,
            all_or_nothing=True,
            allow_failure=frozenset({"cn-hangzhou"}),
        )
        publication = ali_import.Publication(cloud, images, Options(), on_event=show)
        assert_type(await publication.execute(), Report)
        assert_type(publication.interrupt(), None)
        assert_type(publication.leftovers(), tuple[Leftover, ...])
        assert_type(publication.targets[0].image, ali_import.DiskImage)


async def looks(cloud: ali_import.Cloud) -> None:
    release = ali_import.load_release("release.toml", settings={"version": "1"})
    assert_type(release.images, tuple[Image, ...])
    assert_type(release.options, Options)
    plan = await ali_import.plan(cloud, release.images, options=release.options)
    assert_type(plan.intents[0].action, ali_import.Action)
    standing = await ali_import.list_images(cloud, family="f1", on_event=show)
    assert_type(standing.images[0].status, ali_import.ImageStatus)


async def cleans_up(cloud: ali_import.Cloud) -> None:
    found = await ali_import.find_leftovers(cloud, on_event=show)
    assert_type(found, tuple[Leftover, ...])
    left = await ali_import.remove_leftovers(cloud, found, on_event=show)
    assert_type(left, tuple[Leftover, ...])


def waits() -> None:
    report = ali_import.publish_sync([Image("disk.img")], public=True)
    assert_type(report.outcomes, tuple[Outcome, ...])
    assert_type(report.outcomes[0].result, Result)
    assert_type(report.outcomes[0].route, ali_import.Route | None)
    assert_type(report.outcomes[0].step, ali_import.Step)


def show(event: Event) -> None:
    match event:
        case ali_import.PhaseBegan():
            assert_type(event.phase, ali_import.Phase)
        case ali_import.RegionsKnown():
            assert_type(event.regions, tuple[str, ...])
        case ali_import.PlacementMoved() | ali_import.CallRetried():
            assert_type(event.region, str)
        case ali_import.PlacementEnded():
            assert_type(event.outcome, Outcome)
        case ali_import.Note():
            assert_type(event.text, str)
        case _:
            assert_never(event)


def fails(error: ali_import.AliImportError) -> str:
    match error:
        case ali_import.DiskImageError():
            assert_type(error.path, Path)
        case ali_import.ApiError():
            assert_type(error.http_status, int)
        case ali_import.CloudError():
            assert_type(error.region, str)
        case _:
            pass
    return error.diagnostics()


listener: Callable[[Event], None] = show


def is_refused() -> None:
    """Each line is an error; an ignored error that is none would be one itself."""
    Image("disk.img", nam="n1")  # type: ignore[call-arg]
    Options(publik=True)  # type: ignore[call-arg]
    Options().public = True  # type: ignore[misc]
    ali_import.publish_sync([Image("disk.img")], publik=True)  # type: ignore[call-arg]
    ali_import.publish_sync([Image("disk.img")], public="yes")  # type: ignore[arg-type]
    ali_import.publish_sync(["disk.img"])  # type: ignore[list-item]
    ali_import.no_such_name  # type: ignore[attr-defined] # noqa: B018
