"""Which of the permissions that a publication needs are there, asked without effect.

A dry run says whether an action would be permitted. Each is about something that does
not exist, so that nothing could happen even where a dry run is not understood: whoever
hears "not found" was let in.
"""

from collections.abc import Mapping
from typing import Any, Final

import anyio

from ali_import.cloud.calls import (
    Call,
    CopyImage,
    DeleteImage,
    DescribeSnapshots,
    DescribeTaskAttribute,
    DescribeTasks,
    ImportImage,
    ModifyImageAttribute,
    ModifyImageSharePermission,
)
from ali_import.cloud.retry_table import action
from ali_import.cloud.steady import BRIEF, Steady
from ali_import.errors import CloudError
from ali_import.publish.lease import PREFIX, TAG_SHA256
from ali_import.publish.model import Options
from ali_import.standing import import_role
from ali_import.standing.finding import Finding, Grade, denied, refused
from ali_import.standing.policy import least_policy

NO_ROLE: Final = "NoSetRoletoECSService"
_NO_IMAGE: Final = "m-ali0import0check000"
_NO_TASK: Final = "t-ali0import0check000"
_POLICY: Final = "`ali-import check --policy` prints what is needed"
# What the other checks have asked for by then.
_ASKED: Final = frozenset(
    {
        *("ecs:DescribeRegions", "ecs:DescribeImages"),
        *("oss:ListBuckets", "fc:ListFunctions"),
    }
)


async def look(
    cloud: Steady, options: Options, region: str, account_id: str
) -> list[Finding]:
    """Try what can be tried without effect, and name the rest.

    Args:
        cloud: The cloud.
        options: How it would be published.
        region: Where to ask.
        account_id: Whose account it is.
    """
    needed = [
        each
        for statement in least_policy(options)["Statement"]
        for each in statement["Action"]
        if each not in _ASKED
    ]
    trials = {a: call for a, call in _trials(region, account_id).items() if a in needed}
    errors: dict[str, CloudError] = {}

    async def ask(what: str) -> None:
        try:
            await cloud.call(trials[what], BRIEF)
        except CloudError as error:
            errors[what] = error

    async with anyio.create_task_group() as tasks:
        for what in trials:
            tasks.start_soon(ask, what)
    found = [_permissions(trials, errors, region)]
    if any(error.code.startswith(NO_ROLE) for error in errors.values()):
        found.append(import_role.missing())
    others = [each for each in needed if each not in trials]
    found.append(
        Finding(
            grade=Grade.UNKNOWN,
            subject="other permissions",
            text=f"{', '.join(others)}: can be tested only by using them",
            advice=_POLICY,
        )
    )
    return found


def _trials(region: str, account_id: str) -> Mapping[str, Call[Any]]:
    """Return the calls that tell of a permission and change nothing, by action."""
    made_up: tuple[Call[Any], ...] = (
        DescribeTasks(region=region, task_ids=(_NO_TASK,)),
        DescribeTaskAttribute(region=region, task_id=_NO_TASK),
        DescribeSnapshots(region=region, tags={TAG_SHA256: "none"}),
        ImportImage(
            region=region,
            client_token="",
            name="ali-import-check",
            architecture="x86_64",
            boot_mode="BIOS",
            size_gib=1,
            bucket=f"{PREFIX}check-{account_id}",
            key="none",
            dry_run=True,
        ),
        CopyImage(
            region=region,
            client_token="",
            image_id=_NO_IMAGE,
            destination_region=region,
            destination_name="ali-import-check",
            dry_run=True,
        ),
        ModifyImageAttribute(region=region, image_id=_NO_IMAGE, dry_run=True),
        ModifyImageSharePermission(
            region=region, image_id=_NO_IMAGE, public=False, dry_run=True
        ),
        DeleteImage(region=region, image_id=_NO_IMAGE, dry_run=True),
    )
    return {action(call.operation()): call for call in made_up}


def _permissions(
    trials: Mapping[str, Call[Any]], errors: Mapping[str, CloudError], region: str
) -> Finding:
    """Return what the trials told; the worst comes first."""
    subject = "permissions"
    lacking = [each for each in trials if each in errors and denied(errors[each])]
    if lacking:
        return Finding(
            grade=Grade.FAIL,
            subject=subject,
            text=f"not permitted in {region}: {', '.join(lacking)}",
            advice=_POLICY,
        )
    for error in errors.values():
        if not (error.code.endswith(".NotFound") or error.code.startswith(NO_ROLE)):
            return refused(subject, error)
    return Finding(
        grade=Grade.OK,
        subject=subject,
        text=f"{', '.join(trials)} (tested in {region}, without changing anything)",
    )
