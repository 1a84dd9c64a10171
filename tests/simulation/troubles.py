"""The kinds of bad weather, one function each."""

from collections.abc import Callable
from typing import Final

from ali_import.cloud.retry_table import ROWS, Meaning
from ali_import.publish.context import NO_IMPORTS, NO_PUBLIC
from alicloud_emulator.world.faults import Do, Fault, Rule
from tests.simulation.plan import Plan
from tests.simulation.weather import Sky, Trouble
from tests.support.bridge import Out

FOREVER_S: Final = 1e9


_DRY_RUN: Final = {"DryRunOperation", "DRYRUN.SUCCESS"}
IDLE_ROWS: Final = tuple(
    row
    for row in ROWS
    if row.code in _DRY_RUN or any(o.startswith("ram.") for o in row.operations)
)
"""Rows of the retry table that are for `check` and `prune`: a publication makes no dry
runs, and asks RAM nothing."""


def _refused(sky: Sky) -> str:
    rate = sky.rate(0.2)
    for do, code, status in (
        (Do.REFUSE, "ServiceUnavailable", 503),
        (Do.REFUSE, "InternalError", 500),
        (Do.REFUSE, "SomethingNew", 502),
        (Do.DROP_BEFORE, "", 0),
        (Do.HTML, "", 502),
    ):
        sky.rule(do, rate=rate / 5, code=code, status=status)
    return f"refused {rate:.2f}"


def _of_all_kinds(sky: Sky) -> str:
    """What ``--fail-rate`` of the emulator does."""
    rate = sky.rate(0.25)
    sky.calls(rate)
    return f"of all kinds {rate:.2f}"


def _lost(sky: Sky) -> str:
    rate = sky.rate(0.2)
    sky.rule(Do.DROP_AFTER, rate=rate * 0.7)
    sky.rule(Do.HTML_AFTER, rate=rate * 0.3, status=502)
    return f"lost {rate:.2f}"


def _lost_mutations(sky: Sky) -> str:
    """Most of the first replies to one action get lost."""
    service, action = sky.dice.choice(
        (
            ("ecs", "ImportImage"),
            ("ecs", "CopyImage"),
            ("ecs", "DeleteImage"),
            ("ecs", "ModifyImage*"),
            ("ecs", "*TagResources"),
            ("oss", "*Bucket"),
            ("oss", "CompleteMultipartUpload"),
            ("fc", "CreateFunction"),
            ("fc", "DeleteFunction"),
        )
    )
    times = sky.dice.randint(1, 7)
    sky.rule(Do.DROP_AFTER, rate=0.7, service=service, action=action, times=times)
    return f"lost {service}.{action}"


def _throttled(sky: Sky) -> str:
    action = sky.dice.choice(
        ("DescribeImages", "ImportImage", "CopyImage", "Modify*", "Tag*", "PutObject")
    )
    region = sky.dice.choice(("*", sky.any_region()))
    asked_ms = sky.dice.choice((0, 1500, 20_000))
    fault = Fault(
        do=Do.THROTTLE, code="Throttling.User", status=400, retry_after_ms=asked_ms
    )
    rule = Rule(fault=fault, action=action, region=region)
    begins_s = sky.dice.uniform(0, 60)
    sky.for_a_while(begins_s, sky.dice.uniform(20, 180), rule)
    return f"throttled {action} in {region}"


def _downloads(sky: Sky) -> str:
    rate = sky.rate(0.5)
    sky.downloads(rate)
    sky.rule(Do.CORRUPT, rate=sky.rate(0.2), service="oss", action="GetObject")
    return f"downloads {rate:.2f}"


def _late(sky: Sky) -> str:
    delay_s = sky.dice.uniform(1, 25)
    sky.rule(Do.DELAY, rate=sky.rate(0.1), delay_s=delay_s)
    sky.rule(Do.HANG, rate=sky.rate(0.03))
    return "late"


def _dead(sky: Sky) -> str:
    region = sky.any_region()
    out = Out.SILENT if sky.dice.random() < 0.8 else Out.NO_HOST
    sky.outage("*", region, 0.0, FOREVER_S, out=out)
    sky.weather.spoiled.add(region)
    return f"dead {region}"


