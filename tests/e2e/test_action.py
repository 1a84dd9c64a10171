"""The GitHub action: its steps in a shell, on the emulator, with a token for a role."""

import base64
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator
from emulator.tests.support.waiting import until
from scripts import action
from tests.e2e.test_weather import inline, toml_profile
from tests.support.audit import Expected, problems
from tests.support.workflow import ROOT, link_install, read_action

pytestmark = pytest.mark.e2e

PROVIDER = "acs:ram::1234567890123456:oidc-provider/GitHub"
ROLE = "acs:ram::1234567890123456:role/publisher"
SUBJECT = "repo:acme/images:ref:refs/heads/main"
TOKEN = "the-workflow-may-ask"


@dataclass
class GitHub:
    """Where a workflow gets its tokens: each is good for five minutes."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, authorization: str | None) -> dict[str, Any]:
        assert authorization == f"bearer {TOKEN}"
        (audience,) = parse_qs(urlsplit(path).query)["audience"]
        self.asked.append(audience)
        claims = {
            "iss": "https://token.actions.githubusercontent.com",
            "aud": audience,
            "sub": SUBJECT,
            "exp": int(time.time()) + 300,
            "number": len(self.asked),
        }
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        return {"value": f"e30.{payload.rstrip('=')}.c2ln"}


@contextmanager
def github() -> Iterator[GitHub]:
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = state.answer(self.path, self.headers["Authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/token?api-version=2"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def profile(folder: Path) -> Path:
    """Return a cloud with a role that trusts the workflow, and may do what we need."""
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    policy = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    trust = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    return toml_profile(
        folder,
        f'[[account.roles]]\nname = "publisher"\npolicies = [{inline(policy)}]\n'
        f"trust = {inline(trust)}\n",
    )


def job(cloud: RunningEmulator, tokens: GitHub) -> dict[str, str]:
    """Return the environment of a job that may ask for tokens and has no keys."""
    plain = {k: v for k, v in cloud.env.items() if "ACCESS_KEY" not in k}
    return plain | {
        "ACTIONS_ID_TOKEN_REQUEST_URL": tokens.url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
    }


def test_the_actions_steps_publish_with_a_token_of_the_workflow(
    disks: list[Path], wanted: list[Expected], tmp_path: Path
) -> None:
    link_install(tmp_path)
    with github() as tokens, emulator("--profile", str(profile(tmp_path))) as cloud:
        ended = read_action(ROOT / "action.yml").run(
            job(cloud, tokens),
            tmp_path,
            images="\n".join(map(str, disks)),
            name="demo-1",
            family="demo",
            public="true",
            region="eu-central-1\ncn-beijing\n",
            role_to_assume=ROLE,
            oidc_provider=PROVIDER,
        )
        state = cloud.get("/state")
    assert ended.status == 0, ended.err
    assert tokens.asked == ["sts.aliyuncs.com"]
    regions = ["eu-central-1", "cn-beijing"]
    assert problems(state, wanted, public=True, regions=regions) == []
    assert json.loads(ended.outputs["images"]) == {
        item.name: {
            region: image["image_id"]
            for region in regions
            for image in state["regions"][region]["images"]
            if image["name"] == item.name
        }
        for item in wanted
    }
    assert ended.outputs["summary"] == "6 placements in 2 regions: 6 placed"
    assert "<h1>ali-import" in Path(ended.outputs["report"]).read_text()
    assert (tmp_path / "summary").read_text().startswith("### ali-import: 6 placements")
    assert not (tmp_path / "ali-import-token").exists()
    assert TOKEN not in ended.out + ended.err


def test_the_action_publishes_what_a_release_file_says(
    disks: list[Path], tmp_path: Path
) -> None:
    link_install(tmp_path)
    release = tmp_path / "release.toml"
    release.write_text(
        'name = "demo-{version}"\nfamily = "demo"\nregion = ["eu-central-1"]\n'
        f'image = ["{disks[0]}"]\n'
    )
    with emulator() as cloud:
        ended = read_action(ROOT / "action.yml").run(
            cloud.env, tmp_path, config=str(release), set="version=7\n"
        )
    assert ended.status == 0, ended.err
    assert list(json.loads(ended.outputs["images"])) == ["demo-7"]


def test_a_workflow_that_is_not_trusted_gets_nothing(
    disks: list[Path], tmp_path: Path
) -> None:
    link_install(tmp_path)
    with github() as tokens, emulator("--profile", str(profile(tmp_path))) as cloud:
        ended = read_action(ROOT / "action.yml").run(
            job(cloud, tokens),
            tmp_path,
            images=str(disks[0]),
            role_to_assume=ROLE,
            oidc_provider=PROVIDER,
            audience="somebody-else",
        )
    assert ended.status == 2
    assert "NoPermission: the role does not trust this token" in ended.err
    assert ended.outputs["images"] == ""


@pytest.mark.parametrize(
    ("inputs", "lacks", "complaint"),
    [
        ({"public": "yes"}, "", "public: 'yes' is neither true nor false"),
        ({"images": " \n "}, "", "images: names no file, and config no release file"),
        ({"oidc_provider": ""}, "", "oidc-provider is missing"),
        ({"role_to_assume": ""}, "", "role-to-assume is missing"),
        ({}, "ACTIONS_ID_TOKEN_REQUEST_URL", "permissions: id-token: write"),
    ],
)
def test_a_wrong_input_is_one_annotation(
    tmp_path: Path, inputs: dict[str, str], lacks: str, complaint: str
) -> None:
    link_install(tmp_path)
    environment = {
        "PATH": "/usr/bin:/bin",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/?",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
    }
    environment.pop(lacks, None)
    right = {"images": "a.img", "role_to_assume": ROLE, "oidc_provider": PROVIDER}
    ended = read_action(ROOT / "action.yml").run(
        environment, tmp_path, **(right | inputs)
    )
    assert ended.status == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("::error title=ali-import::")
    assert complaint in line


def test_the_token_is_fetched_anew_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action, "_FETCH_EVERY_S", 0.01)
    with github() as tokens:
        environment = {
            "ALI_IMPORT_ROLE_TO_ASSUME": ROLE,
            "ALI_IMPORT_OIDC_PROVIDER": PROVIDER,
            "ALI_IMPORT_AUDIENCE": "sts.aliyuncs.com",
            "ACTIONS_ID_TOKEN_REQUEST_URL": tokens.url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
        }
        with action.credentials(environment, tmp_path) as variables:
            file = Path(variables["ALIBABA_CLOUD_OIDC_TOKEN_FILE"])
            first = file.read_text()
            assert file.stat().st_mode & 0o777 == 0o600
            until(lambda: file.read_text() != first)
        assert not file.exists()


def test_the_flags_are_those_of_the_inputs(tmp_path: Path) -> None:
    assert action.arguments(
        {
            "ALI_IMPORT_IMAGES": "my disk.img\n-odd.img\n",
            "ALI_IMPORT_PUBLIC": "True",
            "ALI_IMPORT_OVERWRITE": "false",
            "ALI_IMPORT_NAME": "-n",
            "ALI_IMPORT_REGION": "a-1\n\n b-2 \n",
            "ALI_IMPORT_ALLOW_FAILURE": "b-2",
            "ALI_IMPORT_ARGUMENTS": "-v\n--boot-mode\nuefi",
            "GITHUB_OUTPUT": "/tmp/output",
        },
        tmp_path / "r.html",
    ) == [
        *("--public", "--name=-n", "--region=a-1", "--region=b-2"),
        *("--allow-failure=b-2", "--report=/tmp/output"),
        *(f"--report=html:{tmp_path}/r.html", "-v", "--boot-mode", "uefi"),
        *("--", "my disk.img", "-odd.img"),
    ]


def test_what_the_action_installs_is_what_the_tests_ran_with() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = re.split(r"\n(?=[a-z])", text)
        return {
            block.partition("==")[0]: re.sub(r"\n\s*#.*", "", block) for block in blocks
        }

    tested = pins("requirements.txt")
    shipped = pins("requirements-run.txt")
    assert shipped.items() <= tested.items()
    assert sys.version_info >= (3, 11)
