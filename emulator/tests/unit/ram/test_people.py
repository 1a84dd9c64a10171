import base64
import json
from typing import Any

import pytest

from alicloud_emulator.world.caller import PrincipalKind
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.profile import Principal
from emulator.tests.support.image_cloud import OTHER_ACCOUNT, Cloud, refused

MAIN = "1234567890123456"
ROLE_ARN = f"acs:ram::{MAIN}:role/reader"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "1", "Statement": list(statements)}


def trust_text(**principal: Any) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return json.dumps(document(statement))


def make_role(cloud: Cloud, trust: str = "", **given: Any) -> None:
    trust = trust or trust_text(RAM=[f"acs:ram::{MAIN}:root"])
    cloud.world.ram.roles.create_role(
        cloud.main, role_name="reader", trust=trust, **given
    )
    cloud.world.ram.roles.attach_policy(
        cloud.main,
        policy_type="System",
        policy_name="AliyunECSReadOnlyAccess",
        role_name="reader",
    )


@pytest.fixture
def cloud() -> Cloud:
    ci = Principal(
        name="ci",
        access_key_id="ci-key",
        access_key_secret="ci-secret",
        policies=(document(EVERYTHING),),
    )
    poor = Principal(name="poor", access_key_id="poor-key", access_key_secret="s")
    return Cloud(users=(ci, poor))


def test_keys_say_who_calls(cloud: Cloud) -> None:
    found = cloud.world.ram.credential("LTAI-emulator")
    assert found.secret == "emulator-secret"
    assert found.caller.arn == f"acs:ram::{MAIN}:root"
    user = cloud.world.ram.credential("ci-key")
    assert user.secret == "ci-secret"
    assert (user.caller.kind, user.caller.arn) == (
        PrincipalKind.USER,
        f"acs:ram::{MAIN}:user/ci",
    )
    assert cloud.world.ram.credential("other").caller.account_id == OTHER_ACCOUNT
    assert "secret" not in repr(found)


def test_a_key_without_a_secret_is_no_key() -> None:
    """An empty secret would be one that everybody can guess."""
    cloud = Cloud(
        users=(Principal(name="ci", access_key_id="ci-key"),),
        account={"access_key_secret": ""},
    )
    for key in ("LTAI-emulator", "ci-key"):
        with refused("InvalidAccessKeyId.NotFound", 404):
            cloud.world.ram.credential(key)


def test_unknown_keys_are_refused(cloud: Cloud) -> None:
    with refused("InvalidAccessKeyId.NotFound", 404):
        cloud.world.ram.credential("nobody")
    with refused("InvalidAccessKeyId.NotFound", 404):
        cloud.world.ram.credential("")
    with refused("InvalidSecurityToken.Malformed", 400):
        cloud.world.ram.credential("STS.something")
    with refused("InvalidSecurityToken.Malformed", 400):
        cloud.world.ram.credential("LTAI-emulator", "made up")


def test_a_user_without_policies_may_nothing(cloud: Cloud) -> None:
    poor = cloud.world.ram.credential("poor-key").caller
    with refused("NoPermission", 403):
        cloud.world.ram.authorize(poor, "ecs:DescribeImages", "acs:ecs:*:*:image/*")


def test_a_refusal_says_who_and_why(cloud: Cloud) -> None:
    poor = cloud.world.ram.credential("poor-key").caller
    with pytest.raises(ServiceError) as caught:
        cloud.world.ram.authorize(poor, "ecs:DeleteImage", "r")
    fields = caught.value.fields
    assert fields["AuthAction"] == "ecs:DeleteImage"
    assert fields["AuthPrincipalType"] == "SubUser"
    assert fields["AuthPrincipalOwnerId"] == MAIN
    assert fields["NoPermissionType"] == "ImplicitDeny"