def _away(sky: Sky) -> str:
    service = sky.dice.choice(("fc", "oss", "ecs"))
    region = sky.any_region()
    begins_s = sky.dice.uniform(0, 90)
    lasts_s = sky.dice.choice((60.0, 600.0, FOREVER_S))
    out = Out.SILENT if sky.dice.random() < 0.5 else Out.NO_HOST
    sky.outage(service, region, begins_s, lasts_s, out=out)
    sky.weather.spoiled.add(region)
    return f"{service} of {region} away from {begins_s:.0f} s for {lasts_s:.0f} s"


def _functions_die(sky: Sky) -> str:
    do = {"service": "fc", "action": "InvokeFunction"}
    rate = sky.rate(0.4)
    sky.rule(Do.KILL, rate=rate, **do)
    for code in ("FunctionOOMError", "FunctionTimeoutError"):
        sky.rule(Do.FAIL_TASK, rate=sky.rate(0.05), code=code, **do)
    rate_not_started = sky.rate(0.05)
    sky.rule(
        Do.REFUSE, rate=rate_not_started, code="FunctionNotStarted", status=412, **do
    )
    return f"functions die {rate:.2f}"


def _function_breaks(sky: Sky) -> str:
    region = sky.any_region()
    do, code, status, action = sky.dice.choice(
        (
            (Do.FAIL_TASK, "FunctionOOMError", 200, "InvokeFunction"),
            *(
                (Do.REFUSE, code, status, action)
                for code, status in (
                    ("ResourceExhausted", 429),
                    ("AccessDenied", 403),
                    ("EntityTooLarge", 400),
                )
                for action in ("InvokeFunction", "CreateFunction")
            ),
        )
    )
    first = sky.dice.randint(1, 5)
    sky.rule(
        do,
        code=code,
        status=status,
        service="fc",
        action=action,
        region=region,
        first=first,
    )
    sky.weather.spoiled.add(region)
    return f"functions of {region} break: {code} from call {first}"


def _imports_fail(sky: Sky) -> str:
    region = sky.dice.choice(("*", sky.any_region()))
    times = 0 if region != "*" and sky.dice.random() < 0.3 else sky.dice.randint(1, 3)
    sky.rule(
        Do.FAIL_TASK,
        code=sky.dice.choice(("ImportImageFailed", "")),
        service="ecs",
        action="ImportImage",
        region=region,
        times=times,
        message="the disk could not be read",
    )
    spoiled = [region] if region != "*" else sky.region_ids
    sky.weather.spoiled.update(spoiled)
    return f"imports fail {times or 'for ever'} in {region}"


def _copies_fail(sky: Sky) -> str:
    times = sky.dice.randint(1, 2)
    sky.rule(Do.FAIL_TASK, service="ecs", action="CopyImage", times=times)
    return f"copies fail {times}"


def _no_access(sky: Sky) -> str:
    """Some actions are refused in one region, and stay so."""
    rows = [row for row in ROWS if row.meaning in {Meaning.ROUTE, Meaning.FINAL}]
    region = sky.asked_region()
    named = []
    for row in sky.dice.sample(rows, 3):
        operation = sky.dice.choice(row.operations or _REFUSABLE)
        service, action = operation.split(".")
        code = row.code.replace("*", ".Api")
        # A copy is asked for in its source's region, but is refused for the other's; and
        # some things the cloud refuses the account, so in every region.
        everywhere = action == "CopyImage" or code in {*NO_IMPORTS, *NO_PUBLIC}
        where = "*" if everywhere else region
        sky.rule(
            Do.REFUSE,
            code=code,
            status=sky.dice.choice((400, 403, 404)),
            service=service,
            action=action,
            region=where,
        )
        sky.weather.spoiled.update(sky.region_ids if where == "*" else [region])
        named.append(f"{operation} answers {code} in {where}")
    return ", ".join(named)


def _never_up(sky: Sky) -> str:
    """One action is always said to be unavailable for now, in one region."""
    operation = sky.dice.choice(_CHANGING)
    service, action = operation.split(".")
    region = sky.any_region()
    # Between two renames that would leave a name to nobody, whatever anybody does.
    first = 1 if action == "ModifyImageAttribute" else sky.dice.randint(1, 5)
    sky.rule(
        Do.REFUSE,
        code="ServiceUnavailable",
        status=503,
        service=service,
        action=action,
        region=region,
        first=first,
    )
    sky.weather.spoiled.add(region)
    return f"{operation} never up in {region}"


