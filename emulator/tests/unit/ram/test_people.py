import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from alicloud_emulator.front.documents import state
from alicloud_emulator.world.caller import Caller, PrincipalKind
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
    asked = {"RoleName": "reader", "AssumeRolePolicyDocument": trust, **given}
    cloud.call("ram", "CreateRole", **asked)
    cloud.call("ram", "AttachPolicyToRole", **ATTACHED)


ATTACHED = {
    "PolicyType": "System",
    "PolicyName": "AliyunECSReadOnlyAccess",
    "RoleName": "reader",
}


def assumed(
    cloud: Cloud, caller: Caller | None = None, **given: Any
) -> tuple[str, str, str]:
    """Assume the role, and return key, token and secret."""
    asked = {"RoleArn": ROLE_ARN, "RoleSessionName": "build", **given}
    got = cloud.call("sts", "AssumeRole", caller, **asked)["Credentials"]
    return got["AccessKeyId"], got["SecurityToken"], got["AccessKeySecret"]


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


def test_roles_and_policies_that_were_made_are_left_behind(cloud: Cloud) -> None:
    """But not the role that the account has from the start, nor system policies."""
    before = state(cloud.world, seed=0)
    assert before["central"] == {"roles": [], "policies": [], "kms_keys": []}
    make_role(cloud)
    text = json.dumps(document(EVERYTHING))
    cloud.call("ram", "CreatePolicy", PolicyName="mine", PolicyDocument=text)
    found = state(cloud.world, seed=0)
    (role,), (policy,) = found["central"]["roles"], found["central"]["policies"]
    assert role == {
        "name": "reader",
        "arn": ROLE_ARN,
        "policies": ["AliyunECSReadOnlyAccess"],
        "tags": {},
    }
    assert policy == {"name": "mine", "tags": {}}
    left = [one for one in found["left_behind"] if not one["region"]]
    assert left == [
        {"region": "", "kind": "roles", "id": "reader", "name": "reader"},
        {"region": "", "kind": "policies", "id": "mine", "name": "mine"},
    ]
    cloud.call("ram", "DetachPolicyFromRole", **ATTACHED)
    cloud.call("ram", "DeleteRole", RoleName="reader")
    cloud.call("ram", "DeletePolicy", PolicyName="mine")
    assert state(cloud.world, seed=0)["left_behind"] == before["left_behind"]


def test_policies_may_be_about_where_a_call_comes_from(cloud: Cloud) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "ecs:*",
        "Resource": "*",
        "Condition": {"Bool": {"acs:SecureTransport": "false"}},
    }
    user = Caller(
        account_id=MAIN,
        kind=PrincipalKind.USER,
        policies=(document(EVERYTHING, deny),),
    )
    safe, plain = (
        replace(user, context={"acs:SecureTransport": text})
        for text in ("true", "false")
    )
    cloud.world.ram.authorize(safe, "ecs:DeleteImage", "*")
    with refused("NoPermission", 403):
        cloud.world.ram.authorize(plain, "ecs:DeleteImage", "*")


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
    *key, secret = assumed(cloud, ci, DurationSeconds=900)
    caller = ram.credential(*key).caller
    assert caller.arn == f"acs:ram::{MAIN}:assumed-role/reader/build"
    ram.authorize(caller, "ecs:DescribeImages", "acs:ecs:x:y:image/*")
    with refused("NoPermission"):
        ram.authorize(caller, "ecs:DeleteImage", "acs:ecs:x:y:image/*")
    with refused("InvalidSecurityToken.MismatchWithAccessKey", 400):
        ram.credential("STS.other", key[1])
    cloud.wait(899)
    assert ram.credential(*key).secret == secret
    cloud.wait(1)
    with refused("InvalidSecurityToken.Expired", 400):
        ram.credential(*key)
    cloud.wait(100_000)
    with refused("InvalidSecurityToken.Expired", 400):
        ram.credential(*key)


