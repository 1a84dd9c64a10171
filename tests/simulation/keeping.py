"""What pruning may do, as issue and documents say it, and who looks on while it does.

The rules are written down here a second time, from `docs/commands.md` and not from the
tool: a version is a name without its flavour's suffix, the newest ones stay, and so does
whatever its family resolves to, an instance uses, or is shared with accounts.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import Any, Final

from ali_import.cloud.calls import Call
from ali_import.publish.lease import PREFIX
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from alicloud_emulator.world.world import World
from tests.simulation.landscape import store
from tests.simulation.plan import ACCOUNT
from tests.support.bridge.http import Answer

OURS: Final = "ali-import:sha256"
SINCE: Final = "ali-import:deprecated"
FINE_S: Final = 5.0
"""So long after it looked a command may act on what it saw, in good weather."""
_SUFFIX: Final = re.compile("-uefi-(x86-64|arm64|multi)$")
_ROUNDED_S: Final = 1.0
"""Times in tags are whole seconds."""


class Deed(StrEnum):
    """What the rules say is to be done about an image.

    * ``mark``: somebody deprecated it, which counts from now on.
    """

    DEPRECATE = "deprecate"
    MARK = "mark"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A ``[prune]`` table, and the families that it is for."""

    families: tuple[str, ...]
    keep: int
    deprecate: bool
    delete_after_s: float | None
    shared: bool


@dataclass(frozen=True, kw_only=True)
class Stood:
    """An image as it stood at a moment.

    Attributes:
        used: Whether an instance of the account was made of it.
        since: When it was deprecated, whatever its tag says; inf if it is not.
        whole: Everything about it, as text.
    """

    region: str
    image_id: str
    name: str
    family: str
    status: ImageStatus
    public: bool
    shared: bool
    used: bool
    created_at: float
    tags: Mapping[str, str]
    since: float
    whole: str

    @property
    def ours(self) -> bool:
        """Whether the tool made it, and it is no temporary one."""
        return OURS in self.tags and not self.name.startswith(PREFIX)

    @property
    def version(self) -> str:
        """Its name without its flavour's suffix."""
        return _SUFFIX.sub("", self.name)

    @property
    def marked_at(self) -> float | None:
        """The time in its tag, or None if there is none to go by."""
        text = self.tags.get(SINCE, "")
        return float(text) if text.isdigit() else None

    def belongs_to(self, families: Collection[str]) -> bool:
        """Whether it is in one of some families, which may go without the suffix."""
        return self.family in families or _SUFFIX.sub("", self.family) in families


State = Mapping[str, Stood]
"""What stands in a region, by id."""


# --- the rules ------------------------------------------------------------------------


def newest_versions(everywhere: Sequence[State], family: str, keep: int) -> set[str]:
    """Return the versions of a family that stay, by their first image anywhere."""
    first: dict[str, float] = {}
    for state in everywhere:
        for image in state.values():
            if image.ours and image.belongs_to((family,)):
                earlier = first.get(image.version, inf)
                first[image.version] = min(earlier, image.created_at)
    return set(sorted(first, key=lambda version: first[version])[-keep:])


def resolved(state: State) -> dict[str, str]:
    """Return the image that each family of a region resolves to, by its id."""
    found: dict[str, Stood] = {}
    for image in state.values():
        if image.status is ImageStatus.AVAILABLE and image.family:
            there = found.get(image.family)
            if there is None or there.created_at < image.created_at:
                found[image.family] = image
    return {family: image.image_id for family, image in found.items()}


def forbids(state: State, image_id: str, rules: Rules) -> str:
    """Return why an image is not to be pruned, whatever its version; "" if it may be."""
    image = state.get(image_id)
    if image is None:
        return "it is not there"
    if not image.ours:
        return "it is foreign"
    if not image.belongs_to(rules.families):
        return "it is of another family"
    if image_id in resolved(state).values():
        return "its family resolves to it"
    if image.used:
        return "an instance uses it"
    if image.shared and not rules.shared:
        return "it is shared with accounts"
    return ""


def deed(image: Stood, rules: Rules, now: float) -> Deed | None:
    """Return what is due about an image that may be pruned; None for nothing."""
    if image.status is ImageStatus.AVAILABLE:
        return Deed.DEPRECATE if rules.deprecate else None
    if image.status is not ImageStatus.DEPRECATED:
        return None
    if image.marked_at is None:
        return Deed.MARK if rules.deprecate else None
    if rules.delete_after_s is None or now - image.marked_at < rules.delete_after_s:
        return None
    return Deed.DELETE


