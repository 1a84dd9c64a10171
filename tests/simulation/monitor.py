"""What must hold at every instant, looked at after each call that takes effect."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import anyio

from ali_import.cloud import calls
from ali_import.cloud.calls import Call
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.values import CloudImage, Fetch, LocalBody
from ali_import.cloud.values import ImageStatus as CloudStatus
from ali_import.errors import ApiError, CloudError, TransportError
from ali_import.publish.lease import PREFIX, TAG_RUN
from ali_import.publish.model import Event, Phase, PhaseBegan, Target
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from alicloud_emulator.world.world import World
from tests.simulation.landscape import Landscape, begun_by, store
from tests.simulation.plan import ACCOUNT, Plan
from tests.simulation.stopping import Stop
from tests.simulation.uploads import Uploads
from tests.support.bridge.http import Answer
from tests.support.bridge.names import resource

COPIES_MAX = 5
STALE_S = 60.0
ASKED_ENOUGH = 5
"""Whoever was refused so often in a row may give up, and say so."""
"""A call takes 30 s until it is given up: so old may be what a run has read."""
THROTTLED_S_MIN = 0.9
"""For so long at least a kind of call that was throttled is left alone."""
GONE = "a source that was gone as a function came for it"
SILENT_S = 2 * 60.0
"""A service that answers nobody for so long is given up."""
PROMPT_S = 5.0
"""What a look shows that took longer may be old."""
DOUBT_S = 15.0 - 0.5
"""For 15 s after the asking an empty listing says nothing; less a moment."""
COMPLETE = frozenset({ImageStatus.AVAILABLE, ImageStatus.DEPRECATED})


@dataclass(kw_only=True)
class Tally:
    """What happened over one or many seeds.

    Attributes:
        rows: Rows of the retry table that were looked up for an error that came.
        struck: Faults by kind.
        outcomes: How placements ended, by result and route.
        met: What else a batch must have met: troubles, outages, ends and the like.
    """

    calls: int = 0
    rows: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Take in another tally."""
        self.calls += other.calls
        self.rows.update(other.rows)
        self.struck.update(other.struck)
        self.outcomes.update(other.outcomes)
        self.met.update(other.met)


