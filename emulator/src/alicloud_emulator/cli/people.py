"""Whose access key a program is given."""

from collections.abc import Mapping

from alicloud_emulator.cli.usage import UsageError
from alicloud_emulator.world.profile import Profile


def people_of(profile: Profile) -> dict[str, tuple[str, str]]:
    """Return the access key of everybody that ``--as`` can name.

    These are the accounts by id, and users with keys by name; of two users of one name,
    the one of the earlier account.
    """
    found: dict[str, tuple[str, str]] = {}
    for account in profile.accounts:
        found[account.id] = account.access_key_id, account.access_key_secret
        for user in account.users:
            if user.access_key_id:
                key = user.access_key_id, user.access_key_secret
                found.setdefault(user.name, key)
    return found


def keys_of(people: Mapping[str, tuple[str, str]], user: str) -> tuple[str, str]:
    """Return the access key of one of ``people``.

    Raises:
        UsageError: There is no such user with keys.
    """
    if user not in people:
        raise UsageError(
            f"--as {user}: no such user; the profile has {', '.join(sorted(people))}"
        )
    first, second = people[user]
    return first, second
