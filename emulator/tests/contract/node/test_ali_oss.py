"""ali-oss, the official OSS SDK for Node.js, tested by Node's own test runner."""

import subprocess
import sys
from pathlib import Path

from emulator.tests.contract.node.conftest import HERE, PROGRAM_S_MAX


def test_the_node_sdk(node_modules: Path) -> None:
    assert node_modules.is_dir()
    emulator = [sys.executable, "-m", "alicloud_emulator.cli.main", "exec", "--"]
    suite = HERE / "programs" / "oss_suite.cjs"
    ended = subprocess.run(
        [*emulator, "node", "--test", suite],
        check=False,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S_MAX,
    )
    assert ended.returncode == 0, ended.stdout
    assert "# fail 0" in ended.stdout
