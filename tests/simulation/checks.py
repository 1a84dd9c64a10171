"""What must hold after a run, and after everything."""

from collections.abc import Container, Iterator, Sequence
from typing import Any, Final

from ali_import.cloud import calls
from ali_import.disk.pack import Pack
from ali_import.publish.lease import (
    PREFIX,
    TAG_RUN,
    TAG_SHA256,
    TAG_VERSION,
    TEMPORARY_TAGS,
    of_name,
    of_tags,
)
from ali_import.publish.model import Leftover, Outcome, Report, Result, Target
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from alicloud_emulator.world.profile import OssMode, Region
from alicloud_emulator.world.world import World
from tests.simulation.landscape import STOOD, Landscape, begun_by, store
from tests.simulation.plan import ACCOUNT, FINE, Plan

# --- the report and the world ---------------------------------------------------------


def report_equals_world(
    world: World,
    plan: Plan,
    report: Report,
    wanted_targets: Sequence[Target],
    withdrawn_lately: Container[str],
) -> Iterator[str]:
    """Give every difference between what a run reports and what there is.

    Of images that rivals replace in turn, a report says what was; and a listing may
    have shown that an image had its name, was public or in its family, that another
    run had taken back a moment before.
    """
    wanted = [(r, t.name) for r in plan.regions for t in wanted_targets]
    if report.interrupted and not report.outcomes:
        return  # before it knew what to do
    if [(o.region, o.name) for o in report.outcomes] != wanted:
        yield f"the report has other placements: {len(report.outcomes)}"
        return
    targets = {target.name: target for target in wanted_targets}
    for outcome in report.outcomes:
        if plan.rivalry and outcome.result.good:
            continue
        target = targets[outcome.name]
        where = f"{outcome.region} {outcome.name}"
        for text in _outcome_holds(world, plan, outcome, target, report):
            stale = text.startswith(f"{where} is reported ") or text == _gone(outcome)
            if not stale or outcome.image_id not in withdrawn_lately:
                yield text


def _gone(outcome: Outcome) -> str:
    where = f"{outcome.region} {outcome.name}"
    return f"{where} is {outcome.result}, but {outcome.image_id} is not there"


def _outcome_holds(
    world: World, plan: Plan, outcome: Outcome, target: Target, report: Report
) -> Iterator[str]:
    where = f"{outcome.region} {outcome.name}"
    if not outcome.result.good:
        if outcome.result is Result.FAILED and not outcome.code:
            yield f"{where} failed without a reason"
        stopped = report.interrupted or report.timed_out
        if outcome.result is Result.SKIPPED and not stopped:
            yield f"{where} was skipped, but nobody interrupted"
        if outcome.published:
            yield f"{where} {outcome.result} and published"
        return
    named = _named(world, outcome.region, outcome.name)
    image = next((i for i in named if i.image_id == outcome.image_id), None)
    # Another run that cannot publish, or not half a release, takes back what both share.
    shared = plan.second_after_s is not None and (
        plan.options.all_or_nothing
        or (plan.options.overwrite and not outcome.published)
    )
    if image is None and shared:
        return
    if image is None:
        yield _gone(outcome)
        return
    now = world.agenda.now
    # A deprecated image is revived when it is published, not before.
    made = {ImageStatus.AVAILABLE} if outcome.published and not shared else READY
    if image.status not in made:
        yield f"{where} is {outcome.result}, and its image is {image.status}"
    yield from (f"{where} {wrong}" for wrong in _wrong(plan, image, target, now))
    if outcome.published and not shared:
        if plan.options.public and not image.public:
            yield f"{where} is reported public and is not"
        if image.family != target.family:
            yield f"{where} is reported in its family, and is in {image.family!r}"


def _named(world: World, region: str, name: str) -> list[Image]:
    return [i for i in store(world).images_of(ACCOUNT, region) if i.name == name]


READY = {ImageStatus.AVAILABLE, ImageStatus.DEPRECATED}
STILL_TAGGED = "still has the tag"
USABLE_S_MAX = 30 * 60.0
"""An image that cannot be used by then is placed all the same, with a warning."""


def is_usable(image: Image, now: float) -> bool:
    """Whether an image is Usable, or has been Available for long enough."""
    told = image.usable(now)
    return told is not False or now - image.ends_at >= USABLE_S_MAX


def _left(image: Image) -> str:
    """Return what an image that stood before has for NVMe, which nobody named."""
    return image.nvme if image.tags.get(TAG_RUN) == STOOD else ""


