"""What one placement works with."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from ali_import.cloud.values import CloudImage
from ali_import.publish.budget import ByteBudget
from ali_import.publish.context import Context
from ali_import.publish.lease import TAG_SHA256
from ali_import.publish.model import Route, Step, Target
from ali_import.publish.sources import Sources
from ali_import.publish.watcher import Watcher
from ali_import.publish.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Site:
    """One region, as a place to work in."""

    region: str
    workspace: Workspace
    watcher: Watcher


@dataclass(kw_only=True)
class Job:
    """One image to be made in one region, under one name.

    The name is the target's own, or a temporary one (``temporary``): to replace an
    older image later, or to serve as a source to copy from.

    Attributes:
        borrow: Has the image imported in some region for a while, to be copied from
            there, but not in certain regions; False if no (other) region can.
        lent: It is made for other regions to copy from, and never renamed.
        replaced: Ids of failed images that were removed to make room; part of the
            ClientToken, since a token answers for ever with its first result.
        salt: Part of the ClientToken too; changes when a token turns out to be used up.
        making: Whether an import or a copy was asked for and is not known to have
            ended.
        task_id: The import's task, once known.
        image: The image, once Available.
        retired: The image that this one replaces, while it is not what it was: hidden,
            or (by its name here) aside under a temporary name.
        superseded: Images that stand aside since somebody else replaced them, whose
            image is the one retired now.
    """

    context: Context
    site: Site
    target: Target
    name: str
    sources: Sources
    uplink: ByteBudget
    borrow: Callable[["Job", Collection[str]], Awaitable[bool]]
    temporary: bool = False
    lent: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    replaced: str = ""
    salt: str = ""
    making: bool = False
    adopted: bool = False
    task_id: str = ""
    route: Route | None = None
    step: Step = Step.SURVEY
    image: CloudImage | None = None
    retired: CloudImage | None = None
    superseded: list[CloudImage] = field(default_factory=list)

    @property
    def region(self) -> str:
        """The region the image is made in."""
        return self.site.region

    @property
    def large(self) -> bool:
        """Whether the image is too large to go up more than once."""
        return len(self.target.image.parts) > 1

    def is_ours(self, image: CloudImage) -> bool:
        """Whether an image holds this job's content, and we made it."""
        return image.tags.get(TAG_SHA256) == self.target.image.sha256

    def enter(self, step: Step, progress: int = 0) -> None:
        """Tell that the job entered a step."""
        self.step = step
        self.context.moved(self.region, self.target, step, self.route, progress)