class Monitor:
    """Watches one world, whoever changes it.

    Attributes:
        violations: What was seen and must not be.
        possible: (region, name or id) of whatever may have been there: it was made, or
            asked for and not refused for good.
        unsure: (region, name) of buckets, functions and images that were asked for without an
            answer, and never deleted with one.
        not_shown: Ids of images that could not be made public: that is told.
        away: Regions in which the weather is so bad that calls may fail for good.
        trace: One row a call, as (virtual time, process, request, answer).
    """

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._names = [target.name for target in plan.targets]
        self._contents = {t.image.sha256 for t in (*plan.targets, *plan.rivals)}
        self._made: dict[tuple[str, ...], dict[str, str]] = {}
        self._tokens: dict[tuple[str, ...], str] = {}
        self._deleted: Counter[tuple[str, ...]] = Counter()
        self._used_up: set[tuple[str, ...]] = set()
        self._copies: dict[tuple[str, str], list[Image]] = {}
        self._gaps: dict[tuple[str, str], _Gap] = {}
        self._complete: set[tuple[str, str]] = set()
        self.not_shown: set[str] = set()
        self._unshown: Counter[str] = Counter()
        self._withdrawn: dict[tuple[str, str], float] = {}
        self._renamed: dict[tuple[str, str], float] = {}
        self._taken_over: dict[str, float] = {}
        self.possible: set[tuple[str, str]] = set()
        self.unsure: set[tuple[str, str]] = set()
        self.away: set[str] = set()
        self.violations: list[str] = []
        self.trace: list[tuple[float, str, Call[Any], Any]] = []
        self.tally = Tally()
        self.uploads = Uploads(world)

    def begin(self, land: Landscape) -> None:
        """Take note of what is there and which names resolve before anything is done."""
        left = land.expired + land.live
        self.possible.update((region, name) for _, region, name in left)
        for region in self._world.profile.regions:
            for name in self._names:
                if self._resolves(region.id, name):
                    self._complete.add((region.id, name))

    def violated(self, text: str) -> None:
        """Take note of something that must not be."""
        self.violations.append(f"at {self._now():.1f} s: {text}")

    def eye(self, process: str, targets: Sequence[Target]) -> "Eye":
        """Return what watches the calls of one process, which wants these targets."""
        return Eye(self, process, targets)

    def _now(self) -> float:
        return self._world.agenda.now - START

    # --- rules --------------------------------------------------------------------

    def before_effect(self, eye: "Eye", request: Call[Any]) -> None:
        """Look at a request that the cloud is about to judge."""
        if wrong := self.uploads.before_effect(eye, request):
            self.violated(wrong)
        if isinstance(request, calls.CopyImage):
            self._check_copy_source(eye, request)
        if isinstance(request, calls.CancelTask | calls.CancelCopyImage):
            self._check_cancelling(eye, request)
        if isinstance(request, calls.ModifyImageAttribute) and request.name:
            self._check_lease(eye, request)

    def after_effect(self, eye: "Eye", request: Call[Any], made: str) -> None:
        """Look at the world after a request took effect; ``made`` is an image's id."""
        if not request.CHANGES:
            return
        if thing := _makes(request):
            self.possible.add(thing)
        if isinstance(request, calls.ImportImage | calls.CopyImage):
            self._note_made(request, made)
        if isinstance(request, calls.DeleteImage):
            self._note_deleted(request)
        if isinstance(request, calls.CopyImage):
            self._check_copies_running(eye, request, made)
        if isinstance(
            request, calls.ModifyImageSharePermission | calls.ModifyImageAttribute
        ):
            self._check_publishing(eye, request)
        if isinstance(request, calls.ModifyImageSharePermission) and request.public:
            eye.told_public.add(request.image_id)
        elif isinstance(request, calls.ModifyImageSharePermission):
            eye.told_public.discard(request.image_id)
            self._withdrawn[request.image_id, eye.process] = self._now()
        if isinstance(request, calls.TagResources) and TAG_RUN in request.tags:
            taken = dict.fromkeys(request.resource_ids, self._now())
            self._taken_over.update(taken)
        if isinstance(request, calls.ModifyImageAttribute) and request.name is not None:
            self._renamed[request.region, eye.process] = self._now()
        if isinstance(request, calls.ModifyImageAttribute) and (
            request.name or request.family
        ):
            self._withdrawn[request.image_id, eye.process] = self._now()
        if request.SERVICE == "ecs":
            self._check_names(eye, request)

    def _check_copy_source(self, eye: "Eye", request: calls.CopyImage) -> None:
        image = self._image(request.region, request.image_id)
        if image is None or not image.public:
            return
        # A listing may lag, so what counts is what the run was shown.
        if image.image_id in eye.told_public:
            self.violated(f"{eye.process} copies the published {image.image_id}")

    def _check_cancelling(
        self, eye: "Eye", request: calls.CancelTask | calls.CancelCopyImage
    ) -> None:
        """Nobody cancels what another run makes."""
        if isinstance(request, calls.CancelTask):
            task = store(self._world).task(ACCOUNT, request.region, request.task_id)
            image_id = task.image_id if task is not None else ""
        else:
            image_id = request.image_id
        image = self._image(request.region, image_id)
        # What a run has read a moment ago it cannot know to be over: there are no locks.
        taken_at = self._taken_over.get(image_id, -STALE_S)
        if self._now() - taken_at < STALE_S:
            return
        if image is not None and begun_by(image, eye.run_id) != eye.run_id:
            self.violated(f"{eye.process} cancels {image_id}, which another run makes")

    def _check_lease(self, eye: "Eye", request: calls.ModifyImageAttribute) -> None:
        """Who gives a replacement its name has taken it over, if it was not his.

        Else anybody who finds that its lease is over may remove it meanwhile.
        """
        image = self._image(request.region, request.image_id)
        replaces = image is not None and image.name.startswith(f"{PREFIX}new-")
        if image is None or not replaces or request.name not in self._names:
            return
        if eye.alone and image.tags.get(TAG_RUN) != eye.run_id:
            whose = f"{image.image_id}, the lease of which is not its own"
            self.violated(f"{eye.process} names {whose}")

    def asked(self, eye: "Eye", request: Call[Any]) -> None:
        """Look at a request that leaves, whether or not it arrives.

        The same thing asked for again, after whatever failure and by whatever process,
        must be asked for with the same token, as long as nothing came of it.
        """
        early_s = eye.not_before.get(_kind(request), 0.0) - anyio.current_time()
        if early_s > 0 and "cleanup" not in eye.process:  # which begins twice
            kind = " ".join(_kind(request))
            self.violated(f"{eye.process} asks {kind} again {early_s:.1f} s too early")
        all_or_nothing = self._plan.options.all_or_nothing and not self._plan.rivalry
        if all_or_nothing and self._publishes(eye, request):
            self._check_all(eye)
        if isinstance(request, calls.DeleteImage):
            name = self._name_of(request.region, request.image_id)
            eye.cleared[request.region, name] = anyio.current_time()
        if not isinstance(request, calls.ImportImage | calls.CopyImage):
            return
        about = _about(request)
        self._check_doubt(eye, request, about)
        self._check_needless(eye, about[1], about[2])
        if (
            self._made.get(about)
            or self._deleted[about[1:3]]
            or about[1:3] in self._used_up
        ):
            return
        token = self._tokens.setdefault(about, request.client_token)
        if token != request.client_token:
            self.violated(f"{about} is asked for with another token")

    def _check_doubt(
        self,
        eye: "Eye",
        request: calls.ImportImage | calls.CopyImage,
        about: tuple[str, ...],
    ) -> None:
        """What was asked for, and may be there, is not asked for anew at once.

        Its answer was lost, or said that name or token are taken. Listings lag, so that
        an empty one says nothing for a while.
        """
        now, where = anyio.current_time(), about[1:3]
        doubt = eye.doubts.get(about)
        if doubt is not None and request.client_token != doubt.token:
            made = self._made.get(about, {}).get(doubt.token, "")
            gone = (
                self._deleted[where] > doubt.deleted
                or eye.cleared.get((where[0], where[1]), -inf) > doubt.asked_at
                or (made and self._image(where[0], made) is None)
            )
            after_s = now - doubt.asked_at
            if not gone and after_s < DOUBT_S:
                text = f"{eye.process} asks anew for {where[1]} in {where[0]}"
                self.violated(f"{text} {after_s:.1f} s after it asked for it")
        eye.asking[about] = now

    def _check_needless(self, eye: "Eye", region: str, name: str) -> None:
        """What is being made, or is there, is not asked for again.

        The cloud said which image it is, and its region has shown what there is since.
        """
        image_id, given_at = eye.given.get((region, name), ("", inf))
        image = self._image(region, image_id)
        if image is None or image.name != name or image.deleting:
            return
        is_well = image.in_making or image.status in COMPLETE
        has_seen = eye.blind_at.get(region, -inf) < given_at
        excused = region in self.away or region in self._plan.stuck
        if is_well and has_seen and not excused:
            text = f"{eye.process} asks again for {name} in {region}"
            self.violated(f"{text}, though nothing is wrong with {image_id}")

    def _note_doubt(
        self, eye: "Eye", request: calls.ImportImage | calls.CopyImage, result: Any
    ) -> None:
        about = _about(request)
        lost = isinstance(result, TransportError)
        if lost or (
            isinstance(result, CloudError) and look_up(result).meaning is Meaning.LOOK
        ):
            eye.doubts[about] = _Doubt(
                asked_at=eye.asking.get(about, anyio.current_time()),
                token=request.client_token,
                deleted=self._deleted[about[1:3]],
            )

    def _note_unsure(self, request: Call[Any], result: Any) -> None:
        """Take note of things of which nobody can say whether they are there."""
        lost = isinstance(result, TransportError) and result.unsure
        match request:
            case calls.ImportImage() if lost:
                self.unsure.add((request.region, request.name))
            case calls.CopyImage() if lost:
                where = request.destination_region
                self.unsure.add((where, request.destination_name))
            case calls.PutBucket() | calls.CreateFunction():
                if lost:
                    self.unsure.add((request.region, resource(request)))
            case calls.DeleteBucket() | calls.DeleteFunction():
                error = isinstance(result, CloudError)
                if not error or look_up(result).meaning is Meaning.DONE:
                    self.unsure.discard((request.region, resource(request)))
            case _:
                pass

    def _note_made(
        self, request: calls.ImportImage | calls.CopyImage, image_id: str
    ) -> None:
        about = _about(request)
        made = self._made.setdefault(about, {})
        if made.setdefault(request.client_token, image_id) != image_id:
            self.violated(f"{about} was made twice with one token")

    def _note_deleted(self, request: calls.DeleteImage) -> None:
        image = self._image(request.region, request.image_id)
        if image is not None:
            self._deleted[request.region, image.name] += 1

    def unresolved(self) -> list[tuple[str, str]]:
        """Return the names that resolved once and do not now."""
        return [key for key in sorted(self._complete) if not self._resolves(*key)]

    def made_twice(self) -> Iterator[str]:
        """Give every name under which more than one image was made."""
        made: dict[tuple[str, ...], set[str]] = {}
        for about, images in self._made.items():
            made.setdefault(about[1:3], set()).update(images.values())
        for (region, name), image_ids in made.items():
            if len(image_ids) > 1 and name in self._names:
                yield f"{name} in {region} was made {len(image_ids)} times"

    def _check_copies_running(
        self, eye: "Eye", request: calls.CopyImage, image_id: str
    ) -> None:
        copies = self._copies.setdefault((eye.process, request.region), [])
        image = self._image(request.destination_region, image_id)
        if image is not None and image not in copies:
            copies.append(image)
        # Of a region that does not answer nobody knows whether its copy runs.
        copies[:] = [c for c in copies if c.in_making and c.region not in self.away]
        if len(copies) > COPIES_MAX:
            self.violated(f"{len(copies)} copies from {request.region} at once")

    def _check_publishing(
        self,
        eye: "Eye",
        request: calls.ModifyImageSharePermission | calls.ModifyImageAttribute,
    ) -> None:
        """Nothing is published before everything is placed or given up."""
        publishes = self._publishes(eye, request)
        if publishes and eye.phase is not Phase.PUBLISH and not self._plan.rivalry:
            self.violated(f"{eye.process} publishes in phase {eye.phase}")

    def _publishes(self, eye: "Eye", request: Call[Any]) -> bool:
        """Whether a call publishes what is to be; to put an older image back is not."""
        if isinstance(request, calls.ModifyImageSharePermission):
            publishes = request.public
        elif isinstance(request, calls.ModifyImageAttribute):
            publishes = request.family in {t.family for t in eye.targets}
        else:
            return False
        image = self._image(request.region, request.image_id)
        return (
            publishes and image is not None and image.content_sha256 in self._contents
        )

    def _check_all(self, eye: "Eye") -> None:
        """With all-or-nothing, everything is there when a call to publish leaves."""
        for region in self._plan.regions:
            if region in self._plan.options.allow_failure:
                continue
            for target in eye.targets:
                sha256 = target.image.sha256
                if not any(
                    image.content_sha256 == sha256
                    and image.status in COMPLETE
                    and image.name == target.name
                    for image in self._images(region)
                ):
                    if not self._just_taken(eye, region):
                        lacks = f"{region} lacks {target.name}"
                        self.violated(f"{eye.process} publishes although {lacks}")
                    return

    def _note_shown(
        self, request: calls.ModifyImageSharePermission, result: Any, *, refused: bool
    ) -> None:
        """Keep which images could not be shown, for good or again and again."""
        image_id = request.image_id
        if not isinstance(result, CloudError):
            self._unshown.pop(image_id, None)
        elif request.public:
            self._unshown[image_id] += 1
        if refused or self._unshown[image_id] >= ASKED_ENOUGH:
            self.not_shown.add(image_id)

    def withdrawn_lately(self, eye: "Eye") -> set[str]:
        """Return the images that another run has just hidden, renamed or regrouped.

        Listings may lag; and what was taken back as this run published it, nobody who has
        published sees any more.
        """

        def is_news(image_id: str, when: float) -> bool:
            published_at = self._withdrawn.get((image_id, eye.process), -inf)
            return min(self._now() - when, abs(published_at - when)) < STALE_S

        return {
            image_id
            for (image_id, who), when in self._withdrawn.items()
            if who != eye.process and is_news(image_id, when)
        }

    def _just_taken(self, eye: "Eye", region: str) -> bool:
        """Whether another run has renamed images there since this one looked.

        What a run has read a moment ago it cannot know to be over: there are no locks.
        """
        seen_at = eye.looked_at.get(region, self._now()) - STALE_S  # listings lag
        return any(
            who != eye.process
            for (where, who), when in self._renamed.items()
            if where == region and when > seen_at
        )

    def _check_names(self, eye: "Eye", request: Call[Any]) -> None:
        """A name that resolves goes on resolving, but between the two renames."""
        region = request.region
        for name in self._names:
            key = (region, name)
            gap = self._gaps.get(key)
            if self._resolves(region, name):
                self._complete.add(key)
                self._gaps.pop(key, None)
            elif gap is not None:
                if gap.opener is eye and self._is_about(request, gap):
                    self.violated(f"{eye.process} leaves {name} in {region} away")
            elif key in self._complete:
                renames = (
                    isinstance(request, calls.ModifyImageAttribute)
                    and request.name is not None
                )
                if not renames and not self._just_taken(eye, region):
                    self.violated(f"{name} in {region} does not resolve any more")
                    self._complete.discard(key)
                elif not renames:
                    # Another run put the old image back in this very moment.
                    self._complete.discard(key)
                else:
                    self._gaps[key] = _Gap(
                        opener=eye,
                        image_id=resource_id(request),
                        contents=frozenset(
                            t.image.sha256 for t in eye.targets if t.name == name
                        ),
                    )

    def _is_about(self, request: Call[Any], gap: "_Gap") -> bool:
        """Whether a call in a gap is about the name, and not what opened the gap."""
        if isinstance(request, calls.ModifyImageAttribute) and request.name is not None:
            return False
        image = self._image(request.region, resource_id(request))
        if image is None or image.name.startswith("ali-import-src-"):
            return False  # that one was lent, and is about no name
        return image.image_id == gap.image_id or image.content_sha256 in gap.contents

    def _resolves(self, region: str, name: str) -> bool:
        return any(
            image.name == name and image.status in COMPLETE
            for image in self._images(region)
        )

    def _images(self, region: str) -> list[Image]:
        return list(store(self._world).images_of(ACCOUNT, region))

    def _image(self, region: str, image_id: str) -> Image | None:
        found = (i for i in self._images(region) if i.image_id == image_id)
        return next(found, None)

    def _name_of(self, region: str, image_id: str) -> str:
        """Return an image's name: of one that is gone, the name it was made with."""
        image = self._image(region, image_id)
        if image is not None:
            return image.name
        made = (
            about[2] for about, ids in self._made.items() if image_id in ids.values()
        )
        return next(made, "")

    def answered(self, eye: "Eye", request: Call[Any], result: Any) -> None:
        """Keep the trace, and count what the retry table was asked."""
        self.tally.calls += 1
        self.uploads.answered(eye, request, result)
        refused = isinstance(result, CloudError) and look_up(result).meaning in _REFUSED
        if isinstance(request, calls.ModifyImageSharePermission):
            self._note_shown(request, result, refused=refused)
        if (made := _makes(request)) and not refused:
            self.possible.add(made)
        self._note_unsure(request, result)
        self.trace.append((self._now(), eye.process, request, result))
        if isinstance(request, calls.ImportImage | calls.CopyImage):
            self._note_doubt(eye, request, result)
        if isinstance(result, CloudError):
            row = look_up(result)
            self.tally.rows[row.code, row.operations] += 1
            if row.meaning is Meaning.LOOK and isinstance(
                request, calls.ImportImage | calls.CopyImage
            ):
                self._used_up.add(_about(request)[1:3])  # the token, said the cloud


