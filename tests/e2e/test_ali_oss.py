"""ali-oss, the official OSS SDK for Node.js, through ``exec``, unchanged."""

import subprocess
from pathlib import Path

import pytest

from tests.support.programs import need
from tests.support.tool import BIN, run

NODE = Path(__file__).parent / "node"
INSTALL_S_MAX = 180


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """The folder with the SDKs of package.json, installed from the lock file."""
    need("node", "nodejs")
    if not (NODE / "node_modules" / "ali-oss").is_dir():
        need("npm", "npm")
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=NODE,
            check=True,
            capture_output=True,
            timeout=INSTALL_S_MAX,
        )
    return NODE


@pytest.mark.e2e
def test_the_node_sdk(node_packages: Path) -> None:
    tests = node_packages / "oss.test.cjs"
    ended = run(BIN / "alicloud-emulator", "exec", "--", "node", "--test", tests)
    assert ended.status == 0, ended.out
    assert "# fail 0" in ended.out
