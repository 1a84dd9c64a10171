"""``ali-import list``: what stands, so that it can be read or processed."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import ali_import
from ali_import import Cloud, Standing, StandingImage
from ali_import.cli import streams
from ali_import.cli.exit_status import ExitStatus
from ali_import.cli.session import connected, tell_unseen
from ali_import.cli.standing_arguments import ListArguments
from ali_import.redaction import one_line
from ali_import.report.lines import Messages, counted, moment
from ali_import.units import HOUR_S, MINUTE_S

SCHEMA: Final = 1
_DAY_S: Final = 24 * HOUR_S
_COLUMNS: Final = (
    "FAMILY",
    "VERSION",
    "IMAGES",
    "REGIONS",
    "STATUS",
    "VISIBILITY",
    "AGE",
)


class ListCommand:
    """One execution of the command."""

    def __init__(self, arguments: ListArguments, messages: Messages) -> None:
        self._arguments = arguments
        self._messages = messages

    async def list(self) -> ExitStatus:
        """Look, and print.

        Raises:
            AliImportError: Nothing could be asked.
            KeyboardInterrupt: A signal came.
        """
        return await connected(self._work, verbosity=self._arguments.verbosity)

    async def _work(self, cloud: Cloud) -> ExitStatus:
        given = self._arguments
        standing = await ali_import.list_images(
            cloud,
            regions=given.regions,
            name=given.name,
            family=given.family,
            untagged=given.untagged,
        )
        if given.as_json:
            document = as_json(standing, self._messages)
            streams.print_lines([json.dumps(document, indent=2)])
        else:
            streams.print_lines(table(standing, time.time()))
        self._tell(standing)
        if not standing.unseen:
            return ExitStatus.ALL_PLACED
        return ExitStatus.SOME_FAILED if standing.regions else ExitStatus.ALL_FAILED

    def _tell(self, standing: Standing) -> None:
        tell_unseen(self._messages, standing.unseen)
        words = ("image", "images")
        if self._arguments.name or self._arguments.family:
            words = ("image that matches", "images that match")
        images = counted(len(standing.images), *words)
        regions = counted(len(standing.regions), "region")
        self._messages.line(f"{images} in {regions}")


def as_json(standing: Standing, messages: Messages) -> dict[str, Any]:
    """Return the document for programs; within one schema fields are added only."""
    return {
        "schema": SCHEMA,
        "regions": list(standing.regions),
        "unseen": [
            {
                "region": error.region,
                "code": error.code,
                "message": messages.redactor.line(error.message),
            }
            for error in standing.unseen
        ],
        "images": [
            {
                "region": image.region,
                "image_id": image.image_id,
                "name": image.name,
                "version": image.version,
                "family": image.family,
                "status": image.status.value,
                "usable": image.usable,
                "public": image.public,
                "shared": image.shared,
                "in_use": image.in_use,
                "created_at": moment(image.created_at) or None,
                "sha256": image.sha256 or None,
                "run_id": image.run_id or None,
                "tags": dict(image.tags),
            }
            for image in standing.images
        ],
    }


# --- for people -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Version:
    """The images of one version of one family, over all regions that were asked."""

    family: str
    name: str
    images: Sequence[StandingImage]
    regions: Sequence[str]

    @property
    def created_at(self) -> float:
        """When its first image was asked for, Unix time in seconds; 0 if not told."""
        return min((i.created_at for i in self.images if i.created_at), default=0.0)

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of its images, one a flavour."""
        return sorted({image.name for image in self.images})

    @cached_property
    def state(self) -> tuple[str, str]:
        """Return status and visibility of most of its images."""
        return Counter(map(_state, self.images)).most_common(1)[0][0]

    def whole_regions(self) -> int:
        """Return in how many regions each of its images stands."""
        there = Counter(image.region for image in self.images)
        return sum(count == len(self.names) for count in there.values())

    def exceptions(self) -> Iterator[str]:
        """Yield what is missing or different, and where: one line a deviation."""
        by_text: dict[str, list[str]] = {}
        for name in self.names:
            for text in self._exceptions_of(name):
                by_text.setdefault(text, []).append(name)
        for text, names in by_text.items():
            alike = len(names) == len(self.names) > 1
            yield f"{'every image' if alike else ', '.join(names)}: {text}"

    def _exceptions_of(self, name: str) -> Iterator[str]:
        here = {image.region: image for image in self.images if image.name == name}
        missing = [region for region in self.regions if region not in here]
        if len(missing) > len(here):
            yield f"only in {', '.join(sorted(here))}"
        elif missing:
            yield f"not in {', '.join(missing)}"
        family = Counter(image.family for image in here.values()).most_common(1)[0][0]
        where: dict[str, list[str]] = {}
        for region, image in here.items():
            for text in self._differences(image, family):
                where.setdefault(text, []).append(region)
        for text, regions in where.items():
            yield f"{text} in {', '.join(regions)}"

    def _differences(self, image: StandingImage, family: str) -> Iterator[str]:
        for text, usual in zip(_state(image), self.state, strict=True):
            if text != usual:
                yield text
        if image.family != family:
            yield f"family {image.family or 'none'}"


def versions(standing: Standing) -> list[Version]:
    """Group images by family, in the order of names, and version, the newest first."""
    groups: dict[tuple[str, str], list[StandingImage]] = {}
    usual = _usual_families(standing.images)
    for image in standing.images:
        family = usual[image.name]
        groups.setdefault((family, image.version), []).append(image)
    made = [
        Version(family=family, name=name, images=images, regions=standing.regions)
        for (family, name), images in groups.items()
    ]
    made.sort(key=lambda version: (-version.created_at, version.name))
    return sorted(made, key=lambda version: version.family)


def _usual_families(images: Iterable[StandingImage]) -> dict[str, str]:
    """Return for each name the family, without suffix, that most images of it have.

    One that somebody put into another family in one region stays with its own kind.
    """
    counts: dict[str, Counter[str]] = {}
    for image in images:
        counts.setdefault(image.name, Counter())[image.base_family] += 1
    return {name: counter.most_common(1)[0][0] for name, counter in counts.items()}


def table(standing: Standing, now: float) -> Iterator[str]:
    """Yield the lines for people; ``now`` is Unix time in seconds."""
    listed = versions(standing)
    if not listed:
        return
    rows = [_COLUMNS, *(_row(version, now) for version in listed)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    yield lines[0].rstrip()
    for version, line in zip(listed, lines[1:], strict=True):
        yield line.rstrip()
        for exception in version.exceptions():
            yield f"    {one_line(exception)}"


def _row(version: Version, now: float) -> tuple[str, ...]:
    whole, all_ = version.whole_regions(), len(version.regions)
    status, visibility = version.state
    created_at = version.created_at
    return (
        one_line(version.family) or "-",
        one_line(version.name),
        str(len(version.names)),
        str(all_) if whole == all_ else f"{whole}/{all_}",
        status,
        visibility,
        age(now - created_at) if created_at else "-",
    )


def _state(image: StandingImage) -> tuple[str, str]:
    status = image.status.value
    if image.usable is False:
        status += " (not usable yet)"
    public = "public" if image.public else "private"
    return status, f"{public}, shared" if image.shared else public


def age(seconds: float) -> str:
    """Return how old something is, in one unit: ``12 min``, ``5 h``, ``3 d``."""
    for unit_s, name in ((_DAY_S, "d"), (HOUR_S, "h")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{max(seconds, 0.0) / MINUTE_S:.0f} min"
