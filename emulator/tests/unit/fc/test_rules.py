"""Function Compute's rules, on the world alone."""

from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.products.fc.bodies import function_body
from alicloud_emulator.world.checksum import crc64
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.faults import Do, Fault
from alicloud_emulator.world.fc import CodeSource, Settings, State
from alicloud_emulator.world.profile import FunctionState, Habits
from alicloud_emulator.world.world import World
from emulator.tests.unit.fc.conftest import HANGZHOU, PENDING_S, Clock, Cloud, zipped


def refused(*args: Any, **given: Any) -> ServiceError:
    """Return the ServiceError that a call raises."""
    call, *rest = args
    with pytest.raises(ServiceError) as caught:
        call(*rest, **given)
    return caught.value


def test_a_function_is_pending_then_active(cloud: Cloud) -> None:
    made = cloud.create("job", memory_mib=128, timeout_s=60)
    assert made.state is State.PENDING
    assert cloud.fc.get(cloud.main, HANGZHOU, "job").state is State.PENDING
    cloud.clock.now += PENDING_S
    assert cloud.fc.get(cloud.main, HANGZHOU, "job").state is State.ACTIVE
    assert made.arn == f"acs:fc:{HANGZHOU}:{cloud.main.account_id}:functions/job"
    assert made.code_crc64 == crc64(made.code)


@pytest.mark.parametrize(
    ("habit", "told"),
    [("pending", State.PENDING), ("absent", None), ("active", State.ACTIVE)],
)
def test_the_state_that_is_told_is_a_habit_of_the_cloud(
    cloud: Cloud, habit: str, told: State | None
) -> None:
    habits = Habits(function_state=FunctionState(habit))
    world = World(
        replace(cloud.world.profile, habits=habits), clock=(clock := Clock()), seed=1
    )
    cloud.world = world
    made = cloud.create("job")
    clock.now += PENDING_S
    assert world.fc.told_state(cloud.fc.get(cloud.main, HANGZHOU, "job")) is told
    assert function_body(made, world.fc.told_state(made)).get("state") == told
    box = replace(made.settings, runtime="custom-container")
    assert world.fc.told_state(replace(made, settings=box)) is State.ACTIVE


def test_a_slow_region_takes_longer(cloud: Cloud) -> None:
    profile = cloud.world.profile
    slow = replace(profile.region(HANGZHOU) or profile.regions[0], slow=10.0)
    others = tuple(r for r in profile.regions if r.id != HANGZHOU)
    cloud.world = World(
        replace(profile, regions=(slow, *others)), clock=(clock := Clock()), seed=1
    )
    made = cloud.create()
    clock.now += PENDING_S * 5
    assert cloud.fc.get(cloud.main, HANGZHOU, "job").state is State.PENDING
    assert made.active_at == pytest.approx(made.created_at + PENDING_S * 10)


def test_regions_and_accounts_have_functions_of_their_own(cloud: Cloud) -> None:
    cloud.create("job")
    cloud.create("job", region="cn-beijing")
    cloud.create("job", caller=cloud.other)
    assert refused(cloud.create, "job").code == "FunctionAlreadyExists"
    cloud.fc.delete(cloud.main, HANGZHOU, "job")
    error = refused(cloud.fc.get, cloud.main, HANGZHOU, "job")
    assert (error.code, error.status) == ("FunctionNotFound", 404)
    assert cloud.fc.get(cloud.main, "cn-beijing", "job").region == "cn-beijing"
    assert cloud.fc.get(cloud.other, HANGZHOU, "job").account_id != "1"


@pytest.mark.parametrize(
    "name", ["", "9lives", "-x", "a" * 65, "a.b", "a/b", "näme", "a b", "a\n"]
)
def test_names_that_are_refused(cloud: Cloud, name: str) -> None:
    assert refused(cloud.create, name).code == "InvalidArgument"


@pytest.mark.parametrize("name", ["_", "a" * 64, "ali-import-relay_1"])
def test_names_that_are_taken(cloud: Cloud, name: str) -> None:
    assert cloud.create(name).name == name


