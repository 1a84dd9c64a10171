"""What Function Compute accepts: names, settings, code, environment.

Source:
    Parameter descriptions of CreateFunction 2023-03-30 in the official SDK; limits on
    variables and code sizes from the product's limits page.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping

from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.refusals import refusal
from alicloud_emulator.world.fc.values import Settings

CONTAINER = "custom-container"
RUNTIMES = (
    *("nodejs12", "nodejs14", "nodejs16", "nodejs18", "nodejs20"),
    *("python3", "python3.9", "python3.10", "python3.12"),
    *("go1", "java8", "java11", "php7.2", "dotnetcore3.1"),
    *("custom", "custom.debian10", "custom.debian11", "custom.debian12"),
    CONTAINER,
)
"""Every runtime the service takes; which ones the emulator can run is another matter."""

CODE_BYTES_MAX = 50 * 1024 * 1024
"""Largest code package in a request. The real limit differs by region (a guess)."""

CODE_ENTRIES_MAX = 50_000
UNPACKED_BYTES_MAX = 500 * 1024 * 1024
ENVIRONMENT_BYTES_MAX = 4096
TAGS_MAX = 20

_INJECTS = ("None", "Env", "Request", "All")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CPU_STEP = 0.05
# Where the caller does not say: the console pairs 0.35 vCPU with 512 MB.
_CPU_PER_GIB = 0.7


def invalid(message: str) -> ServiceError:
    """Return the error for a parameter that is not acceptable."""
    return refusal("InvalidArgument", message)


def check_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise InvalidArgument unless ``value`` is one of ``allowed``.

    Source:
        The vendor's tests of fc-java-sdk, which run against the real service.
    """
    choices = tuple(allowed)
    if value not in choices:
        raise invalid(
            f"{name} is set to an invalid value "
            f"(allowed: {' | '.join(choices)}, actual: '{value}')"
        )


def check_name(name: str) -> None:
    """Raise InvalidArgument unless ``name`` can be a function's name."""
    if not _NAME.fullmatch(name):
        # As captured (Serverless-Devs/Serverless-Devs#768); it says nothing of lengths.
        raise invalid(
            "FunctionName doesn't match expected format "
            f"(allowed: ^[_a-zA-Z][-_a-zA-Z0-9]*$, actual: '{name}')"
        )


def check_settings(settings: Settings) -> None:
    """Raise InvalidArgument unless a function can be made with these settings."""
    check_choice("Runtime", settings.runtime, RUNTIMES)
    if not settings.handler:
        raise invalid("Handler is required but not provided")
    if not 1 <= len(settings.handler) <= 128 or not settings.handler.isprintable():
        raise invalid("Handler must have a length between 1 and 128")
    if settings.runtime.startswith(("python", "nodejs")) and not all(
        settings.handler.rpartition(".")[::2]
    ):
        raise invalid("Handler should match the pattern 'file.function'")
    memory = settings.memory_mib
    if memory % 64 or not 128 <= memory <= 32768:
        raise invalid(
            "MemorySize must be a multiple of 64 and between 128 and 32768 (MB)"
        )
    if not 1 <= settings.timeout_s <= 86400:
        raise invalid("Timeout must be between 1 and 86400 (seconds)")
    if settings.disk_mib not in {512, 10240}:
        raise invalid("DiskSize must be 512 or 10240 (MB)")
    if not 1 <= settings.concurrency <= 200:
        raise invalid("InstanceConcurrency must be between 1 and 200")
    check_choice("DisableInjectCredentials", settings.inject, _INJECTS)
    if len(settings.description) > 256:
        raise invalid("Description must have at most 256 characters")
    _check_cpu(settings)
    _check_environment(settings.environment)


def _check_cpu(settings: Settings) -> None:
    if settings.cpu is None:
        return
    steps = settings.cpu / _CPU_STEP
    if not 0.05 <= settings.cpu <= 16 or abs(steps - round(steps)) > 1e-6:
        raise invalid("Cpu must be a multiple of 0.05 and between 0.05 and 16 (vCPU)")
    gib_per_cpu = settings.memory_mib / 1024 / settings.cpu
    if not 1 - 1e-6 <= gib_per_cpu <= 4 + 1e-6:
        raise invalid("the ratio of Cpu to MemorySize (in GB) must be from 1:1 to 1:4")


def cpu_of(settings: Settings) -> float:
    """Return the vCPU of a function: as set, else what suits its memory (a guess)."""
    if settings.cpu is not None:
        return settings.cpu
    steps = round(settings.memory_mib / 1024 * _CPU_PER_GIB / _CPU_STEP)
    return round(min(max(steps, 1) * _CPU_STEP, 16.0), 2)


def _check_environment(environment: Mapping[str, str]) -> None:
    size = sum(len(k.encode()) + len(v.encode()) for k, v in environment.items())
    if size > ENVIRONMENT_BYTES_MAX:
        raise invalid(
            f"EnvironmentVariables must have at most {ENVIRONMENT_BYTES_MAX} bytes"
        )
    for key, value in environment.items():
        if not _VARIABLE.fullmatch(key) or "\0" in value:
            raise invalid(f"EnvironmentVariables: key or value of {key!r} is invalid")


def check_code(code: bytes) -> None:
    """Raise InvalidArgument unless ``code`` is a zip that can be unpacked safely.

    Sizes are those the archive declares; whoever unpacks it checks what comes out.
    """
    if len(code) > CODE_BYTES_MAX:
        raise invalid(f"the code package exceeds {CODE_BYTES_MAX} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise invalid("the code package is not a valid zip file") from error
    if len(entries) > CODE_ENTRIES_MAX:
        raise invalid(f"the code package has more than {CODE_ENTRIES_MAX} entries")
    if sum(entry.file_size for entry in entries) > UNPACKED_BYTES_MAX:
        raise invalid(f"the unpacked code exceeds {UNPACKED_BYTES_MAX} bytes")
    for entry in entries:
        if not stays_inside(entry.filename):
            raise invalid("the code package has a path that leads out of it")


def stays_inside(name: str) -> bool:
    """Whether an archive's entry, unpacked, stays in the folder it is unpacked to."""
    parts = name.split("/")
    return not name.startswith("/") and ".." not in parts and "\\" not in name


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidArgument unless these can be a function's tags."""
    if len(tags) > TAGS_MAX:
        raise invalid(f"a resource has at most {TAGS_MAX} tags")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 128:
            raise invalid("a tag's key has 1 to 128 characters, its value 0 to 128")
        if key.lower().startswith(("aliyun", "acs:")) or "://" in key:
            raise invalid(f"tag key '{key}' is reserved")