_CHANGING: Final = (
    "ecs.ImportImage",
    "ecs.ModifyImageAttribute",
    "ecs.ModifyImageSharePermission",
    "ecs.TagResources",
    "ecs.UntagResources",
    "ecs.DeleteImage",
    "oss.PutBucket",
    "oss.DeleteBucket",
    "fc.CreateFunction",
    "fc.DeleteFunction",
)


_REFUSABLE: Final = (
    *("oss.PutBucket",) * 6,
    "oss.PutObject",
    "oss.UploadPart",
    *("ecs.ImportImage",) * 6,
    "ecs.CopyImage",
    "ecs.ModifyImageAttribute",
    "ecs.ModifyImageSharePermission",
    "ecs.TagResources",
    "fc.CreateFunction",
    "fc.GetFunction",
    "fc.InvokeFunction",
)


def _sources_refuse(sky: Sky) -> str:
    """Some copies are refused for what is said to be their source's sake."""
    row = sky.dice.choice([row for row in ROWS if row.meaning is Meaning.SOURCE])
    times = sky.dice.randint(1, 4)
    sky.rule(
        Do.REFUSE,
        code=row.code,
        status=403,
        service="ecs",
        action="CopyImage",
        times=times,
    )
    sky.weather.spoiled.update(sky.region_ids)
    return f"sources refuse {times} times: {row.code}"


def _sources_gone(sky: Sky) -> str:
    """What a region has staged is said to be gone when a function comes to fetch it."""
    times = sky.dice.randint(1, 4)
    sky.rule(
        Do.REFUSE,
        code="NoSuchKey",
        status=404,
        service="oss",
        action="GetObject",
        times=times,
    )
    sky.weather.spoiled.update(sky.region_ids)
    return f"sources are gone {times} times"


def _look_again(sky: Sky) -> str:
    """A name or a token is said to be taken, which may not be true."""
    rows = [
        (row, operation)
        for row in ROWS
        if row.meaning is Meaning.LOOK
        for operation in row.operations
        if operation in {"ecs.ImportImage", "ecs.CopyImage"}
    ]
    row, operation = sky.dice.choice(rows)
    sky.rule(
        Do.REFUSE,
        code=row.code,
        status=400,
        service="ecs",
        action=operation.removeprefix("ecs."),
        times=sky.dice.randint(1, 3),
        rate=0.5,
    )
    return f"{operation} says {row.code}"


def _done_already(sky: Sky) -> str:
    """Some calls take effect and are then said to have been needless."""
    rows = [row for row in ROWS if row.meaning is Meaning.DONE and row not in IDLE_ROWS]
    if sky.cancelled and sky.dice.random() < 0.8:
        rows = [row for row in rows if sky.cancelled in row.operations]
    row = sky.dice.choice(rows)
    operation = sky.dice.choice(row.operations)
    service, action = operation.split(".")
    code = row.code.replace("*", ".Api")
    sky.rule(
        Do.DROP_AFTER, rate=0.5, code=code, status=404, service=service, action=action
    )
    return f"{operation} says {code}"


def _passing_codes(sky: Sky) -> str:
    """Some calls are answered with a code that the retry table knows as passing."""
    rows = [
        row
        for row in ROWS
        if row.meaning in {Meaning.TRANSIENT, Meaning.THROTTLED, Meaning.BUSY}
        and (sky.keys_expire or not row.code.endswith("Expired"))
    ]
    named = []
    for row in sky.dice.sample(rows, 3):
        operation = sky.dice.choice(row.operations or ("*.*",))
        service, action = operation.split(".")
        code = row.code.replace("*", ".Api")
        sky.rule(
            Do.REFUSE,
            code=code,
            status=sky.dice.choice((400, 403, 409)),
            service=service,
            action=action,
            times=sky.dice.randint(1, 6),
            rate=0.1 if action == "*" else 1.0,
        )
        named.append(code)
    return f"passing {' '.join(named)}"


