"""What a function's process is given: variables, and what to tell its handler."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alicloud_emulator.functions.network import NetworkEnv
from alicloud_emulator.world.fc import Function, Invocation


def environment(
    function: Function, network: NetworkEnv, *, code: Path, temporary: Path
) -> dict[str, str]:
    """Return a process's whole environment: nothing of the emulator's own.

    Source:
        The variables that Function Compute's runtimes keep for functions
        (FC_ACCOUNT_ID ... FC_REGION); PATH and LANG as on Debian.
    """
    settings = function.settings
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        **settings.environment,
        "FC_ACCOUNT_ID": function.account_id,
        "FC_FUNCTION_HANDLER": settings.handler,
        "FC_FUNCTION_MEMORY_SIZE": str(settings.memory_mib),
        "FC_FUNCTION_NAME": function.name,
        "FC_FUNC_CODE_PATH": f"{code}/",
        "FC_QUALIFIER": "LATEST",
        "FC_REGION": function.region,
        **network.env,
    }


def describe(invocation: Invocation, request_id: str) -> dict[str, Any]:
    """Return what a runtime's bootstrap is told of an invocation."""
    function = invocation.function
    settings = function.settings
    token = invocation.credentials
    credentials = token and {
        "access_key_id": token.access_key_id,
        "access_key_secret": token.access_key_secret,
        "security_token": token.security_token,
    }
    variables: Mapping[str, str] = (
        {f"ALIBABA_CLOUD_{key.upper()}": value for key, value in credentials.items()}
        if credentials and settings.inject not in {"Env", "All"}
        else {}
    )
    return {
        "request_id": request_id,
        "region": function.region,
        "account_id": function.account_id,
        "credentials": None if settings.inject in {"Request", "All"} else credentials,
        "env": variables,
        "function": {
            "name": function.name,
            "handler": settings.handler,
            "memory": settings.memory_mib,
            "timeout": settings.timeout_s,
        },
    }
