"""What contract tests share: one emulator for all of them, emptied before each."""

import os
from collections.abc import Iterator

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[RunningEmulator]:
    """One process for the whole run: starting one takes about a second."""
    with emulator("--seed", "1") as running:
        yield running


@pytest.fixture
def cloud(
    shared_emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> RunningEmulator:
    """An empty cloud, and this process's environment set as ``exec`` would set it.

    SDKs that verify TLS against certifi alone are led to the bundle as the Python
    start-up hook does it for children.
    """
    shared_emulator.reset()
    for name in shared_emulator.given["unset"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in shared_emulator.given["env"].items():
        if name not in {"PYTHONPATH", "NODE_OPTIONS"}:
            monkeypatch.setenv(name, value)
    bundle = os.fspath(shared_emulator.ca_bundle)
    monkeypatch.setattr("certifi.where", lambda: bundle)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", bundle)
    return shared_emulator
