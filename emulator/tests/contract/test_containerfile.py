"""The container's recipe, as far as a machine without a container engine can try it."""

import json
import os
import re
import signal
import socket
import subprocess
import tomllib
from pathlib import Path

from emulator.tests.support.waiting import until
from emulator.tests.support.wheel import EMULATOR, built_wheel, clean_environment

RECIPE = EMULATOR / "Containerfile"


def steps() -> list[tuple[str, str]]:
    """The recipe's instructions, without its comments."""
    lines = RECIPE.read_text("utf-8").splitlines()
    told = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in told]


def words(name: str) -> list[str]:
    """What an instruction runs, which is a list: no shell stands before it."""
    (rest,) = [rest for step, rest in steps() if step == name]
    found: list[str] = json.loads(rest[rest.index("[") :])
    return found


def test_it_installs_the_published_package_and_copies_nothing() -> None:
    project = tomllib.loads((EMULATOR / "pyproject.toml").read_text("utf-8"))["project"]
    names = [name for name, _ in steps()]
    assert names[0] == "FROM"
    assert not {"COPY", "ADD"} & set(names)
    installs = [rest for name, rest in steps() if name == "RUN" and "pip" in rest]
    assert [rest.split()[-1] for rest in installs] == [project["name"]]
    (image,) = [rest for name, rest in steps() if name == "FROM"]
    version = re.search(r"python:(3\.\d+)", image)
    assert version is not None
    known = "Programming Language :: Python :: "
    assert f"{known}{version[1]}" in project["classifiers"]
    assert ("USER", "cloud") in steps(), "functions do not run as root"


def test_its_command_serves_is_healthy_and_ends(tmp_path: Path) -> None:
    command, health = words("ENTRYPOINT"), words("HEALTHCHECK")
    (exposed,) = [rest for name, rest in steps() if name == "EXPOSE"]
    assert command[command.index("--port") + 1] == exposed
    # The port of here is any free one, and open to this machine alone.
    with socket.socket() as any_free:
        any_free.bind(("127.0.0.1", 0))
        port = str(any_free.getsockname()[1])
    changed = {exposed: port, "0.0.0.0": "127.0.0.1"}
    bin_folder = clean_environment(tmp_path / "env", built_wheel(tmp_path))
    env = {"PATH": f"{bin_folder}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    served = subprocess.Popen(
        [changed.get(word, word) for word in command],
        env=env,
        stdout=subprocess.PIPE,
    )
    try:
        assert served.stdout is not None
        assert json.loads(served.stdout.readline())["proxy"].endswith(f":{port}")
        check = [word.replace(f":{exposed}/", f":{port}/") for word in health]
        subprocess.run(check, env=env, check=True)
    finally:
        served.send_signal(signal.SIGTERM)
        until(lambda: served.poll() is not None)
        served.stdout.close()  # type: ignore[union-attr] # a pipe, see above
    assert served.returncode == 0