def test_an_assumed_role_is_accepted_and_expires(cloud: Cloud) -> None:
    make_role(cloud)
    ram = cloud.world.ram
    ci = ram.credential("ci-key").caller
    token = ram.sessions.assume_role(
        ci, role_arn=ROLE_ARN, session="build", duration_s=900
    )
    assert token.access_key_secret not in repr(token)
    assert token.security_token not in repr(token)
    key = token.access_key_id, token.security_token
    caller = ram.credential(*key).caller
    assert caller.arn == f"acs:ram::{MAIN}:assumed-role/reader/build"
    ram.authorize(caller, "ecs:DescribeImages", "acs:ecs:x:y:image/*")
    with refused("NoPermission"):
        ram.authorize(caller, "ecs:DeleteImage", "acs:ecs:x:y:image/*")
    with refused("InvalidSecurityToken.MismatchWithAccessKey", 400):
        ram.credential("STS.other", token.security_token)
    cloud.wait(899)
    assert ram.credential(*key).secret == token.access_key_secret
    cloud.wait(1)
    with refused("InvalidSecurityToken.Expired", 400):
        ram.credential(*key)
    cloud.wait(100_000)
    with refused("InvalidSecurityToken.Expired", 400):
        ram.credential(*key)


def test_a_session_policy_only_takes_away(cloud: Cloud) -> None:
    make_role(cloud)
    ram = cloud.world.ram
    only_tasks = json.dumps(
        document({"Effect": "Allow", "Action": "ecs:*Task*", "Resource": "*"})
    )
    token = ram.sessions.assume_role(
        cloud.main, role_arn=ROLE_ARN, session="build", policy=only_tasks
    )
    caller = ram.credential(token.access_key_id, token.security_token).caller
    ram.authorize(caller, "ecs:DescribeTasks", "*")
    for action in ("ecs:DescribeImages", "ecs:CancelTask"):
        with refused("NoPermission"):
            ram.authorize(caller, action, "*")


def test_a_deleted_role_allows_nothing_any_more(cloud: Cloud) -> None:
    make_role(cloud)
    ram = cloud.world.ram
    token = ram.sessions.assume_role(cloud.main, role_arn=ROLE_ARN, session="build")
    ram.roles.detach_policy(
        cloud.main,
        policy_type="System",
        policy_name="AliyunECSReadOnlyAccess",
        role_name="reader",
    )
    ram.roles.delete_role(cloud.main, "reader")
    caller = ram.credential(token.access_key_id, token.security_token).caller
    with refused("NoPermission"):
        ram.authorize(caller, "ecs:DescribeImages", "*")
    make_role(cloud)
    ram.sessions.assume_role(cloud.main, role_arn=ROLE_ARN, session="build")
    caller = ram.credential(token.access_key_id, token.security_token).caller
    with refused("NoPermission"):  # the new role of that name is another
        ram.authorize(caller, "ecs:DescribeImages", "*")


def test_a_role_is_assumed_by_whom_it_trusts_and_who_may(cloud: Cloud) -> None:
    ram = cloud.world.ram
    make_role(cloud, trust_text(RAM=[f"acs:ram::{MAIN}:user/poor"]))
    poor = ram.credential("poor-key").caller
    with refused("NoPermission", 403):  # trusted, but not permitted
        ram.sessions.assume_role(poor, role_arn=ROLE_ARN, session="build")
    ci = ram.credential("ci-key").caller
    with refused("NoPermission", 403):  # permitted, but not trusted
        ram.sessions.assume_role(ci, role_arn=ROLE_ARN, session="build")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role_arn": "reader"}, "InvalidParameter.RoleArn"),
        ({"role_arn": f"acs:ram::{MAIN}:role/none"}, "EntityNotExist.Role"),
        ({"role_arn": "acs:ram::9:role/reader"}, "EntityNotExist.Role"),
        ({"session": "x"}, "InvalidParameter.RoleSessionName"),
        ({"session": "with space"}, "InvalidParameter.RoleSessionName"),
        ({"duration_s": 899}, "InvalidParameter.DurationSeconds"),
        ({"duration_s": 3601}, "InvalidParameter.DurationSeconds"),
        ({"policy": "{"}, "InvalidParameter.PolicyGrammar"),
    ],
)
def test_bad_requests_for_a_role(
    cloud: Cloud, given: dict[str, Any], code: str
) -> None:
    make_role(cloud)
    asked: dict[str, Any] = {"role_arn": ROLE_ARN, "session": "build", **given}
    with refused(code):
        cloud.world.ram.sessions.assume_role(cloud.main, **asked)


def oidc_token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"header.{payload.rstrip('=')}.signature"


