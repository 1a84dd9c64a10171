"""What is wrong with a credentials file that gives no keys; nothing secret is quoted.

The official package says little (or quotes the very line) when a file is damaged, so the
file is looked into once more. What holds nothing at all is not set up, and no fault: the
command line tool writes an empty profile when it is first called.

Source: ``cli_profile.py`` and ``profile.py`` of ``alibabacloud_credentials`` 1.0.
"""

import configparser
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ali_import.syntax import shown

_KEYS: Final = ("access_key_id", "access_key_secret")
_CLI_MODES: Final[Mapping[str, tuple[str, ...]]] = {
    "AK": _KEYS,
    "StsToken": (*_KEYS, "sts_token"),
    "RamRoleArn": (*_KEYS, "ram_role_arn"),
    "EcsRamRole": (),
    "OIDC": ("ram_role_arn", "oidc_provider_arn", "oidc_token_file"),
    "ChainableRamRoleArn": ("source_profile", "ram_role_arn"),
    "CloudSSO": (
        *("cloud_sso_sign_in_url", "cloud_sso_account_id", "cloud_sso_access_config"),
        "access_token",
    ),
    "OAuth": ("oauth_refresh_token",),
    "External": ("process_command",),
}
"""The modes of a profile of the command line tool, and what each needs."""

_OAUTH_SITES: Final = ("CN", "INTL")
_INI_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "access_key": _KEYS,
    "ram_role_arn": (*_KEYS, "role_arn"),
    "oidc_role_arn": ("role_arn", "oidc_provider_arn", "oidc_token_file_path"),
    "ecs_ram_role": (),
    "rsa_key_pair": ("public_key_id", "private_key_file"),
}
"""The types of a section of the credentials file, and what each needs."""

_FILE_BYTES_MAX: Final = 1024 * 1024


class _DamagedError(Exception):
    """The file is no such file; says why."""


def cli_fault(path: Path, profile: str) -> str | None:
    """Return what is wrong with the profiles of the command line tool.

    Args:
        path: ``~/.aliyun/config.json``.
        profile: The profile that was asked for, or "": the file's current one.

    Returns:
        "" if nothing is wrong with it, None if nothing is set up there.
    """
    if not path.exists():
        return None
    try:
        document = _json(path)
    except _DamagedError as damage:
        return f"{path} {damage}"
    profiles = [each for each in document["profiles"] if isinstance(each, dict)]
    name = profile or document.get("current")
    if not profiles or not name:
        return f"{path} names no current profile" if profiles else None
    found = next((each for each in profiles if each.get("name") == name), None)
    if found is None:
        names = [str(each.get("name")) for each in profiles]
        return f"{path} has no profile {shown(name)}; it has {_listed(names)}"
    return _profile_fault(path, found, asked=bool(profile))


def ini_fault(path: Path, profile: str) -> str | None:
    """Return what is wrong with the credentials file.

    Args:
        path: ``~/.alibabacloud/credentials.ini``, or what the environment names.
        profile: The section that was asked for, or "": ``default``.

    Returns:
        "" if nothing is wrong with it, None if nothing is set up there.
    """
    if not path.exists():
        return None
    try:
        sections = _ini(path)
    except _DamagedError as damage:
        return f"{path} {damage}"
    if not sections:
        return None
    name = profile or "default"
    if name not in sections:
        return f"{path} has no section {shown(name)}; it has {_listed(list(sections))}"
    section = sections[name]
    about = f"{path}: section {shown(name)}"
    return _lacking(about, "type", section.get("type"), section, _INI_TYPES)


def _profile_fault(
    path: Path, profile: Mapping[str, Any], *, asked: bool
) -> str | None:
    mode = profile.get("mode")
    empty = not any(profile.get(key) for key in (*_KEYS, "sts_token"))
    if mode in {"", "AK", None} and empty and not asked:
        return None
    about = f"{path}: profile {shown(profile.get('name'))}"
    site = str(profile.get("oauth_site_type", "CN")).upper()
    if mode == "OAuth" and site not in _OAUTH_SITES:
        return (
            f"{about} logs in (mode OAuth) at a site that is not supported: "
            f"{shown(site)}; supported are {_listed(list(_OAUTH_SITES))}"
        )
    return _lacking(about, "mode", mode, profile, _CLI_MODES)


def _lacking(
    about: str,
    word: str,
    kind: Any,
    values: Mapping[str, Any],
    kinds: Mapping[str, tuple[str, ...]],
) -> str:
    if not kind:
        return f"{about} has no {word}"
    if kind not in kinds:
        supported = _listed(list(kinds))
        return f"{about} has the {word} {shown(kind)}, which is not supported; supported are {supported}"
    missing = [key for key in kinds[kind] if not values.get(key)]
    return (
        f"{about} ({word} {kind}) has no {' and no '.join(missing)}" if missing else ""
    )


def _listed(names: list[str]) -> str:
    return ", ".join(shown(name) if not name.isalnum() else name for name in names)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX)
        text = data.decode("utf-8")
    except OSError as error:
        raise _DamagedError(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise _DamagedError("is not UTF-8; save it as UTF-8") from None
    if text.startswith("\ufeff"):
        raise _DamagedError(
            "begins with a byte order mark (BOM); save it as UTF-8 without one"
        )
    return text


def _json(path: Path) -> dict[str, Any]:
    text = _text(path)
    if not text.strip():
        raise _DamagedError("is empty")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        cut = text.rstrip()[-1:] != "}"
        why = "; it ends in the middle" if cut else ""
        raise _DamagedError(f"is not JSON (line {line}){why}") from None
    if not isinstance(document, dict) or not isinstance(
        document.get("profiles", []), list
    ):
        raise _DamagedError("holds no profiles as `aliyun configure` writes them")
    return {"profiles": [], **document}


def _ini(path: Path) -> dict[str, dict[str, str]]:
    text = _text(path)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        # Its own text quotes the line.
        line = getattr(error, "lineno", None)
        if line is None:
            line = next(iter(getattr(error, "errors", [])), (1,))[0]
        raise _DamagedError(
            f"is damaged in line {line}; there are sections, [default], and lines key = "
            "value"
        ) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}