def due(everywhere: Sequence[State], rules: Rules, now: float) -> dict[str, Deed]:
    """Return what the rules want done, by image id."""
    found: dict[str, Deed] = {}
    for family in rules.families:
        kept = newest_versions(everywhere, family, rules.keep)
        of_family = replace(rules, families=(family,))
        for state in everywhere:
            for image_id, image in state.items():
                what = deed(image, rules, now)
                if image.version in kept or forbids(state, image_id, of_family):
                    continue
                if what is not None:
                    found[image_id] = what
    return found


# --- who looks on ---------------------------------------------------------------------


class Keeper:
    """Looks at a world whenever it changes, and at what commands do to it.

    Attributes:
        used: Ids of images that instances of the account were made of.
        race_s: How long ago a command may have looked, when it acts.
        violations: What was seen and must not be.
        met: What happened, by kind.
        trace: One line a call.
    """

    def __init__(self, world: World, used: Collection[str]) -> None:
        self._world = world
        self._began = world.agenda.now
        self._since: dict[str, float] = {}
        self._past: dict[str, list[tuple[float, State]]] = {}
        self._finding: list[Eye] = []
        self.used = used
        self.race_s = FINE_S
        self.violations: list[str] = []
        self.met: Counter[str] = Counter()
        self.trace: list[str] = []
        self.calls = 0
        world.agenda.listeners.append(self.note)
        self.note()

    def note(self, *regions: str) -> None:
        """Take note of what stands now in some regions, or in all."""
        now = self._world.agenda.now
        changed = False
        for region in regions or [there.id for there in self._world.profile.regions]:
            past = self._past.setdefault(region, [])
            state = {
                image.image_id: self._stood(image, now)
                for image in store(self._world).images_of(ACCOUNT, region)
            }
            if not past or state != past[-1][1]:
                past.append((now, state))
                changed = True
        if changed:
            for eye in self._finding:
                eye.compare(self.everywhere())

    def catch_up(self) -> None:
        """Let happen what is due; each event is taken note of."""
        self._world.agenda.catch_up()

    def forget(self) -> None:
        """Forget what stood before now: no command looked at it that still runs."""
        for past in self._past.values():
            del past[:-1]

    def now(self, region: str) -> State:
        """Return what stands in a region."""
        return self._past[region][-1][1]

    def everywhere(self) -> list[State]:
        """Return what stands in each region."""
        return [past[-1][1] for past in self._past.values()]

    def violated(self, text: str) -> None:
        """Take note of something that must not be."""
        day = (self._world.agenda.now - self._began) / 86_400
        self.violations.append(f"on day {day:.3f}: {text}")

    def tell(self, text: str) -> None:
        """Put a line into the trace."""
        self.trace.append(f"{self._world.agenda.now - self._began:14.3f} {text}")

    def finding(self, eye: "Eye", *, begins: bool) -> None:
        """Let a command look for what is due, which takes a while; or end that."""
        if begins:
            self._finding.append(eye)
            eye.compare(self.everywhere())
        elif eye in self._finding:
            self._finding.remove(eye)

    def states(self, region: str) -> Iterator[State]:
        """Yield what a command that acts now may have seen in a region, newest first."""
        over = self._world.agenda.now - self.race_s
        for began, state in reversed(self._past[region]):
            yield state
            if began <= over:
                return

    def _stood(self, image: Image, now: float) -> Stood:
        deprecated = image.status is ImageStatus.DEPRECATED
        if not deprecated:
            self._since.pop(image.image_id, None)
        return Stood(
            region=image.region,
            image_id=image.image_id,
            name=image.name,
            family=image.family,
            status=image.status,
            public=image.public,
            shared=bool(image.shared_with),
            used=image.image_id in self.used,
            created_at=image.created_at,
            tags=dict(image.tags),
            since=self._since.setdefault(image.image_id, now) if deprecated else inf,
            whole=repr(image),
        )