def _wrong(plan: Plan, image: Image, target: Target, now: float) -> Iterator[str]:
    """Give what is wrong with an image that ought to be a target's."""
    options, wanted = plan.options, target.image
    facts = (
        ("usable", is_usable(image, now), True),
        ("content", image.content_sha256, wanted.sha256),
        ("architecture", image.architecture, wanted.architecture or "x86_64"),
        ("boot mode", image.boot_mode, wanted.boot_mode.value),
        ("nvme", image.nvme, options.nvme or _left(image) or "supported"),
        ("imds", image.imds, "v2" if image.imds == "v2" else options.imds or "v1"),
        ("tag", image.tags.get(TAG_SHA256), wanted.sha256),
        *(
            (f"tag {key}", image.tags.get(key), value)
            for key, value in (options.tags or {}).items()
        ),
        (
            "description",
            image.description if options.description else None,
            options.description,
        ),
    )
    for what, is_so, should in facts:
        if is_so != should:
            yield f"{what} is {is_so}, not {should}"
    for tag in (TAG_RUN, TAG_VERSION):
        if tag not in image.tags:
            yield f"has no tag {tag}"
    for tag in TEMPORARY_TAGS:
        if tag in image.tags:
            yield f"{STILL_TAGGED} {tag}"


# --- what may fail --------------------------------------------------------------------


def excuse(
    world: World, plan: Plan, region_id: str, target: Target, spoiled: set[str]
) -> str:
    """Return why a placement may fail although a run was given all it needs; or ""."""
    account = plan.profile.accounts[0]
    region = world.profile.region(region_id)
    assert region is not None
    if region_id in spoiled:
        return "the weather is bad there"
    if plan.rivalry and not plan.options.overwrite:
        return "a rival may have taken the name"
    if plan.stuck:
        return "nothing ever gets done somewhere, and time runs out"
    if account.arrears:
        return "arrears"
    for there in plan.existing:
        here = (there.region, plan.targets[there.target].name)
        other = not there.same and here == (region_id, target.name)
        if other and not plan.options.overwrite:
            return "another image has the name"
    if plan.options.public and not region.public_images:
        return "no public images there"
    if plan.options.public and not account.agreement_signed:
        return "the agreement is not signed"
    if plan.profile.limits.images_per_region < 100:
        return "few images may be there"
    if account.import_role and _imports(plan, region):
        return ""
    if not region.copy_in:
        return "nothing gets in there"
    sources = [
        other
        for other in world.profile.regions
        if other.id != region_id and other.copy_out and other.id not in spoiled
    ]
    if account.import_role and any(_imports(plan, other) for other in sources):
        return ""
    return "nothing to copy from"


def _imports(plan: Plan, region: Region) -> bool:
    """Whether bytes can be brought to a region's object storage."""
    account = plan.profile.accounts[0]
    if region.oss is not OssMode.OPEN:
        return False
    if plan.profile.limits.buckets_per_region < 100:
        return False
    direct = not region.mainland or account.oss_since == "old"
    return direct or (region.fc and account.fc_enabled)


def fetches(plan: Plan, region: Region) -> bool:
    """Whether a function can bring a region what another one has."""
    enabled = plan.profile.accounts[0].fc_enabled
    return region.fc and enabled and region.oss is OssMode.OPEN


def unexcused(
    world: World, plan: Plan, report: Report, spoiled: set[str]
) -> Iterator[str]:
    """Give every placement that failed and had no excuse."""
    targets = {target.name: target for target in plan.targets}
    excuses = {
        (o.region, o.name): excuse(world, plan, o.region, targets[o.name], spoiled)
        for o in report.outcomes
    }
    for outcome in report.outcomes:
        if excuses[outcome.region, outcome.name]:
            continue
        where = f"{outcome.region} {outcome.name}"
        held_back = plan.options.all_or_nothing and any(excuses.values())
        if not outcome.result.good and not (held_back and outcome.code == "HeldBack"):
            yield (
                f"{where} {outcome.result} at {outcome.step} without excuse: "
                f"{outcome.code} {outcome.message}"
            )
        elif not outcome.published and not held_back:
            yield f"{where} was not published"