@pytest.mark.parametrize(
    "wrong",
    [
        {"runtime": "nodejs22"},
        {"handler": ""},
        {"handler": "handler"},
        {"handler": "index."},
        {"handler": "index.x\0"},
        {"handler": "x" * 129 + ".y"},
        {"memory_mib": 100},
        {"memory_mib": 64},
        {"memory_mib": 32832},
        {"timeout_s": 0},
        {"timeout_s": 86401},
        {"disk_mib": 1024},
        {"concurrency": 0},
        {"cpu": 0.03, "memory_mib": 128},
        {"cpu": 0.15, "memory_mib": 128},  # more than 1:1
        {"cpu": 0.05, "memory_mib": 256},  # less than 1:4
        {"cpu": 16.05, "memory_mib": 32768},
        {"inject": "Some"},
        {"environment": {"1X": "y"}},
        {"environment": {"X": "y" * 4096}},
        {"role": "worker"},
        {"role": "acs:ram::2222222222222222:role/none"},
        {"tags": {"acs:x": "y"}},
        {"tags": {"": "y"}},
        {"tags": {str(n): "" for n in range(21)}},
    ],
    ids=str,
)
def test_settings_that_are_refused(cloud: Cloud, wrong: dict[str, Any]) -> None:
    error = refused(cloud.create, **wrong)
    assert error.code in {"InvalidArgument", "AccessDenied"}
    assert cloud.fc.list_functions(cloud.main, HANGZHOU) == ([], "")


@pytest.mark.parametrize(
    "right",
    [
        {"memory_mib": 32768, "timeout_s": 86400, "cpu": 16.0},
        {"cpu": 0.05, "memory_mib": 192},
        {"cpu": 0.1, "memory_mib": 128},
        {"runtime": "custom", "handler": "x"},
        {"disk_mib": 10240},
    ],
    ids=str,
)
def test_settings_that_are_taken(cloud: Cloud, right: dict[str, Any]) -> None:
    cloud.create(**right)


@pytest.mark.parametrize("path", ["../x.py", "/x.py", "a/../../x.py", "a\\b.py"])
def test_code_that_leads_out_of_its_folder_is_refused(cloud: Cloud, path: str) -> None:
    settings = Settings(runtime="python3.10", handler="index.handler")
    source = CodeSource(zip_bytes=zipped({path: ""}))
    error = refused(cloud.fc.create, cloud.main, HANGZHOU, "job", settings, source)
    assert error.code == "InvalidArgument"


@pytest.mark.parametrize(
    "source",
    [
        CodeSource(),
        CodeSource(zip_bytes=b"no zip"),
        CodeSource(zip_bytes=zipped({"index.py": ""})[:-4]),
        CodeSource(zip_bytes=zipped({"index.py": ""}), checksum="1"),
        CodeSource(bucket="none", key="code.zip"),
    ],
)
def test_code_that_is_refused(cloud: Cloud, source: CodeSource) -> None:
    settings = Settings(runtime="python3.10", handler="index.handler")
    error = refused(cloud.fc.create, cloud.main, HANGZHOU, "job", settings, source)
    assert (error.code, error.status) == ("InvalidArgument", 400)


def test_the_checksum_may_be_given(cloud: Cloud) -> None:
    data = zipped({"index.py": "x"})
    settings = Settings(runtime="python3.10", handler="index.handler")
    source = CodeSource(zip_bytes=data, checksum=str(crc64(data)))
    assert cloud.fc.create(cloud.main, HANGZHOU, "j", settings, source).code == data


def test_lists_have_pages_and_filters(cloud: Cloud) -> None:
    for n in range(5):
        cloud.create(f"run-{n}", tags={"n": str(n)}, description=f"number {n}")
    cloud.create("other")
    seen = []
    token = ""
    for _ in range(10):
        names, token = cloud.fc.list_functions(
            cloud.main, HANGZHOU, prefix="run-", limit=2, token=token
        )
        seen += names
        if not token:
            break
    assert seen == [f"run-{n}" for n in range(5)]

    def found(**filters: Any) -> list[str]:
        return cloud.fc.list_functions(cloud.main, HANGZHOU, **filters)[0]

    assert found(tags={"n": "3"}) == ["run-3"]
    assert found(name="other") == ["other"]
    assert found(description="number 1") == ["run-1"]
    assert found(runtime="python3") == []
    assert found(version="v2") == []


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_limits_of_lists_are_bounded(cloud: Cloud, limit: int) -> None:
    error = refused(cloud.fc.list_functions, cloud.main, HANGZHOU, limit=limit)
    assert error.code == "InvalidArgument"


