"""DescribeTasks and DescribeTaskAttribute: how imports are going."""

from collections.abc import Sequence

from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.ecs.records import Page, Task, TaskStatus, cut_page
from alicloud_emulator.world.ecs.refusals import refusal
from alicloud_emulator.world.ecs.rules import check_pages
from alicloud_emulator.world.ecs.store import Store

TASK_IDS_MAX = 100
_FILTERED = (TaskStatus.FINISHED, TaskStatus.PROCESSING, TaskStatus.FAILED)


class Tasks:
    """Looking at tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe_tasks(
        self,
        caller: Caller,
        *,
        region: str,
        task_ids: Sequence[str] = (),
        image_ids: Sequence[str] = (),
        action: str = "",
        status: str = "",
        created_from: float = 0.0,
        created_until: float = 0.0,
        page_number: int = 1,
        page_size: int = 10,
    ) -> Page[Task]:
        """Return the tasks that meet every filter given, newest first.

        Args:
            caller: Who calls.
            region: Region id.
            task_ids: At most 100.
            image_ids: ResourceIds.
            action: TaskAction.
            status: TaskStatus; the API honours Finished, Processing and Failed only
                and ignores anything else.
            created_from: Unix seconds, 0 for no bound.
            created_until: Unix seconds, 0 for no bound.
            page_number: From 1.
            page_size: 1 to 100.
        """
        self._store.enter(caller, "DescribeTasks", region, "*")
        check_pages(number=page_number, size=page_size)
        if len(task_ids) > TASK_IDS_MAX:
            raise refusal("InvalidParameter", "TaskIds")
        wanted_status = status if status in _FILTERED else ""
        rows = [
            task
            for task in self._store.tasks_of(caller.account_id, region)
            if (not task_ids or task.task_id in task_ids)
            and (not image_ids or task.image_id in image_ids)
            and action in ("", task.action)
            and wanted_status in ("", task.status)
            and task.created_at >= created_from
            and (not created_until or task.created_at <= created_until)
        ]
        rows.sort(key=lambda task: -task.order)
        return cut_page(rows, number=page_number, size=page_size)

    def describe_task(self, caller: Caller, *, region: str, task_id: str) -> Task:
        """Return one task: the only place that says why an import failed.

        Raises:
            ServiceError: ``InvalidTaskId.NotFound`` (400).
        """
        self._store.enter(caller, "DescribeTaskAttribute", region, "*")
        task = self._store.task(caller.account_id, region, task_id)
        if task is None:
            raise refusal("InvalidTaskId.NotFound")
        return task