def test_an_identity_providers_token_is_believed_until_it_expires(cloud: Cloud) -> None:
    provider = f"acs:ram::{MAIN}:oidc-provider/github"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Federated": [provider]},
        "Condition": {"StringEquals": {"oidc:aud": "ali", "oidc:sub": "repo:x"}},
    }
    make_role(cloud, json.dumps(document(statement)))
    sessions = cloud.world.ram.sessions
    asked: dict[str, Any] = {
        "provider_arn": provider,
        "role_arn": ROLE_ARN,
        "session": "build",
    }
    later = cloud.clock.now + 60
    good = oidc_token(aud="ali", sub="repo:x", exp=later)
    token, claims = sessions.assume_role_with_oidc(**asked, oidc_token=good)
    assert claims["sub"] == "repo:x"
    key = token.access_key_id, token.security_token
    assert cloud.world.ram.credential(*key).secret == token.access_key_secret
    for wrong in (oidc_token(aud="other", sub="repo:x"), oidc_token(), "not a token"):
        with refused("NoPermission", 403):
            sessions.assume_role_with_oidc(**asked, oidc_token=wrong)
    with refused("NoPermission", 403):
        sessions.assume_role_with_oidc(
            **{**asked, "provider_arn": "acs:ram::9:oidc-provider/evil"},
            oidc_token=good,
        )
    cloud.wait(60)
    with refused("AuthenticationFail.OIDCToken.Expired", 400):
        sessions.assume_role_with_oidc(**asked, oidc_token=good)
    with refused("InvalidParameter.OIDCToken", 400):
        sessions.assume_role_with_oidc(**asked, oidc_token="x" * 20_001)


def test_a_service_assumes_only_roles_that_trust_it(cloud: Cloud) -> None:
    make_role(cloud, trust_text(Service="fc.aliyuncs.com"))
    ram = cloud.world.ram

    def assume(service: str, name: str = "READER") -> str:
        return ram.assume_for_service(
            MAIN, name, service=service, session="fc-run", duration_s=900
        ).access_key_id

    assert assume("fc.aliyuncs.com").startswith("STS.")
    with refused("NoPermission", 403):
        assume("ecs.aliyuncs.com")
    with refused("EntityNotExist.Role", 404):
        assume("fc.aliyuncs.com", "nobody")


def test_roles_are_made_listed_and_removed(cloud: Cloud) -> None:
    roles = cloud.world.ram.roles
    make_role(cloud, description="reads", max_session_s=7200, tags={"a": "b"})
    role = roles.get_role(cloud.main, "Reader")  # letter case does not count
    assert (role.name, role.description, role.max_session_s) == (
        "reader",
        "reads",
        7200,
    )
    assert role.arn == ROLE_ARN
    names = [each.name for each in roles.list_roles(cloud.main)]
    assert names == ["AliyunECSImageImportDefaultRole", "AliyunFCDefaultRole", "reader"]
    with refused("EntityAlreadyExists.Role", 409):
        make_role(cloud)
    with refused("DeleteConflict.Role.Policy", 409):
        roles.delete_role(cloud.main, "reader")
    attached = {
        "policy_type": "System",
        "policy_name": "AliyunECSReadOnlyAccess",
        "role_name": "reader",
    }
    with refused("EntityAlreadyExists.Role.Policy", 409):
        roles.attach_policy(cloud.main, **attached)
    roles.detach_policy(cloud.main, **attached)
    with refused("EntityNotExist.Role.Policy", 404):
        roles.detach_policy(cloud.main, **attached)
    roles.delete_role(cloud.main, "reader")
    with refused("EntityNotExist.Role", 404):
        roles.get_role(cloud.main, "reader")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role_name": "has space"}, "InvalidParameter.RoleName.InvalidChars"),
        ({"trust": "{}"}, "MalformedPolicyDocument"),
        ({"max_session_s": 60}, "InvalidParameter.MaxSessionDuration"),
        ({"description": "x" * 1025}, "InvalidParameter.Description.Length"),
        ({"tags": {"acs:x": ""}}, "InvalidParameter.TagKey"),
    ],
)
def test_bad_roles(cloud: Cloud, given: dict[str, Any], code: str) -> None:
    role = {"role_name": "new", "trust": trust_text(RAM="*"), **given}
    with refused(code, 400):
        cloud.world.ram.roles.create_role(cloud.main, **role)


