"""ImportImage: an image of an object in a bucket of the same region."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.import_checks import GIB, ImportChecks, ImportSpec
from alicloud_emulator.world.ecs.objects import disk_in
from alicloud_emulator.world.ecs.records import (
    Disk,
    Image,
    ImageStatus,
    Origin,
    Task,
    TaskStatus,
)
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.store import Store
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault, late_s


class Imports:
    """The imports under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._world = store.world
        self._checks = ImportChecks(store)
        self._waiting: dict[tuple[str, str], deque[tuple[Task, Image]]] = {}
        self._faults: dict[str, Fault] = {}

    def start(
        self, caller: Caller, spec: ImportSpec, *, faults: Sequence[Fault] = ()
    ) -> Task:
        """Begin to make an image of one object (or several, with data disks).

        Args:
            caller: Who calls.
            spec: The parameters.
            faults: A ``fail-task`` among them makes the import fail at its end; a
                ``late-usable`` puts off when the image can be used.

        Raises:
            ServiceError: Checks come in the order of the page's table.
        """
        disks = self._checks.checked(caller, spec)
        if spec.dry_run:
            raise refusal("DRYRUN.SUCCESS")
        image = self._new_image(caller, spec, disks)
        image.usable_late_s = late_s(faults)
        task = self._new_task(image)
        for fault in faults:
            if fault.do is Do.FAIL_TASK:
                self._faults[task.task_id] = fault
        self._world.agenda.after(
            self._world.profile.durations.import_queue_s,
            partial(self._queue, task, image),
        )
        return task

    def cancel(self, task: Task) -> None:
        """Stop an import; its image goes with it."""
        store = self._store
        task.status = TaskStatus.DELETED
        task.finished_at = store.now
        for image in list(store.images_of(task.account_id, task.region)):
            if image.image_id == task.image_id:
                store.remove_image(image)
        self._start_waiting(task.account_id, task.region)

    # --- making --------------------------------------------------------------------
    def _new_image(self, caller: Caller, spec: ImportSpec, disks: list[Disk]) -> Image:
        store = self._store
        image_id = store.new_id("m", spec.region)
        architecture = spec.architecture or "x86_64"
        image = Image(
            image_id=image_id,
            account_id=caller.account_id,
            region=spec.region,
            name=spec.image_name or image_id,
            order=store.next_order(),
            origin=Origin.IMPORT,
            description=spec.description,
            architecture=architecture,
            boot_mode=spec.boot_mode or ("UEFI" if architecture == "arm64" else "BIOS"),
            os_type=spec.os_type.lower() or "linux",
            platform=spec.platform or "Others Linux",
            license_type=spec.license_type,
            nvme=spec.nvme or "unsupported",
            imds=spec.imds or "v1",
            resource_group_id=spec.resource_group_id,
            disks=disks,
            detection=spec.detection_strategy,
            tags=store.kept_tags(spec.tags),
            created_at=store.now,
        )
        store.add_image(image)
        return image

    def _new_task(self, image: Image) -> Task:
        store = self._store
        task = Task(
            task_id=store.new_id("t", image.region),
            account_id=image.account_id,
            region=image.region,
            image_id=image.image_id,
            order=store.next_order(),
            created_at=store.now,
            related=(
                ("OSSBucket", image.disks[0].oss_bucket),
                ("OSSObject", image.disks[0].oss_object),
                ("ImageFormat", image.disks[0].format),
            ),
        )
        store.add_task(task)
        return task

    def _queue(self, task: Task, image: Image) -> None:
        key = (task.account_id, task.region)
        self._waiting.setdefault(key, deque()).append((task, image))
        self._start_waiting(*key)

    def _start_waiting(self, account_id: str, region: str) -> None:
        """Begin as many waiting imports as the limit allows."""
        waiting = self._waiting.get((account_id, region))
        limit = self._world.profile.limits.imports_running
        while waiting:
            tasks = self._store.tasks_of(account_id, region)
            running = sum(task.status is TaskStatus.PROCESSING for task in tasks)
            if limit and running >= limit:
                return
            task, image = waiting.popleft()
            if task.running:
                self._start(task, image)

    def _start(self, task: Task, image: Image) -> None:
        durations = self._world.profile.durations
        size_gib = sum(disk.size_gib for disk in image.disks)
        duration_s = self._store.slowness(image.region) * (
            durations.import_s + durations.import_s_per_gib * size_gib
        )
        task.status = TaskStatus.PROCESSING
        image.status = ImageStatus.CREATING
        task.started_at = image.started_at = self._store.now
        task.ends_at = image.ends_at = self._store.now + duration_s
        self._world.agenda.after(duration_s, partial(self._finish, task, image))

    def _finish(self, task: Task, image: Image) -> None:
        """Read the object and make the image, or fail with the reason."""
        fault = self._faults.pop(task.task_id, None)
        if not task.running:
            return  # cancelled
        try:
            self._read(image, fault)
        except ServiceError as error:
            image.status = ImageStatus.CREATE_FAILED
            image.failure = (error.code, error.message)
            task.status = TaskStatus.FAILED
            task.error_code, task.error_message = image.failure
        else:
            self._store.finish(image)
            task.status = TaskStatus.FINISHED
        task.finished_at = self._store.now
        self._start_waiting(task.account_id, task.region)

    def _read(self, image: Image, fault: Fault | None) -> None:
        """Read every disk's object, which must still be there.

        NOTE: Whoever serves real sockets asks for a large object's SHA-256 before the
        import, in a worker thread; here it is then only remembered.
        """
        if fault is not None:
            message = fault.message or "Importing image is failed."
            raise ServiceError(fault.code or "ImportImageFailed", 403, message)
        for number, disk in enumerate(image.disks):
            blob = self._checks.find(image.account_id, image.region, disk)
            content = disk_in(blob, disk.format, self._world.profile.habits)
            image.disks[number] = replace(disk, format=content.format)
            if content.size_bytes > disk.size_gib * GIB:
                raise refusal(
                    "InvalidImageSize", "DiskImageSize is smaller than the image."
                )
            self._world.traffic.internal_bytes += blob.size
            if number == 0:
                image.content_sha256 = blob.sha256()