def test_an_update_changes_what_it_says_and_counts_revisions(cloud: Cloud) -> None:
    made = cloud.create(timeout_s=5, extras={"idleTimeout": 1, "layers": ["x"]})
    cloud.clock.now += 60
    code = CodeSource(zip_bytes=zipped({"index.py": "new"}))
    changes = {"timeout_s": 9, "extras": {"idleTimeout": 2}}
    after = cloud.fc.update(cloud.main, HANGZHOU, "job", changes, code)
    assert (after.settings.timeout_s, after.settings.handler) == (9, "index.handler")
    assert after.settings.extras == {"idleTimeout": 2, "layers": ["x"]}
    assert after.code_crc64 == crc64(code.zip_bytes)
    assert (after.revision, after.modified_at - made.created_at) == (2, 60)
    assert after.update_status == "InProgress"
    cloud.clock.now += PENDING_S
    assert cloud.fc.get(cloud.main, HANGZHOU, "job").update_status == "Successful"
    assert (
        refused(cloud.fc.update, cloud.main, HANGZHOU, "job", {"memory_mib": 1}).code
        == "InvalidArgument"
    )
    assert cloud.fc.get(cloud.main, HANGZHOU, "job").settings.memory_mib == 512


def test_a_role_must_be_there_and_trust_function_compute(cloud: Cloud) -> None:
    cloud.create("a", role=cloud.role_arn("worker"))
    cloud.create("b", role=cloud.role_arn("WORKER"))  # whatever the letter case
    for name in ("importer", "missing"):
        error = refused(cloud.create, "c", role=cloud.role_arn(name))
        assert (error.code, error.status) == ("InvalidArgument", 400)


def test_passing_a_role_is_a_permission_of_its_own(cloud: Cloud) -> None:
    role = cloud.role_arn("worker")
    user = cloud.user("fc:*")
    assert refused(cloud.create, "a", role=role, caller=user).code == "NoPermission"
    cloud.create("a", caller=user)
    cloud.create("b", role=role, caller=cloud.user("fc:*", "ram:PassRole"))


def test_every_action_is_a_permission(cloud: Cloud) -> None:
    cloud.create()
    nobody = cloud.user("fc:Nothing")
    fc = cloud.fc
    for call in (
        lambda: fc.get(nobody, HANGZHOU, "job"),
        lambda: fc.list_functions(nobody, HANGZHOU),
        lambda: fc.update(nobody, HANGZHOU, "job", {}),
        lambda: fc.delete(nobody, HANGZHOU, "job"),
        lambda: fc.describe_regions(nobody, HANGZHOU),
        lambda: fc.begin_invocation(nobody, HANGZHOU, "job", payload_bytes=0),
        lambda: fc.list_tags(nobody, HANGZHOU),
        lambda: fc.tag(
            nobody, HANGZHOU, [fc.get(cloud.main, HANGZHOU, "job").arn], {"a": "b"}
        ),
        lambda: cloud.create("x", caller=nobody),
    ):
        assert refused(call).code == "NoPermission"


def test_an_account_that_never_activated_the_service() -> None:
    cloud = Cloud(fc_enabled=False)
    for call in (cloud.create, lambda: cloud.fc.describe_regions(cloud.main, HANGZHOU)):
        error = refused(call)
        assert (error.code, error.status) == ("AccessDenied", 403)


def test_an_account_in_arrears_makes_and_runs_nothing() -> None:
    cloud = Cloud(arrears=True)
    for call in (cloud.create, lambda: begin(cloud)):
        error = refused(call)
        assert (error.code, error.status) == ("Account.Arrearage", 403)
    assert cloud.fc.list_functions(cloud.main, HANGZHOU) == ([], "")


def test_regions_are_those_that_have_function_compute(cloud: Cloud) -> None:
    ids = cloud.fc.describe_regions(cloud.main, HANGZHOU)
    assert HANGZHOU in ids
    assert "cn-heyuan" not in ids
    assert [region.id for region in cloud.world.fc.regions()] == ids


def begin(cloud: Cloud, **given: Any) -> Any:
    defaults: dict[str, Any] = {"payload_bytes": 0}
    return cloud.fc.begin_invocation(
        cloud.main, HANGZHOU, "job", **{**defaults, **given}
    )


def test_an_invocation_waits_until_the_function_is_active(cloud: Cloud) -> None:
    made = cloud.create()
    assert begin(cloud).ready_at == made.active_at


def test_payloads_have_limits(cloud: Cloud) -> None:
    cloud.create()
    begin(cloud, payload_bytes=32 * 1024 * 1024)
    begin(cloud, payload_bytes=128 * 1024, sync=False)
    for given in (
        {"payload_bytes": 32 * 1024 * 1024 + 1},
        {"payload_bytes": 128 * 1024 + 1, "sync": False},
    ):
        error = refused(begin, cloud, **given)
        assert (error.code, error.status) == ("EntityTooLarge", 400)