class Eye:
    """Watches one process.

    Attributes:
        run_id: Of the run that it carries out, if it does.
        phase: The phase it told last.
        alone: Whether it is the only process that ever ran at this time.
        over: Whether it has ended, one way or the other.
        uplink: Bytes it sent of each local file, successfully.
        parts: The same by file and region, each part once, by its number.
        when_answered: What to do when the first call of an action has succeeded.
        asking: When it last asked for each image, on the event loop's clock.
        doubts: What may be there of what it asked for.
        functions: (region, name) of every function it made.
        failed: How the function failed that a call invoked last, by the call's identity.
        gone: (region, name or id) of what it asked to delete, and heard was not there.
        silent: Regions in which a service answered nothing for so long that whoever
            asked may give up there, and say so.
        hopeless: Calls of which a relay said that one of their sources is gone.
        cleaned_from: When it said that it cleans up, on the event loop's clock.
        not_before: When each kind of call may be made again that was throttled, on the
            event loop's clock.
        unusable: How often it saw an image that is not Usable.
        looked_at: When it saw images of a region last.
        cleared: When it asked last to delete what had a (region, name), on the event
            loop's clock.
        told_public: Images that it published, or saw public when it looked last.
        given: Which image was to be made as a (region, name), and when that was said.
        blind_at: When a look at a region failed last, or came late.
        stop: What kept the regions busy since it was told to stop.
    """

    def __init__(
        self, monitor: Monitor, process: str, targets: Sequence[Target]
    ) -> None:
        self._monitor = monitor
        self.process = process
        self.targets = targets
        self.run_id = ""
        self.phase = Phase.SURVEY
        self.alone = True
        self.over = False
        self.uplink: Counter[Path] = Counter()
        self.parts: dict[tuple[Path, str], dict[int, int]] = {}
        self.when_answered: dict[str, Callable[[], None]] = {}
        self.asking: dict[tuple[str, ...], float] = {}
        self.doubts: dict[tuple[str, ...], _Doubt] = {}
        self.functions: set[tuple[str, str]] = set()
        self.failed: dict[int, str] = {}
        self.gone: set[tuple[str, str]] = set()
        self.silent: set[str] = set()
        self._left_at: dict[int, float] = {}
        self._silent_since: dict[tuple[str, str], float] = {}
        self.hopeless: dict[int, Call[Any]] = {}
        self.cleaned_from = 0.0
        self.not_before: dict[tuple[str, str], float] = {}
        self.unusable = 0
        self.told_public: set[str] = set()
        self.looked_at: dict[str, float] = {}
        self.cleared: dict[tuple[str, str], float] = {}
        self.given: dict[tuple[str, str], tuple[str, float]] = {}
        self.blind_at: dict[str, float] = {}
        self.stop = Stop()

    def emit(self, event: Event) -> None:
        """Hear what the process tells."""
        if isinstance(event, PhaseBegan):
            self.phase = event.phase
            if event.phase is Phase.CLEAN_UP:
                self.cleaned_from = anyio.current_time()

    def asked(self, request: Call[Any]) -> None:
        """Look at a request that leaves."""
        self.stop.asked(request)
        if made := _makes(request):
            self.gone.discard(made)
        self.failed.pop(id(request), None)
        self._left_at[id(request)] = anyio.current_time()
        if id(request) in self.hopeless:
            where = f"{request.operation()} in {request.region}"
            text = f"{self.process} repeats {where}, whose sources are gone"
            self._monitor.violated(text)
        self._monitor.asked(self, request)

    def before(self, request: Call[Any]) -> None:
        """Look at a request that reaches the cloud."""
        self._monitor.before_effect(self, request)

    def after(self, request: Call[Any], made: str) -> None:
        """Look at the world after a request took effect."""
        if isinstance(request, calls.CreateFunction):
            self.functions.add((request.region, request.name))
        self._monitor.after_effect(self, request, made)

    def received(self, request: Call[Any], answer: Answer) -> None:
        """Look at what comes back over the wire."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if kind := headers.get("x-fc-error-type", ""):
            self.failed[id(request)] = kind
        if isinstance(getattr(request, "body", None), Fetch) and _tells_gone(answer):
            self.hopeless[id(request)] = request  # which keeps its identity
            self._monitor.tally.met[GONE] += 1

    def answered(self, request: Call[Any], result: Any) -> None:
        """See what the process is told."""
        self.stop.answered(request, result)
        self._note_given(request, result)
        self._note_silence(request, result)
        if isinstance(request, _DELETES) and _is_not_found(result):
            self.gone.add((request.region, resource(request)))
        kind = self.failed.pop(id(request), "")
        if kind and not (isinstance(result, CloudError) and result.code == kind):
            told = f"{request.operation()} in {request.region}: {_told(result)}"
            self._monitor.violated(f"{self.process} hears no {kind} of {told}")
        if isinstance(request, calls.DescribeImages) and isinstance(result, tuple):
            available = (i for i in result if i.status is CloudStatus.AVAILABLE)
            self.unusable += any(image.usable is False for image in available)
            self.looked_at[request.region] = self._monitor._now()
            for image in result:
                self.told_public.discard(image.image_id)
                if image.public:
                    self.told_public.add(image.image_id)
        if (
            isinstance(result, ApiError)
            and look_up(result).meaning is Meaning.THROTTLED
        ):
            pause_s = result.retry_after_s or THROTTLED_S_MIN
            self.not_before[_kind(request)] = anyio.current_time() + pause_s
        body = getattr(request, "body", None)
        if isinstance(body, LocalBody) and not isinstance(result, Exception):
            self.uplink[body.path] += body.length
            parts = self.parts.setdefault((body.path, request.region), {})
            parts[getattr(request, "number", 1)] = body.length
        if not isinstance(result, Exception):
            self.when_answered.pop(type(request).__name__, _nothing)()
        self._monitor.answered(self, request, result)

    def _note_silence(self, request: Call[Any], result: Any) -> None:
        key, now = (request.SERVICE, request.region), anyio.current_time()
        left_at = self._left_at.pop(id(request), now)
        if not isinstance(result, TransportError) or result.code == "GarbledAnswer":
            self._silent_since.pop(key, None)
        elif now - self._silent_since.setdefault(key, left_at) > SILENT_S:
            self.silent.add(request.region)

    def _note_given(self, request: Call[Any], result: Any) -> None:
        """Note which image the cloud makes, and where listings say nothing for sure."""
        now, failed = anyio.current_time(), isinstance(result, Exception)
        if isinstance(request, calls.ImportImage | calls.CopyImage) and not failed:
            _, region, name, _ = _about(request)
            image_id = result if isinstance(result, str) else result.image_id
            self.given[region, name] = image_id, now
        if isinstance(request, _LOOKS):
            late = now - self._left_at.get(id(request), now) > PROMPT_S
            if failed or late:
                self.blind_at[request.region] = now


def _nothing() -> None:
    pass


_DELETES = calls.DeleteBucket | calls.DeleteFunction | calls.DeleteSnapshot


def _is_not_found(result: Any) -> bool:
    return isinstance(result, ApiError) and result.http_status == 404


def _tells_gone(answer: Answer) -> bool:
    """Whether a relay says that a source of what it was to fetch is gone."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return False
    error = told.get("error") if isinstance(told, dict) else None
    return isinstance(error, dict) and bool(error.get("gone"))