def test_a_role_is_updated_in_what_is_given_alone(cloud: Cloud) -> None:
    roles = cloud.world.ram.roles
    first, other = trust_text(RAM="*"), trust_text(Service="ecs.aliyuncs.com")
    roles.create_role(cloud.main, role_name="new", trust=first, description="a")
    roles.update_role(cloud.main, role_name="NEW", trust=other)
    role = roles.get_role(cloud.main, "new")
    assert (role.trust, role.description) == (json.loads(other), "a")
    assert role.max_session_s == 3600
    roles.update_role(cloud.main, role_name="new", description="", max_session_s=7200)
    assert (role.trust, role.description) == (json.loads(other), "")
    assert role.max_session_s == 7200
    with refused("EntityNotExist.Role", 404):
        roles.update_role(cloud.main, role_name="none", description="b")
    # A call that is refused changes nothing.
    for wrong, code in (
        ({"max_session_s": 1}, "InvalidParameter.MaxSessionDuration"),
        ({"trust": "{}"}, "MalformedPolicyDocument"),
    ):
        with refused(code, 400):
            roles.update_role(cloud.main, role_name="new", description="b", **wrong)
        assert role.description == ""


def test_policies_are_made_attached_counted_and_removed(cloud: Cloud) -> None:
    roles = cloud.world.ram.roles
    make_role(cloud)
    text = json.dumps(document(EVERYTHING))
    roles.create_policy(cloud.main, policy_name="mine", document=text)
    with refused("EntityAlreadyExists.Policy", 409):
        roles.create_policy(cloud.main, policy_name="mine", document=text)
    with refused("MalformedPolicyDocument", 400):
        roles.create_policy(cloud.main, policy_name="bad", document="x")
    many = {f"k{number}": "" for number in range(21)}
    with refused("InvalidParameter.Tag.Number", 400):
        roles.create_policy(cloud.main, policy_name="tagged", document=text, tags=many)
    custom = {"policy_type": "Custom", "policy_name": "mine"}
    roles.attach_policy(cloud.main, **custom, role_name="reader")
    policy, attachments = roles.get_policy(cloud.main, **custom)
    assert (policy.text, attachments) == (text, 1)
    names = [p.name for p, _ in roles.list_policies_for_role(cloud.main, "reader")]
    assert names == ["AliyunECSReadOnlyAccess", "mine"]
    with refused("DeleteConflict.Policy.Role", 409):
        roles.delete_policy(cloud.main, "mine")
    roles.detach_policy(cloud.main, **custom, role_name="reader")
    roles.delete_policy(cloud.main, "mine")
    with refused("EntityNotExist.Policy", 404):
        roles.get_policy(cloud.main, **custom)
    with refused("InvalidParameter.PolicyType", 400):
        roles.get_policy(cloud.main, policy_type="Mine", policy_name="mine")


def test_tags_on_roles(cloud: Cloud) -> None:
    roles = cloud.world.ram.roles
    make_role(cloud)
    roles.tag_resources(
        cloud.main, resource_type="role", names=["reader"], tags={"a": "1", "b": "2"}
    )
    listed = roles.list_tag_resources(
        cloud.main, resource_type="role", tags=[("a", "1")]
    )
    assert listed == [("reader", "a", "1"), ("reader", "b", "2")]
    roles.untag_resources(
        cloud.main, resource_type="role", names=["reader"], keys=["a"]
    )
    assert roles.get_role(cloud.main, "reader").tags == {"b": "2"}
    roles.untag_resources(
        cloud.main, resource_type="role", names=["reader"], keys=[], everything=True
    )
    assert roles.list_tag_resources(cloud.main, resource_type="role") == []
    with refused("EntityNotExist.Role", 404):
        roles.tag_resources(cloud.main, resource_type="role", names=["x"], tags={})
    with refused("InvalidParameter.ResourceType", 400):
        roles.tag_resources(cloud.main, resource_type="cat", names=["x"], tags={})


def test_ram_itself_asks_for_permission(cloud: Cloud) -> None:
    poor = cloud.world.ram.credential("poor-key").caller
    with refused("NoPermission", 403):
        cloud.world.ram.roles.get_role(poor, "AliyunFCDefaultRole")