def half_published(
    world: World, plan: Plan, report: Report, spoiled: set[str]
) -> Iterator[str]:
    """Give every image that all-or-nothing held back, and that is published yet.

    For the first run of all: what it found published stays so.
    """
    counted = [o for o in report.outcomes if o.region not in plan.options.allow_failure]
    bounded = report.interrupted or report.timed_out
    if not plan.options.all_or_nothing or bounded or all(o.published for o in counted):
        return
    before = {
        (there.region, plan.targets[there.target].name)
        for there in plan.existing
        if there.public or there.in_family
    }
    targets = {target.name: target for target in plan.targets}
    for outcome in report.outcomes:
        here = (outcome.region, outcome.name)
        if outcome.region in spoiled or here in before:
            continue
        for image in _named(world, *here):
            if image.content_sha256 != targets[outcome.name].image.sha256:
                continue
            if image.public or image.family == targets[outcome.name].family:
                yield f"{outcome.region} {outcome.name} is published, others are not"


# --- how many calls it takes ---------------------------------------------------------

_CALLS_MAX: Final = {
    "region": 10,
    "placement": 8,
    "part": 2,
    "thing of an older run": 8,
}
"""In the best of weathers a run makes fewer calls than these together."""
_LOOKS_S_MAX: Final = 3.0
_LOOKS_MAX: Final = 20
"""And looks no more often at each region, in a second and altogether."""
_LOOKS: Final = (
    calls.DescribeImages,
    calls.DescribeTasks,
    calls.DescribeTaskAttribute,
    calls.DeleteSnapshot,  # which is refused as long as its image is going
)


