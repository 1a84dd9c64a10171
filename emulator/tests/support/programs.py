"""Programs of the machine that some tests compare our work with."""

import os
import shutil
import subprocess

import pytest


def need(program: str, package: str) -> None:
    """Skip the test that calls this where a program is missing; fail it in CI.

    There, ``.ci/run`` installs the Debian package, and a test that did not run counts as
    one that failed.
    """
    if shutil.which(program, path=_search_path()):
        return
    reason = f"there is no {program}: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command: object) -> str:
    """Run a program, which must succeed, and return what it printed."""
    result = subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": _search_path(), "LC_ALL": "C.UTF-8"},
    )
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


def _search_path() -> str:
    # Debian keeps mkfs.fat and sgdisk where only root looks.
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