def test_secrets_are_not_shown(cloud: Cloud) -> None:
    role = cloud.world.ram.people(MAIN).role("AliyunFCDefaultRole")
    assert role is not None
    sessions = cloud.world.ram.sessions
    token = sessions.issue(MAIN, role, session="build", duration_s=900)
    assert token.access_key_secret not in repr(token)
    assert token.security_token not in repr(token)


def test_a_session_policy_only_takes_away(cloud: Cloud) -> None:
    make_role(cloud)
    ram = cloud.world.ram
    only_tasks = json.dumps(
        document({"Effect": "Allow", "Action": "ecs:*Task*", "Resource": "*"})
    )
    *key, _ = assumed(cloud, Policy=only_tasks)
    caller = ram.credential(*key).caller
    ram.authorize(caller, "ecs:DescribeTasks", "*")
    for action in ("ecs:DescribeImages", "ecs:CancelTask"):
        with refused("NoPermission"):
            ram.authorize(caller, action, "*")


def test_a_deleted_role_allows_nothing_any_more(cloud: Cloud) -> None:
    make_role(cloud)
    ram = cloud.world.ram
    *key, _ = assumed(cloud)
    cloud.call("ram", "DetachPolicyFromRole", **ATTACHED)
    cloud.call("ram", "DeleteRole", RoleName="reader")
    caller = ram.credential(*key).caller
    with refused("NoPermission"):
        ram.authorize(caller, "ecs:DescribeImages", "*")
    make_role(cloud)
    assumed(cloud)
    caller = ram.credential(*key).caller
    with refused("NoPermission"):  # the new role of that name is another
        ram.authorize(caller, "ecs:DescribeImages", "*")


