"""The policies that are printed: no more than is needed, and what the page says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ali_import import ConfigurationError, Options, least_policy
from ali_import.standing.policy import trust_policy

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"


def actions(**options: Any) -> set[str]:
    statements = least_policy(Options(**options))["Statement"]
    return {action for statement in statements for action in statement["Action"]}


def test_for_everything_it_is_the_policy_of_the_page() -> None:
    text = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    documented: set[tuple[str, str]] = set()
    for statement in json.loads(text[0])["Statement"]:
        action = statement["Action"]
        for each in [action] if isinstance(action, str) else action:
            documented.add((each, json.dumps(statement["Resource"])))
    printed = {
        (action, json.dumps(statement["Resource"]))
        for statement in least_policy(Options(public=True))["Statement"]
        for action in statement["Action"]
    }
    assert printed == documented


def test_where_no_relay_is_needed_no_function_is_allowed() -> None:
    assert "fc:CreateFunction" in actions()
    assert "fc:CreateFunction" in actions(regions=("cn-beijing",))
    assert "fc:CreateFunction" not in actions(regions=("eu-central-1",))


def test_where_nothing_is_public_nothing_is_shown() -> None:
    show = "ecs:ModifyImageSharePermission"
    assert show not in actions()
    assert show in actions(public=True)
    assert show in actions(overwrite=True)  # what is replaced may be public


def test_a_role_must_be_passed_on() -> None:
    assert "ram:PassRole" not in actions()
    assert "ram:PassRole" in actions(role="my-role")


@pytest.mark.parametrize(
    ("project", "subject", "issuer"),
    [
        ("github:org/repo", "repo:org/repo:*", "token.actions.githubusercontent.com"),
        ("gitlab:a/b/c", "project_path:a/b/c:*", "gitlab.com"),
    ],
)
def test_a_project_alone_may_take_on_the_role(
    project: str, subject: str, issuer: str
) -> None:
    (statement,) = trust_policy(project, "12")["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"]["Federated"][0].startswith(
        "acs:ram::12:oidc-provider/"
    )
    condition = statement["Condition"]
    assert condition["StringLike"] == {"oidc:sub": [subject]}
    assert condition["StringEquals"]["oidc:iss"] == [f"https://{issuer}"]


@pytest.mark.parametrize(
    "project", ["", "github", "github:", "github:org", "github:*/*", "svn:a/b", "a/b"]
)
def test_what_is_no_project_is_refused(project: str) -> None:
    with pytest.raises(ConfigurationError, match="--trust"):
        trust_policy(project, "12")