@dataclass(kw_only=True)
class Eye:
    """Watches the calls of one command.

    Attributes:
        rules: What it prunes by; None if it publishes.
        names: What it publishes.
        families: Those that have to go on resolving to what they resolve to.
        after_changes: What to do when so many calls that change something were answered.
        old: (family, version) of what was old while it looked what is due.
    """

    keeper: Keeper
    command: str
    rules: Rules | None = None
    names: Collection[str] = ()
    families: Collection[str] = ()
    after_changes: dict[int, Callable[[], None]] = field(default_factory=dict)
    old: set[tuple[str, str]] = field(default_factory=set)
    _changes: int = 0

    # --- as the bridge calls it -------------------------------------------------------

    def asked(self, request: Call[Any]) -> None:
        """See a request leave."""
        self.keeper.calls += 1

    def before(self, request: Call[Any]) -> None:
        """See a request that is about to be carried out, after all that was due."""
        self.keeper.catch_up()

    def after(self, request: Call[Any], made: str) -> None:
        """Look at what a request did."""
        if not request.CHANGES:
            return
        region = getattr(request, "destination_region", "") or request.region
        if region:
            was = self.keeper.now(region)
            self.keeper.note(region)
            now = self.keeper.now(region)
            for image_id in {**was, **now}:
                if was.get(image_id) != now.get(image_id):
                    self._judge(request, region, image_id, was, now)
            self._check_families(request, region, was, now)

    def received(self, request: Call[Any], answer: Answer) -> None:
        """See what comes back over the wire."""

    def answered(self, request: Call[Any], result: Any) -> None:
        """Put the call into the trace."""
        told = repr(result) if isinstance(result, Exception) else type(result).__name__
        about = getattr(request, "image_id", "") or getattr(request, "name", "")
        about = about or getattr(request, "resource_ids", "")
        operation = request.operation()
        line = f"{self.command} {operation} {request.region} {about}: {told[:150]}"
        self.keeper.tell(line)
        self._changes += request.CHANGES
        if request.CHANGES and (act := self.after_changes.pop(self._changes, None)):
            act()

    # --- what must hold ---------------------------------------------------------------

    def compare(self, everywhere: Sequence[State]) -> None:
        """Take note of which versions are old."""
        rules = self.rules
        for family in rules.families if rules is not None else ():
            assert rules is not None
            kept = newest_versions(everywhere, family, rules.keep)
            for state in everywhere:
                self.old |= {(family, i.version) for i in state.values()} - {
                    (family, version) for version in kept
                }

    def _judge(
        self, request: Call[Any], region: str, image_id: str, was: State, now: State
    ) -> None:
        image = was.get(image_id) or now[image_id]
        if self.rules is None:
            why = "" if self._is_published(image) else "nobody asked for that"
        elif image_id not in was:
            why = "pruning makes nothing"
        else:
            why = self._why_not(region, was[image_id], now.get(image_id), self.rules)
        if why:
            self._violated(request, image, why)

    def _is_published(self, image: Stood) -> bool:
        return image.name in self.names or image.name.startswith(PREFIX)

    def _violated(self, request: Call[Any], image: Stood, why: str) -> None:
        what = f"{request.operation()} of {image.name} ({image.image_id})"
        self.keeper.violated(f"{self.command}: {what} in {image.region}: {why}")

    def _why_not(self, region: str, was: Stood, now: Stood | None, rules: Rules) -> str:
        """Return why pruning must not do that; "" if it might, lately."""
        if not any((f, was.version) in self.old for f in rules.families):
            return "its version is one of the newest"
        if now is None or now.status is ImageStatus.UNAVAILABLE:
            wanted = {Deed.DELETE}
        elif (was.status, now.status) == (
            ImageStatus.AVAILABLE,
            ImageStatus.DEPRECATED,
        ):
            wanted = {Deed.DEPRECATE}
        elif now.status is was.status:  # it is hidden, shown again or tagged
            wanted = set(Deed)
        else:
            return f"it became {now.status}"
        at = self.keeper._world.agenda.now
        why = ""
        for state in self.keeper.states(region):
            no = forbids(state, was.image_id, rules)
            if not no and deed(state[was.image_id], rules, at) not in wanted:
                no = f"it is {state[was.image_id].status} and that is not due"
            if not no and wanted == {Deed.DELETE}:
                lasted = at - state[was.image_id].since
                if lasted < (rules.delete_after_s or 0.0) - _ROUNDED_S:
                    no = f"it was deprecated {lasted / 86_400:.1f} days ago"
            if not no:
                return ""
            why = why or no
        return why

    def _check_families(
        self, request: Call[Any], region: str, was: State, now: State
    ) -> None:
        """A family that resolves to an image goes on doing so while we publish."""
        is_now = resolved(now)
        for family, image_id in resolved(was).items():
            if family in self.families and family not in is_now:
                text = f"{family} resolves to nothing"
                self._violated(request, was[image_id], text)