def _listings_lag(sky: Sky) -> str:
    """Listings show what there was some seconds ago; now and then, a minute ago."""
    most_s = sky.dice.choice((1.0, 5.0, 15.0, 15.0))
    lags = {region: sky.rate(most_s) for region in sky.region_ids}
    if sky.dice.random() < 0.15:
        region = sky.any_region()
        lags[region] = 60.0
        sky.weather.spoiled.add(region)  # nobody waits for so long
    for region, lag_s in lags.items():
        sky.lag(region, lag_s)
    return f"listings lag up to {max(lags.values()):.1f} s"


def _resolver_away(sky: Sky) -> str:
    """For some seconds nobody says where hosts are: no reason to think there are none."""
    region = sky.dice.choice(("*", "*", sky.any_region()))
    service = sky.dice.choice(("*", "*", "ecs", "oss", "fc", "sts"))
    for _ in range(sky.dice.randint(1, 3)):
        begins_s = sky.dice.choice((sky.rate(3), sky.rate(20), sky.rate(120)))
        sky.outage(
            service, region, begins_s, sky.dice.uniform(1, 12), out=Out.NO_RESOLVER
        )
    early = sky.dice.choice(("", "oss", "fc"))
    if early:
        # Just when the first buckets, or functions, are asked for.
        lasts_s = sky.dice.uniform(4, 12)
        sky.outage(early, "*", sky.rate(1), lasts_s, out=Out.NO_RESOLVER)
    return f"resolver away for {service} of {region}, early for {early or 'nobody'}"


def _pages_for_answers(sky: Sky) -> str:
    """A page with a status of success comes in place of answers; nobody can tell."""
    status = sky.dice.choice((200, 204))
    rate = sky.rate(0.15)
    sky.rule(Do.HTML, rate=rate / 2, status=status)
    sky.rule(Do.HTML_AFTER, rate=rate / 2, status=status)
    action = sky.dice.choice(_DONE_SILENTLY)
    times = sky.dice.randint(1, 4)
    do = sky.dice.choice((Do.HTML, Do.HTML_AFTER))
    sky.rule(do, status=status, action=action, times=times)
    return f"pages {status} for answers {rate:.2f} and for {action}"


_DONE_SILENTLY: Final = (
    "PutBucket",
    *("DeleteBucket",) * 4,  # its honest answer is empty
    "DeleteObjects",
    "PutObject",
    "CompleteMultipartUpload",
    "CreateFunction",
    "DeleteFunction",
    "ModifyImage*",
    "DeleteImage",
    "*TagResources",
    "CancelTask",
)


def _reply_never(sky: Sky) -> str:
    """One action loses its reply for ever, though it takes effect.

    What it makes can be found by name, so that an import or a copy is no excuse.
    """
    operation = sky.dice.choice((*_MAKING * 4, *_WITHOUT_REPLY))
    service, action = operation.split(".")
    region = sky.dice.choice(("*", sky.any_region()))
    sky.rule(
        Do.DROP_AFTER,
        service=service,
        action=action,
        region=region,
        first=sky.dice.choice((1, 1, 2, 4)),
    )
    if operation not in _MAKING:
        sky.weather.spoiled.update(sky.region_ids if region == "*" else [region])
    return f"{operation} in {region} never replies"


_MAKING: Final = ("ecs.ImportImage", "ecs.CopyImage")
_WITHOUT_REPLY: Final = (
    "ecs.CancelCopyImage",
    "ecs.CancelTask",
    "ecs.DeleteImage",
    "ecs.DeleteSnapshot",
    "ecs.ModifyImageAttribute",
    "ecs.ModifyImageSharePermission",
    "ecs.TagResources",
    "ecs.UntagResources",
    "oss.PutBucket",
    "oss.DeleteBucket",
    "oss.CompleteMultipartUpload",
    "fc.CreateFunction",
    "fc.DeleteFunction",
)


def _throttled_for_ever(sky: Sky) -> str:
    """One action in one region is throttled and stays so."""
    service, action = sky.dice.choice(_THROTTLED_FOR_EVER).split(".")
    region = sky.any_region()
    # Between two renames that would leave a name to nobody, whatever anybody does.
    first = 1 if action == "ModifyImageAttribute" else sky.dice.choice((1, 1, 3, 6))
    sky.rule(
        Do.THROTTLE,
        code="Throttling.User",
        status=400,
        retry_after_ms=sky.dice.choice((0, 1500, 20_000)),
        service=service,
        action=action,
        region=region,
        first=first,
    )
    sky.weather.spoiled.add(region)
    if action == "CopyImage":
        sky.weather.spoiled.update(sky.region_ids)
    return f"{service}.{action} in {region} throttled for ever"


