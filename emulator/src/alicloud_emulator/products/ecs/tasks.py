"""Tasks: how imports are going."""

from alicloud_emulator.products.ecs.asked import (
    enter,
    id_list,
    page_asked,
    page_fields,
    time_asked,
)
from alicloud_emulator.products.ecs.rows import task_document, task_row
from alicloud_emulator.products.rpc.action import Call, action
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.world.ecs.records import TaskStatus, cut_page
from alicloud_emulator.world.ecs.refusals import refusal

TASK_IDS_MAX = 100
_FILTERED = (TaskStatus.FINISHED, TaskStatus.PROCESSING, TaskStatus.FAILED)


@action(
    "DescribeTasks",
    resource=("TaskIds",),
    accepted={"TaskGroupId": ""},
    notes={
        "TaskIds": "comma-separated, or a JSON array as once",
        "TaskStatus": "Finished, Processing, Failed; others ignored",
    },
)
def describe_tasks(call: Call) -> Document:
    """Carry out DescribeTasks: newest first."""
    task_ids = id_list(call, "TaskIds", most=TASK_IDS_MAX)
    image_ids, name = call.arguments.texts("ResourceIds"), call.text("TaskAction")
    since, until = time_asked(call, "StartTime"), time_asked(call, "EndTime")
    number, size = page_asked(call)
    store = enter(call, "*")
    status = call.text("TaskStatus")
    wanted = status if status in _FILTERED else ""
    rows = [
        task
        for task in store.tasks_of(call.caller.account_id, call.region)
        if (not task_ids or task.task_id in task_ids)
        and (not image_ids or task.image_id in image_ids)
        and name in ("", task.action)
        and wanted in ("", task.status)
        and task.created_at >= since
        and (not until or task.created_at <= until)
    ]
    rows.sort(key=lambda task: -task.order)
    page = cut_page(rows, number=number, size=size)
    return {
        **page_fields(page, call.region),
        "TaskSet": {"Task": [task_row(task) for task in page.rows]},
    }


@action("DescribeTaskAttribute", resource=("TaskId",))
def describe_task_attribute(call: Call) -> Document:
    """Carry out DescribeTaskAttribute, which alone says why an import failed."""
    store = enter(call, "*")
    task = store.task(call.caller.account_id, call.region, call.text("TaskId"))
    if task is None:
        raise refusal("InvalidTaskId.NotFound")
    return task_document(task, store.now)


@action("CancelTask", resource=("TaskId",))
def cancel_task(call: Call) -> Document:
    """Carry out CancelTask: the image goes with its task (a guess)."""
    ecs = call.world.ecs
    call.world.agenda.catch_up()
    task = ecs.store.task(call.caller.account_id, call.region, call.text("TaskId"))
    enter(call, f"image/{task.image_id if task else '*'}", change=True)
    if task is None:
        raise refusal("InvalidTaskId.NotFound")
    if not task.running:
        raise refusal("InvalidTaskId.IncorrectTaskStatus")
    ecs.imports.cancel(task)
    return {}