def test_a_role_is_assumed_by_whom_it_trusts_and_who_may(cloud: Cloud) -> None:
    ram = cloud.world.ram
    make_role(cloud, trust_text(RAM=[f"acs:ram::{MAIN}:user/poor"]))
    with refused("NoPermission", 403):  # trusted, but not permitted
        assumed(cloud, ram.credential("poor-key").caller)
    with refused("NoPermission", 403):  # permitted, but not trusted
        assumed(cloud, ram.credential("ci-key").caller)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RoleArn": "reader"}, "InvalidParameter.RoleArn"),
        ({"RoleArn": f"acs:ram::{MAIN}:role/none"}, "EntityNotExist.Role"),
        ({"RoleArn": "acs:ram::9:role/reader"}, "EntityNotExist.Role"),
        ({"RoleSessionName": "x"}, "InvalidParameter.RoleSessionName"),
        ({"RoleSessionName": "with space"}, "InvalidParameter.RoleSessionName"),
        ({"DurationSeconds": 899}, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": 3601}, "InvalidParameter.DurationSeconds"),
        ({"Policy": "{"}, "InvalidParameter.PolicyGrammar"),
    ],
)
def test_bad_requests_for_a_role(
    cloud: Cloud, given: dict[str, Any], code: str
) -> None:
    make_role(cloud)
    with refused(code):
        assumed(cloud, **given)


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

    def assume(token: str, **given: str) -> dict[str, Any]:
        asked = {
            "OIDCProviderArn": provider,
            "RoleArn": ROLE_ARN,
            "RoleSessionName": "build",
            "OIDCToken": token,
            **given,
        }
        return cloud.call("sts", "AssumeRoleWithOIDC", **asked)

    good = oidc_token(aud="ali", sub="repo:x", exp=cloud.clock.now + 60)
    got = assume(good)
    assert got["OIDCTokenInfo"]["Subject"] == "repo:x"
    keys = got["Credentials"]
    found = cloud.world.ram.credential(keys["AccessKeyId"], keys["SecurityToken"])
    assert found.secret == keys["AccessKeySecret"]
    for wrong in (oidc_token(aud="other", sub="repo:x"), oidc_token(), "not a token"):
        with refused("NoPermission", 403):
            assume(wrong)
    with refused("NoPermission", 403):
        assume(good, OIDCProviderArn="acs:ram::9:oidc-provider/evil")
    cloud.wait(60)
    with refused("AuthenticationFail.OIDCToken.Expired", 400):
        assume(good)
    with refused("InvalidParameter.OIDCToken", 400):
        assume("x" * 20_001)


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
    asked: dict[str, Any] = {"Description": "reads", "MaxSessionDuration": 7200}
    make_role(cloud, **asked, Tag='[{"Key":"a","Value":"b"}]')
    # Letter case does not count.
    role = cloud.call("ram", "GetRole", RoleName="Reader")["Role"]
    assert (role["RoleName"], role["Description"]) == ("reader", "reads")
    assert (role["MaxSessionDuration"], role["Arn"]) == (7200, ROLE_ARN)
    listed = cloud.call("ram", "ListRoles")["Roles"]["Role"]
    names = [each["RoleName"] for each in listed]
    assert names == ["AliyunECSImageImportDefaultRole", "AliyunFCDefaultRole", "reader"]
    with refused("EntityAlreadyExists.Role", 409):
        make_role(cloud)
    with refused("DeleteConflict.Role.Policy", 409):
        cloud.call("ram", "DeleteRole", RoleName="reader")
    with refused("EntityAlreadyExists.Role.Policy", 409):
        cloud.call("ram", "AttachPolicyToRole", **ATTACHED)
    cloud.call("ram", "DetachPolicyFromRole", **ATTACHED)
    with refused("EntityNotExist.Role.Policy", 404):
        cloud.call("ram", "DetachPolicyFromRole", **ATTACHED)
    cloud.call("ram", "DeleteRole", RoleName="reader")
    with refused("EntityNotExist.Role", 404):
        cloud.call("ram", "GetRole", RoleName="reader")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"RoleName": "has space"}, "InvalidParameter.RoleName.InvalidChars"),
        ({"AssumeRolePolicyDocument": "{}"}, "MalformedPolicyDocument"),
        ({"MaxSessionDuration": 60}, "InvalidParameter.MaxSessionDuration"),
        ({"Description": "x" * 1025}, "InvalidParameter.Description.Length"),
        ({"Tag": '[{"Key":"acs:x"}]'}, "InvalidParameter.TagKey"),
        ({"Tag__1__Key": "k", "Tag__1__Value": "v" * 129}, "InvalidParameter.TagValue"),
    ],
)
def test_bad_roles(cloud: Cloud, given: dict[str, Any], code: str) -> None:
    trust = trust_text(RAM="*")
    role = {"RoleName": "new", "AssumeRolePolicyDocument": trust, **given}
    with refused(code, 400):
        cloud.call("ram", "CreateRole", **role)


def test_a_role_is_updated_in_what_is_given_alone(cloud: Cloud) -> None:
    first, other = trust_text(RAM="*"), trust_text(Service="ecs.aliyuncs.com")
    make_role(cloud, first, Description="a")

    def update(**given: Any) -> tuple[Any, str, int]:
        asked = {"RoleName": "READER", **given}
        role = cloud.call("ram", "UpdateRole", **asked)["Role"]
        trust = json.loads(role["AssumeRolePolicyDocument"])
        return trust, role["Description"], role["MaxSessionDuration"]

    trust = json.loads(other)
    assert update(NewAssumeRolePolicyDocument=other) == (trust, "a", 3600)
    changed = update(NewDescription="", NewMaxSessionDuration=7200)
    assert changed == (trust, "", 7200)
    with refused("EntityNotExist.Role", 404):
        update(RoleName="none", NewDescription="b")
    # A call that is refused changes nothing.
    for wrong, code in (
        ({"NewMaxSessionDuration": 1}, "InvalidParameter.MaxSessionDuration"),
        ({"NewAssumeRolePolicyDocument": "{}"}, "MalformedPolicyDocument"),
    ):
        with refused(code, 400):
            update(NewDescription="b", **wrong)
        assert update() == changed


