"""What people do by hand: to a release that was just published, and to older images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from ali_import.publish.lease import TAG_DEPRECATED, TAG_RUN, TAG_SHA256, TAG_VERSION
from ali_import.publish.model import Target
from ali_import.standing.plan import Action
from alicloud_emulator.world.ecs.records import Image, ImageStatus
from tests.simulation.landscape import _Put, store
from tests.simulation.scene import Scene

FRIENDS: Final = ("9" * 16, "8" * 16)
STATES: Final = (ImageStatus.AVAILABLE, ImageStatus.DEPRECATED)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Something that people do to an image of a release, and what the plan says of it.

    Attributes:
        do: Does it, and returns what a publication would set; None: it is made anew.
        fits: Whether it makes a difference to an image, before it is done.
    """

    name: str
    do: Callable[[Scene, Image, Target], Mapping[str, str] | None]
    fits: Callable[[Image], bool] = lambda image: True


def _unshare(_scene: Scene, image: Image, _target: Target) -> dict[str, str]:
    image.public = False
    return {"public": "true"}


def _take_off(tag: str) -> Callable[[Scene, Image, Target], dict[str, str]]:
    def untag(_scene: Scene, image: Image, _target: Target) -> dict[str, str]:
        image.tags.pop(tag, None)
        return {"tags": "ours"}

    return untag


def _disown(_scene: Scene, image: Image, _target: Target) -> dict[str, str]:
    """Take off every tag; its description still says what it holds."""
    image.tags.clear()
    return {"tags": "ours"}


def _move(_scene: Scene, image: Image, target: Target) -> dict[str, str]:
    image.family = "elsewhere"
    return {"family": target.family}


def _deprecate(_scene: Scene, image: Image, _target: Target) -> dict[str, str]:
    """Deprecate it, which the cloud does only with what nobody else sees."""
    was_public = image.public
    image.public, image.status = False, ImageStatus.DEPRECATED
    image.shared_with.clear()
    return {"status": "Available", **({"public": "true"} if was_public else {})}


def _boot_otherwise(_scene: Scene, image: Image, target: Target) -> dict[str, str]:
    image.boot_mode = "UEFI"
    return {"boot-mode": target.image.boot_mode.value}


def _delete(scene: Scene, image: Image, _target: Target) -> None:
    delete(scene, image)


def _share(scene: Scene, image: Image, _target: Target) -> dict[str, str]:
    image.shared_with[FRIENDS[0]] = scene.now()
    return {}


def _tag(_scene: Scene, image: Image, _target: Target) -> dict[str, str]:
    image.tags["team"] = "kernel"
    return {}


DRIFTS: Final = (
    Drift(name="unshare", do=_unshare, fits=lambda image: image.public),
    Drift(name="untag the run", do=_take_off(TAG_RUN)),
    Drift(name="untag the version", do=_take_off(TAG_VERSION)),
    Drift(name="disown", do=_disown),
    Drift(name="move", do=_move),
    Drift(name="deprecate", do=_deprecate),
    Drift(
        name="boot otherwise",
        do=_boot_otherwise,
        fits=lambda image: image.boot_mode == "BIOS" and image.architecture != "arm64",
    ),
    Drift(name="delete", do=_delete),
    Drift(name="share", do=_share),
    Drift(name="tag", do=_tag),
)
"""What people do to the newest release; the last two are nothing to be mended."""


def action_after(changes: Mapping[str, str] | None) -> Action:
    """Return what a plan wants to do about an image that people changed so."""
    if changes is None:
        return Action.MAKE
    return Action.MEND if changes else Action.KEEP


# --- anything to any image --------------------------------------------------------------


def delete(scene: Scene, image: Image) -> None:
    """Delete an image as people do, with its snapshots."""
    things = store(scene.world)
    things.remove_image(image)
    for disk in image.disks:
        snapshot = things.snapshot(image.account_id, image.region, disk.snapshot_id)
        if snapshot is not None:
            things.remove_snapshot(snapshot)


def _deprecate_old(image: Image) -> None:
    image.public, image.status = False, ImageStatus.DEPRECATED
    image.shared_with.clear()


def _set_available(image: Image) -> None:
    image.status = ImageStatus.AVAILABLE


def _show(image: Image) -> None:
    image.public = True


def _hide(image: Image) -> None:
    image.public = False


def _move_old(image: Image) -> None:
    image.family = "elsewhere"


def _disown_old(image: Image) -> None:
    image.tags.pop(TAG_SHA256, None)


DEEDS: Final[tuple[Callable[[Image], None], ...]] = (
    _deprecate_old,
    _deprecate_old,
    _set_available,
    _show,
    _hide,
    _move_old,
    _disown_old,
)


class People:
    """Those who do things in the console, and use images.

    Args:
        scene: Where.
        families: That of the release, and one that they leave alone.
        used: Ids of images that instances were made of.
    """

    def __init__(self, scene: Scene, families: tuple[str, str], used: set[str]) -> None:
        self._scene = scene
        self._family, self._other = families
        self._number = 0
        self._used = used

    def act(self, dice: Random) -> str:
        """Do something to some image, and say what."""
        images = [
            image
            for image in self._scene.images()
            if image.status in STATES and image.family != self._other
        ]
        kind = dice.choice(("deed", "deed", "delete", "use", "use", "share", "foreign"))
        if kind == "foreign" or not images:
            return self._make_foreign(dice)
        image = dice.choice(images)
        if kind == "deed":
            do = dice.choice(DEEDS)
            do(image)
            kind = do.__name__
        elif kind == "delete" and image.image_id not in self._used:
            delete(self._scene, image)
        elif kind == "use":
            self._used.symmetric_difference_update({image.image_id})
        elif kind == "share":
            self._share(image)
        return f"{kind} {image.name} {image.image_id} in {image.region}"

    def _share(self, image: Image) -> None:
        if image.shared_with:
            image.shared_with.clear()
        elif image.status is ImageStatus.AVAILABLE:
            image.shared_with.update(dict.fromkeys(FRIENDS, self._scene.now()))

    def _make_foreign(self, dice: Random) -> str:
        """Put an image there that looks like one of the release, and is nobody's."""
        self._number += 1
        put = _Put(self._scene.world, dice)
        region = dice.choice([region.id for region in self._scene.profile.regions])
        tags = dice.choice(({}, {TAG_RUN: "12345678"}, {TAG_DEPRECATED: "1"}))
        status = dice.choice((*STATES, ImageStatus.AVAILABLE))
        image = put.image(
            region,
            f"{self._family}-by-hand-{self._number}",
            family=dice.choice((self._family, "", f"{self._family}-uefi-x86-64")),
            status=status,
            public=status is ImageStatus.AVAILABLE and dice.random() < 0.5,
            tags=dict(tags),
        )
        return f"foreign {image.name} in {region}"
