"""What options mean: profile, speed, weather, faults, whose keys."""

import argparse
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex

from alicloud_emulator.cli.isolation import ADDRESS
from alicloud_emulator.cli.usage import UsageError
from alicloud_emulator.front.emulator import Settings
from alicloud_emulator.front.graph import StateError
from alicloud_emulator.front.keeping import Folder
from alicloud_emulator.front.rules import RuleError, check, load
from alicloud_emulator.world.checked import ProfileError
from alicloud_emulator.world.profile import Profile, load_profile, with_secrets


def settings(options: argparse.Namespace) -> Settings:
    """Return what to emulate.

    Raises:
        UsageError: An option has an impossible value.
    """
    try:
        profile, seed = load_profile(options.profile), options.seed
        state = Folder(Path(options.state)) if options.state else None
        if state is not None:
            profile, seed = state.kept(profile, seed)
        profile = with_secrets(profile, lambda: token_hex(15))
        rules = load(Path(options.faults)) if options.faults else []
        check(rules, profile)
    except (ProfileError, RuleError, StateError) as error:
        raise UsageError(str(error)) from error
    return Settings(
        profile=_weathered(_sped_up(profile, options.speed), options),
        seed=seed,
        address=_address(options.listen),
        port=_port("--port", options.port),
        rules=tuple(rules),
        state=state,
        direct=ADDRESS if getattr(options, "isolated", False) else "",
    )


def console_port(options: argparse.Namespace) -> int:
    """Return the console's port, 0 for any.

    Raises:
        UsageError: It is no port.
    """
    return _port("--console-port", options.console_port)


def _sped_up(profile: Profile, speed: float) -> Profile:
    if not 0.001 <= speed <= 1_000_000:
        raise UsageError("--speed is a number from 0.001 to 1000000")
    return replace(profile, durations=profile.durations.scaled(speed))


def _weathered(profile: Profile, options: argparse.Namespace) -> Profile:
    weather = profile.weather
    for flag, key, value in (
        ("--fail-rate", "call_failure", options.fail_rate),
        ("--download-fail-rate", "download_failure", options.download_fail_rate),
    ):
        if value is None:
            continue
        if not 0.0 <= value <= 1.0:
            raise UsageError(f"{flag} is a probability from 0 to 1")
        weather = replace(weather, **{key: value})
    return replace(profile, weather=weather)


def _address(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(text))
    except ValueError:
        raise UsageError(f"--listen {text}: give an IP address") from None


def _port(flag: str, value: int) -> int:
    if not 0 <= value <= 65535:
        raise UsageError(f"{flag} is a number from 0 to 65535")
    return value