def _stored(pack: Pack) -> int:
    """Return how many parts are stored of an image: what goes up, and the copies."""
    blocks = sum(-(-piece.length // FINE.block_bytes) for piece in pack.pieces)
    return len(pack.parts) + blocks


def too_many_calls(
    plan: Plan, land: Landscape, report: Report, requests: Sequence[calls.Call[Any]]
) -> Iterator[str]:
    """Say so if a run that nothing disturbed made more calls than it needs.

    What it needs grows with regions, placements and parts, and not faster.
    """
    lent = {r.region for r in requests if isinstance(r, calls.ImportImage)}
    regions = len(lent.union(plan.regions))
    numbers = {
        "region": regions,
        "placement": regions * len(plan.targets),
        "part": regions * sum(_stored(target.image.pack) for target in plan.targets),
        "thing of an older run": len(land.expired),
    }
    most = sum(_CALLS_MAX[what] * number for what, number in numbers.items())
    looks = sum(isinstance(request, _LOOKS) for request in requests)
    if (made := len(requests) - looks) > most:
        yield f"made {made} calls for {numbers}, looks aside"
    everywhere = len(plan.profile.regions)
    if looks > everywhere * (_LOOKS_MAX + _LOOKS_S_MAX * report.seconds):
        yield f"looked {looks} times in {report.seconds:.0f} s at {everywhere} regions"


# --- what may be left -----------------------------------------------------------------


def leftovers(
    world: World, plan: Plan, land: Landscape, *, run_ids: set[str] | None
) -> Iterator[tuple[str, str]]:
    """Give everything temporary that is there, as (region, text).

    Args:
        world: The world.
        plan: The scenario.
        land: What was there before.
        run_ids: Only what these runs made; None for everything that is ours.
    """
    known = {*land.foreign, *(land.live if run_ids is not None else ())}
    known |= set(land.expired) if run_ids is not None else set()
    wanted = {target.name for target in plan.targets}
    for region in world.profile.regions:
        here = region.id
        for bucket in world.oss.state(here, ACCOUNT)["buckets"]:
            lease = of_name(bucket["name"])
            strange = lease is None or ("bucket", here, bucket["name"]) in known
            if not strange and _counts(lease.run_id if lease else "", run_ids):
                yield here, f"bucket {bucket['name']} in {here}"
        for function in world.fc.state(here, ACCOUNT)["functions"]:
            lease = of_name(function["name"])
            strange = lease is None or ("function", here, function["name"]) in known
            if not strange and _counts(lease.run_id if lease else "", run_ids):
                yield here, f"function {function['name']} in {here}"
        for image in store(world).images_of(ACCOUNT, here):
            if ("image", here, image.image_id) in known or image.name in wanted:
                continue
            run_id = begun_by(image)
            if image.name.startswith(PREFIX) and _counts(run_id, run_ids):
                yield here, f"image {image.image_id} {image.name} in {here}"
        images = {i.image_id for i in store(world).images_of(ACCOUNT, here)}
        for snapshot in store(world).snapshots_of(ACCOUNT, here):
            if ("snapshot", here, snapshot.snapshot_id) in known:
                continue
            lease = of_tags(snapshot.tags)
            run_id = lease.run_id if lease else ""
            orphan = snapshot.image_id not in images
            if orphan and (not run_id or _counts(run_id, run_ids)):
                yield here, f"snapshot {snapshot.snapshot_id} {snapshot.tags} in {here}"


def in_making(world: World, run_ids: set[str]) -> Iterator[tuple[str, str]]:
    """Give every image that these runs began and that goes on being made."""
    for region in world.profile.regions:
        for image in store(world).images_of(ACCOUNT, region.id):
            if image.in_making and begun_by(image) in run_ids:
                yield region.id, f"image {image.image_id} {image.name} in {region.id}"


def _counts(run_id: str, run_ids: set[str] | None) -> bool:
    return run_ids is None or run_id in run_ids


def hidden(
    world: World, plan: Plan, land: Landscape, refused: set[str]
) -> Iterator[tuple[str, str]]:
    """Give every image that was public, has its name yet, and is not public any more.

    To be replaced it is hidden first; whoever puts it back shows it again, where the
    region and the account allow that, and did so when they were asked.
    """
    if not plan.profile.accounts[0].agreement_signed:
        return
    names = {target.name for target in plan.targets}
    for region, image_id in land.public:
        place = world.profile.region(region)
        for image in store(world).images_of(ACCOUNT, region):
            back = image.image_id == image_id and image.name in names
            if image_id in refused or not (place and place.public_images):
                continue
            if back and not image.public:
                yield region, f"{image_id} {image.name} in {region}"


def strange_images(world: World, plan: Plan, land: Landscape) -> Iterator[str]:
    """Give every image that is neither wanted nor anybody else's."""
    known = {name for kind, _, name in land.foreign if kind == "image"}
    wanted = {target.name for target in plan.targets}
    for region in world.profile.regions:
        seen: set[str] = set()
        for image in store(world).images_of(ACCOUNT, region.id):
            if image.image_id in known:
                continue
            if image.name not in wanted or image.name in seen:
                yield f"image {image.image_id} {image.name} in {region.id}"
            seen.add(image.name)


def impossible(
    world: World, possible: set[tuple[str, str]], told: tuple[Leftover, ...]
) -> Iterator[str]:
    """Give what the report says may be left, and can never have been there.

    It was never asked for, or whoever asked was refused for good each time. A
    snapshot's id can only come from the cloud.
    """
    for leftover in told:
        if leftover.kind == "snapshot":
            continue
        where = leftover.region, leftover.name
        was = where in possible or store(world).removed_at(leftover.name)
        if not was and not _exists(world, leftover):
            yield f"{leftover.kind} {leftover.name} in {leftover.region}"


def imagined(
    world: World,
    found: list[tuple[str, str]],
    told: tuple[Leftover, ...],
    unsure: set[tuple[str, str]],
) -> Iterator[str]:
    """Give what the report says is left, and is not there, and could be known not to."""
    there = " ".join(text for _, text in found)
    for leftover in told:
        if (leftover.region, leftover.name) in unsure:
            continue
        if f" {leftover.name} " not in f"{there} " and not _exists(world, leftover):
            yield f"{leftover.kind} {leftover.name} in {leftover.region}"


def _exists(world: World, leftover: Leftover) -> bool:
    here = leftover.region
    images = store(world).images_of(ACCOUNT, here)
    rooms = [b["name"] for b in world.oss.state(here, ACCOUNT)["buckets"]]
    rooms += world.fc.functions_of(ACCOUNT, here)
    snapshots = store(world).snapshots_of(ACCOUNT, leftover.region)
    return (
        leftover.name in rooms
        or any(leftover.name in (i.name, i.image_id) for i in images)
        or any(leftover.name == s.snapshot_id for s in snapshots)
    )


def untold(found: list[tuple[str, str]], told: tuple[Leftover, ...]) -> list[str]:
    """Return what is left and not told of, by its name or id, in its region.

    A snapshot goes with its image, so that it is enough to tell of any image there.
    """
    names = {(leftover.region, leftover.name) for leftover in told}
    images = {x.region for x in told if x.kind in {"image", "snapshot"}}
    return [
        text
        for region, text in found
        if not any((region, word) in names for word in text.split())
        and not (text.startswith("snapshot") and region in images)
    ]