def test_policies_are_made_attached_counted_and_removed(cloud: Cloud) -> None:
    make_role(cloud)
    text = json.dumps(document(EVERYTHING))
    mine = {"PolicyName": "mine", "PolicyDocument": text}
    cloud.call("ram", "CreatePolicy", **mine)
    with refused("EntityAlreadyExists.Policy", 409):
        cloud.call("ram", "CreatePolicy", **mine)
    with refused("MalformedPolicyDocument", 400):
        cloud.call("ram", "CreatePolicy", PolicyName="bad", PolicyDocument="x")
    many = {f"Tag__{number}__Key": f"k{number}" for number in range(1, 22)}
    with refused("InvalidParameter.Tag.Number", 400):
        cloud.call("ram", "CreatePolicy", **{**mine, "PolicyName": "tagged"}, **many)
    custom = {"PolicyType": "Custom", "PolicyName": "mine"}
    cloud.call("ram", "AttachPolicyToRole", **custom, RoleName="reader")
    got = cloud.call("ram", "GetPolicy", **custom)
    assert got["Policy"]["AttachmentCount"] == 1
    assert got["DefaultPolicyVersion"]["PolicyDocument"] == text
    listed = cloud.call("ram", "ListPoliciesForRole", RoleName="reader")["Policies"]
    names = [policy["PolicyName"] for policy in listed["Policy"]]
    assert names == ["AliyunECSReadOnlyAccess", "mine"]
    with refused("DeleteConflict.Policy.Role", 409):
        cloud.call("ram", "DeletePolicy", PolicyName="mine")
    cloud.call("ram", "DetachPolicyFromRole", **custom, RoleName="reader")
    cloud.call("ram", "DeletePolicy", PolicyName="mine")
    with refused("EntityNotExist.Policy", 404):
        cloud.call("ram", "GetPolicy", **custom)
    with refused("InvalidParameter.PolicyType", 400):
        cloud.call("ram", "GetPolicy", PolicyType="Mine", PolicyName="mine")


def test_tags_on_roles(cloud: Cloud) -> None:
    make_role(cloud)
    reader = {"ResourceType": "role", "ResourceNames": '["reader"]'}
    two = '[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]'
    cloud.call("ram", "TagResources", **reader, Tag=two)

    def listed(**given: Any) -> list[tuple[str, str, str]]:
        asked = {"ResourceType": "role", **given}
        rows = cloud.call("ram", "ListTagResources", **asked)["TagResources"]
        return [(r["ResourceName"], r["TagKey"], r["TagValue"]) for r in rows]

    both = [("reader", "a", "1"), ("reader", "b", "2")]
    assert listed(Tag='[{"Key":"a","Value":"1"}]') == both
    assert listed(Tag='[{"Key":"a","Value":"2"}]') == []
    cloud.call("ram", "UntagResources", **reader, TagKeys='["a"]')
    assert listed() == both[1:]
    many = {f"Tag__{number}__Key": f"k{number}" for number in range(1, 21)}
    with refused("InvalidParameter.Tag.Number", 400):
        cloud.call("ram", "TagResources", **reader, **many)
    cloud.call("ram", "UntagResources", **reader, All=True)
    assert listed() == []
    with refused("EntityNotExist.Role", 404):
        cloud.call(
            "ram", "TagResources", **{**reader, "ResourceNames": '["x"]'}, Tag=two
        )
    with refused("InvalidParameter.ResourceType", 400):
        cloud.call("ram", "TagResources", **{**reader, "ResourceType": "cat"}, Tag=two)


def test_ram_itself_asks_for_permission(cloud: Cloud) -> None:
    poor = cloud.world.ram.credential("poor-key").caller
    with refused("NoPermission", 403):
        cloud.call("ram", "GetRole", poor, RoleName="AliyunFCDefaultRole")
