"""What the GitHub action does: inputs to flags, tokens for a role, one run of ali-import.

``action.yml`` hands its inputs over as variables. A list has one item a line. The tokens
that GitHub gives a workflow are good for some minutes, and a run may take hours: so they
are fetched anew while it goes on, into the file that the credentials chain reads whenever
it needs new keys. https://docs.github.com/actions/reference/openid-connect-reference
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Final
from urllib.parse import quote
from urllib.request import Request, urlopen

SOURCES: Final = Path(__file__).resolve().parents[1] / "src"
USAGE: Final = 2  # as the command itself has it

# GitHub's tokens live five minutes or more.
_FETCH_EVERY_S: Final = 200.0
_FETCH_S_MAX: Final = 30.0
_TRIES_MAX: Final = 3

_SWITCHES: Final = ("public", "overwrite", "all-or-nothing")
_VALUES: Final = ("config", "name", "family", "timeout")
_LISTS: Final = ("set", "region", "allow-failure")

_REQUEST_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
_REQUEST_TOKEN: Final = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


class InputError(Exception):
    """An input of the action is wrong, or the workflow lacks something."""


def given(name: str, environment: Mapping[str, str]) -> str:
    """Return an input, without white space around it."""
    variable = f"ALI_IMPORT_{name.upper().replace('-', '_')}"
    return environment.get(variable, "").strip()


def items(name: str, environment: Mapping[str, str]) -> list[str]:
    """Return the items of an input that has one a line."""
    lines = given(name, environment).splitlines()
    return [line.strip() for line in lines if line.strip()]


def arguments(environment: Mapping[str, str], report: Path) -> list[str]:
    """Return the words of the command.

    Raises:
        InputError: A switch is neither true nor false, or nothing is named to publish.
    """
    words: list[str] = []
    for name in _SWITCHES:
        value = given(name, environment).lower() or "false"
        if value not in {"true", "false"}:
            raise InputError(f"{name}: {value!a} is neither true nor false")
        words += [f"--{name}"] if value == "true" else []
    for name in _VALUES:
        if value := given(name, environment):
            words.append(f"--{name}={value}")
    words += [
        f"--{name}={item}" for name in _LISTS for item in items(name, environment)
    ]
    for variable in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        if file := environment.get(variable):
            words.append(f"--report={file}")
    images = items("images", environment)
    if not images and not given("config", environment):
        raise InputError("images: names no file, and config no release file")
    return [
        *words,
        f"--report=html:{report}",
        *items("arguments", environment),
        "--",
        *images,
    ]


# --- tokens ---------------------------------------------------------------------------


def fetch_token(environment: Mapping[str, str]) -> str:
    """Ask GitHub for a token of this workflow.

    Raises:
        OSError: It does not answer.
        ValueError: Its answer is none.
    """
    audience = quote(given("audience", environment), safe="")
    url = f"{environment[_REQUEST_URL]}&audience={audience}"
    request = Request(url)
    request.add_header("Authorization", f"bearer {environment[_REQUEST_TOKEN]}")
    with urlopen(request, timeout=_FETCH_S_MAX) as answer:
        token = json.load(answer).get("value")
    if not isinstance(token, str) or not token:
        raise ValueError("GitHub's answer holds no token")
    return token


def _token(environment: Mapping[str, str]) -> str:
    """Fetch a token, and try again if that fails."""
    for _ in range(_TRIES_MAX - 1):
        with suppress(OSError):
            return fetch_token(environment)
    return fetch_token(environment)


def store_token(environment: Mapping[str, str], file: Path) -> None:
    """Put a fresh token into a file that only we can read, all at once.

    Raises:
        OSError: There is none to be had, or no place for it.
        ValueError: GitHub's answer is none.
    """
    token = _token(environment)
    scratch = file.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(token)
    scratch.replace(file)


@contextmanager
def credentials(
    environment: Mapping[str, str], folder: Path
) -> Iterator[dict[str, str]]:
    """Give the variables that lead the credentials chain to the role, if one is named.

    Raises:
        InputError: Something for it is missing.
    """
    role = given("role-to-assume", environment)
    provider = given("oidc-provider", environment)
    if not role and not provider:
        yield {}
        return
    if not (role and provider):
        missing = "oidc-provider" if role else "role-to-assume"
        raise InputError(f"{missing} is missing: it goes with the other one")
    if not environment.get(_REQUEST_URL) or not environment.get(_REQUEST_TOKEN):
        raise InputError(
            "the workflow may not ask for tokens; give the job `permissions: id-token: "
            "write`"
        )
    file = folder / "ali-import-token"
    try:
        store_token(environment, file)
    except (OSError, ValueError) as error:
        raise InputError(f"GitHub gave no token: {error}") from error
    over = Event()
    fetching = Thread(target=_keep_fresh, args=(environment, file, over), daemon=True)
    fetching.start()
    try:
        yield {
            "ALIBABA_CLOUD_ROLE_ARN": role,
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": provider,
            "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(file),
            "ALIBABA_CLOUD_ROLE_SESSION_NAME": "ali-import",
        }
    finally:
        over.set()
        fetching.join(_FETCH_S_MAX)  # or it might leave a fresh token there
        file.unlink(missing_ok=True)


def _keep_fresh(environment: Mapping[str, str], file: Path, over: Event) -> None:
    while not over.wait(_FETCH_EVERY_S):
        try:
            store_token(environment, file)
        except (OSError, ValueError) as error:
            # The keys at hand are good for most of an hour; the next try comes soon.
            _say(f"::warning::GitHub gave no fresh token: {error}")


# --- the run --------------------------------------------------------------------------


def main(environment: Mapping[str, str]) -> int:
    """Run ali-import, and return its exit status."""
    folder = Path(environment["RUNNER_TEMP"])
    report = folder / "ali-import-report.html"
    try:
        words = arguments(environment, report)
        with credentials(environment, folder) as variables:
            if output := environment.get("GITHUB_OUTPUT"):
                with Path(output).open("a", encoding="utf-8") as stream:
                    stream.write(f"report={report}\n")
            return run(words, dict(environment) | variables)
    except InputError as error:
        _say(f"::error title=ali-import::{error}")
        return USAGE


def run(words: list[str], environment: dict[str, str]) -> int:
    """Run the command; whoever stops us stops it, and it cleans up."""
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(SOURCES), environment.get("PYTHONPATH")))
    )
    for variable in (_REQUEST_URL, _REQUEST_TOKEN):  # none of its business
        environment.pop(variable, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "ali_import", *words], env=environment
    )

    def pass_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    return process.wait()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(os.environ))