def _kind(request: Call[Any]) -> tuple[str, str]:
    """Return the calls that are throttled together: one action in one region."""
    return request.operation(), request.region


@dataclass(frozen=True, kw_only=True)
class _Doubt:
    """An image that may be there: when it was asked for, and with which token.

    Attributes:
        deleted: How many images of its name had been deleted by then.
    """

    asked_at: float
    token: str
    deleted: int


@dataclass(frozen=True, kw_only=True)
class _Gap:
    """A name that stands for nothing, between the two renames of a replacement."""

    opener: Eye
    image_id: str
    contents: frozenset[str]


_REFUSED = frozenset({Meaning.ROUTE, Meaning.FINAL})
_LOOKS = (calls.DescribeImages, calls.DescribeTasks)


def _makes(request: Call[Any]) -> tuple[str, str] | None:
    """Return (region, name) of the thing that a request makes or names; or None."""
    match request:
        case calls.PutBucket():
            return request.region, request.bucket
        case calls.CreateFunction() | calls.ImportImage():
            return request.region, request.name
        case calls.CopyImage():
            return request.destination_region, request.destination_name
        case calls.ModifyImageAttribute() if request.name is not None:
            return request.region, request.name
        case _:
            return None


def _about(request: calls.ImportImage | calls.CopyImage) -> tuple[str, ...]:
    """Return what is asked for: kind, region, name, and what it is made of."""
    if isinstance(request, calls.ImportImage):
        return "import", request.region, request.name, request.key
    where = request.destination_region, request.destination_name
    return "copy", *where, request.image_id


def resource_id(request: Call[Any]) -> str:
    """Return the id of the image a request is about, or ""."""
    ids = getattr(request, "resource_ids", ())
    return str(getattr(request, "image_id", "") or (ids[0] if ids else ""))


START = 1_790_000_000.0
"""Unix time at which every simulation begins."""


def line(row: tuple[float, str, Call[Any], Any]) -> str:
    """Return a row of a trace as text."""
    when, process, request, result = row
    relay = " relayed" if getattr(request, "relay", "") else ""
    to = ""
    if isinstance(request, calls.CopyImage):
        to = f" -> {request.destination_region} {request.destination_name}"
    return (
        f"{when:10.3f} {process} {request.operation()}{relay} {request.region} "
        f"{resource(request)}{to}: {_told(result)}"
    )


def _told(result: Any) -> str:
    if isinstance(result, CloudError):
        return f"!! {result.code}"
    if not isinstance(result, tuple):
        return str(result)
    return f"{len(result)} " + " ".join(
        f"{row.image_id}={row.status.value}"
        if isinstance(row, CloudImage)
        else str(row)
        for row in result[:4]
    )
