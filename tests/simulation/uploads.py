"""What must hold of uploads that several runs go on with."""

from typing import TYPE_CHECKING, Any, Final

from ali_import.cloud import calls
from ali_import.cloud.calls import Call
from ali_import.cloud.values import BROKEN, READY, CloudImage, LocalBody
from ali_import.publish.guests import LEFT, guests
from ali_import.publish.lease import TAG_RUN, marks, of_name
from alicloud_emulator.world.oss.values import Bucket
from alicloud_emulator.world.world import World

if TYPE_CHECKING:
    from tests.simulation.monitor import Eye

WENT_ON: Final = "an upload that another run went on with"
SHARED: Final = "a bucket that was left to a guest"

_TAKES_AWAY = calls.DeleteObjects | calls.AbortMultipartUpload | calls.DeleteBucket


class Uploads:
    """Watches the uploads of one world.

    Attributes:
        met: What happened of what a batch must meet.
        let_down: Processes that waited for an image that another run had begun, and saw
            it fail: by then the file may have gone up to where it cannot be read from.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._eyes: dict[str, Eye] = {}
        self._listed: dict[tuple[Eye, str], dict[int, str]] = {}
        self._left: set[str] = set()
        self._left_to_guests: set[str] = set()
        self._used: dict[str, set[str]] = {}
        self._late: set[tuple[str, str]] = set()
        self._others: set[tuple[Eye, str]] = set()
        self.let_down: set[Eye] = set()
        self.met: list[str] = []

    def before_effect(self, eye: "Eye", request: Call[Any]) -> str:
        """Look at a request that is about to be judged; return what is wrong, or ""."""
        self._eyes[eye.run_id] = eye
        if isinstance(request, calls.PutObject) and request.key == LEFT:
            self._left.add(request.bucket)
            if self.is_shared(request.bucket):
                self._left_to_guests.add(request.bucket)
                self.met.append(SHARED)
        if isinstance(request, calls.PutObject) and guests((request.key,)):
            bucket = self._world.oss._table.get(request.bucket)
            if bucket is not None and LEFT in bucket.objects:
                # It will see that, and use nothing here.
                self._late.add((request.bucket, eye.run_id))
        if isinstance(request, calls.UploadPart | calls.ImportImage):
            self._used.setdefault(request.bucket, set()).add(eye.run_id)
        if isinstance(request, calls.UploadPartCopy):
            self._used.setdefault(request.source_bucket, set()).add(eye.run_id)
        if isinstance(request, calls.UploadPart):
            return self._sent_again(eye, request)
        if isinstance(request, _TAKES_AWAY):
            return self._taken_away(eye, request)
        return ""

    def answered(self, eye: "Eye", request: Call[Any], result: Any) -> None:
        """See what a process is told of an upload."""
        if isinstance(request, calls.ListParts) and isinstance(result, tuple):
            parts = {part.number: part.etag.strip('"').lower() for part in result}
            self._listed[eye, request.upload_id] = parts
        if isinstance(request, calls.DescribeImages) and isinstance(result, tuple):
            for image in result:
                self._seen(eye, image)

    def is_shared(self, name: str) -> bool:
        """Whether a bucket has guests or was left to some, who will remove it."""
        bucket: Bucket | None = self._world.oss._table.get(name)
        has_guests = bucket is not None and bool(guests(bucket.objects))
        return has_guests or name in self._left_to_guests

    def _seen(self, eye: "Eye", image: CloudImage) -> None:
        if marks(image).get(TAG_RUN) == eye.run_id:
            return
        if image.status in BROKEN and (eye, image.image_id) in self._others:
            self.let_down.add(eye)
        elif image.status not in BROKEN | READY:
            self._others.add((eye, image.image_id))

    def _sent_again(self, eye: "Eye", request: calls.UploadPart) -> str:
        """A part that was seen to be there, as it should be, is not sent."""
        there = self._listed.get((eye, request.upload_id))
        if there is None or not isinstance(request.body, LocalBody):
            return ""
        self.met.append(WENT_ON)
        if there.get(request.number) == request.content_md5:
            return f"{eye.process} sends part {request.number}, which is there"
        return ""

    def _taken_away(self, eye: "Eye", request: Call[Any]) -> str:
        """Nobody takes away what a run that is at work uses."""
        name = getattr(request, "bucket", "")
        bucket = self._world.oss._table.get(name)
        if bucket is None or (own := of_name(name)) is None:
            return ""
        if isinstance(request, calls.DeleteObjects):
            leases = guests(request.keys)
            if leases and {lease.run_id for lease in leases} == {eye.run_id}:
                self._used.get(name, set()).discard(eye.run_id)
                return ""  # it takes its own mark away
        if isinstance(request, calls.DeleteBucket) and (
            bucket.objects or bucket.uploads
        ):
            return ""  # it will be refused
        users = {
            guest.run_id
            for guest in guests(bucket.objects)
            if (name, guest.run_id) not in self._late
        }
        # Whoever has used another run's bucket is a guest till it takes its mark away.
        users |= self._used.get(name, set()) - {own.run_id}
        if name not in self._left:
            users.add(own.run_id)
        for run_id in sorted(users - {eye.run_id}):
            user = self._eyes.get(run_id)
            if user is not None and not user.over:
                what = type(request).__name__
                return f"{eye.process} does {what} in {name}, which {user.process} uses"
        return ""