def test_only_the_latest_version_can_be_invoked(cloud: Cloud) -> None:
    cloud.create()
    begin(cloud, qualifier="LATEST")
    assert refused(begin, cloud, qualifier="prod").code == "AliasNotFound"


def test_only_a_role_brings_credentials(cloud: Cloud) -> None:
    cloud.create()
    assert begin(cloud).credentials is None
    cloud.fc.update(cloud.main, HANGZHOU, "job", {"role": cloud.role_arn("worker")})
    token = begin(cloud).credentials
    known = cloud.world.ram.credential(token.access_key_id, token.security_token)
    assert known.secret == token.access_key_secret
    assert known.caller.name == "worker"
    assert token.security_token not in repr(begin(cloud))


def test_a_role_that_is_gone_fails_the_invocation(cloud: Cloud) -> None:
    cloud.create(role=cloud.role_arn("worker"))
    people = cloud.world.ram.people(cloud.main.account_id)
    role = people.role("worker")
    assert role is not None
    people.remove_role(role)
    error = refused(begin, cloud)
    assert (error.code, error.status) == ("AccessDenied", 403)


def test_only_so_many_invocations_run_at_once(cloud: Cloud) -> None:
    cloud.create()
    running = [begin(cloud) for _ in range(100)]
    error = refused(begin, cloud)
    assert (error.code, error.status) == ("ResourceExhausted", 429)
    cloud.fc.end_invocation(running[0])
    begin(cloud)


def test_a_fault_kills_an_invocation(cloud: Cloud) -> None:
    cloud.create()
    assert begin(cloud, faults=[Fault(do=Do.KILL)]).killed
    assert not begin(cloud, faults=[Fault(do=Do.DELAY)]).killed


def test_the_state_document_shows_functions(cloud: Cloud) -> None:
    cloud.create(memory_mib=128, timeout_s=60)
    assert cloud.fc.state(HANGZHOU) == {
        "functions": [
            {
                "name": "job",
                "state": "Pending",
                "runtime": "python3.10",
                "memory_mib": 128,
                "timeout_s": 60,
                "role": "",
            }
        ]
    }
    cloud.clock.now += PENDING_S
    assert cloud.fc.state(HANGZHOU)["functions"][0]["state"] == "Active"
    assert cloud.fc.state("cn-beijing") == {"functions": []}


def test_tags_are_put_listed_and_taken_off(cloud: Cloud) -> None:
    first = cloud.create("first", tags={"a": "1"})
    second = cloud.create("second")
    tags = cloud.fc
    tags.tag(cloud.main, HANGZHOU, [first.arn, second.arn], {"b": "2"})
    assert first.tags == {"a": "1", "b": "2"}

    def listed(**given: Any) -> list[tuple[str, str, str]]:
        return tags.list_tags(cloud.main, HANGZHOU, **given)

    assert listed(arns=[second.arn]) == [("second", "b", "2")]
    assert listed(tags={"a": None}) == [("first", "a", "1"), ("first", "b", "2")]
    assert listed(tags={"b": "3"}) == []
    assert len(listed()) == 3
    tags.untag(cloud.main, HANGZHOU, [first.arn], ["a"])
    assert first.tags == {"b": "2"}
    tags.untag(cloud.main, HANGZHOU, [first.arn], [], every=True)
    assert listed() == [("second", "b", "2")]


def test_tagging_is_all_or_nothing(cloud: Cloud) -> None:
    first = cloud.create("first")
    full = cloud.create("full", tags={str(n): "" for n in range(20)})
    arns = [first.arn, full.arn]
    error = refused(cloud.fc.tag, cloud.main, HANGZHOU, arns, {"a": "b"})
    assert error.code == "InvalidArgument"
    assert first.tags == {}


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("acs:fc:cn-hangzhou:1234567890123456:functions/none", "ResourceNotFound"),
        ("acs:fc:cn-beijing:1234567890123456:functions/job", "InvalidArgument"),
        ("acs:fc:cn-hangzhou:2222222222222222:functions/job", "InvalidArgument"),
        ("job", "InvalidArgument"),
    ],
)
def test_tags_of_other_resources_are_refused(cloud: Cloud, arn: str, code: str) -> None:
    cloud.create()
    assert refused(cloud.fc.tag, cloud.main, HANGZHOU, [arn], {"a": "b"}).code == code