_THROTTLED_FOR_EVER: Final = (
    "ecs.DescribeImages",
    "ecs.ImportImage",
    "ecs.CopyImage",
    "ecs.ModifyImageAttribute",
    "ecs.TagResources",
    "ecs.DeleteImage",
    "ecs.CancelTask",
    "oss.PutBucket",
    "oss.PutObject",
    "oss.ListObjects",
    "oss.DeleteBucket",
    "fc.CreateFunction",
    "fc.InvokeFunction",
    "fc.DeleteFunction",
)


def _publishing_refused(sky: Sky) -> str:
    """Once an image cannot be published in a region, after names were taken maybe.

    With all-or-nothing every other region has to put its older image back.
    """
    region = sky.asked_region()
    action, code = sky.dice.choice(
        (
            ("ModifyImageSharePermission", "CurrentAccount.NotSupportPublicImage"),
            ("ModifyImageAttribute", "ImageFamilyQuotaFull"),
        )
    )
    sky.rule(
        Do.REFUSE,
        code=code,
        status=403,
        service="ecs",
        action=action,
        region=region,
        first=sky.dice.randint(1, 4),
        times=1,
    )
    sky.weather.spoiled.add(region)
    return f"publishing refused in {region}: {code}"


def _one_import_fails(sky: Sky) -> str:
    return let_one_import_fail(sky, sky.asked_region())


def let_one_import_fail(sky: Sky, region: str) -> str:
    """One import fails; who can copy in has no excuse."""
    sky.rule(
        Do.FAIL_TASK,
        code="ImportImageFailed",
        service="ecs",
        action="ImportImage",
        region=region,
        times=1,
    )
    sky.has_to_copy(region)
    return f"one import fails in {region}"


def _lost_then_refused(sky: Sky) -> str:
    """A bucket or function is made, of which nobody hears; then it is refused for good."""
    service, action = sky.dice.choice((("oss", "PutBucket"), ("fc", "CreateFunction")))
    region = sky.asked_region()
    sky.rule(Do.DROP_AFTER, times=1, service=service, action=action, region=region)
    sky.rule(
        Do.REFUSE,
        code="AccessDenied",
        status=403,
        first=2,
        service=service,
        action=action,
        region=region,
    )
    sky.weather.spoiled.add(region)
    return f"{action} in {region} lost, then refused"


LIKELY: Final[dict[Trouble, Callable[[Plan], bool]]] = {
    _publishing_refused: lambda plan: (
        plan.options.overwrite and plan.options.all_or_nothing
    ),
    _one_import_fails: lambda plan: len(plan.regions) > 2,
    _done_already: lambda plan: bool(plan.end_at_making),
    _sources_gone: lambda plan: (
        plan.profile.accounts[0].oss_since == "new"
        and any(target.image.pack.is_large for target in plan.targets)
        and any(region.mainland and region.fc for region in plan.profile.regions)
    ),
}
"""Troubles that matter in some scenarios, and are drawn more often there."""

TROUBLES: Final[tuple[Trouble, ...]] = (
    _refused,
    _of_all_kinds,
    _lost,
    _lost_mutations,
    _throttled,
    _downloads,
    _late,
    _dead,
    _away,
    _functions_die,
    _function_breaks,
    _imports_fail,
    _copies_fail,
    _no_access,
    _never_up,
    _sources_refuse,
    _sources_gone,
    _look_again,
    _done_already,
    _passing_codes,
    _listings_lag,
    _resolver_away,
    _pages_for_answers,
    _reply_never,
    _throttled_for_ever,
    _publishing_refused,
    _one_import_fails,
    _lost_then_refused,
)

MODEST: Final[tuple[Trouble, ...]] = (
    _refused,
    _of_all_kinds,
    _lost,
    _lost_mutations,
    _throttled,
    _late,
    _listings_lag,
    _resolver_away,
)
"""Troubles that pass: whatever is done again in good weather succeeds (``years.py``)."""
