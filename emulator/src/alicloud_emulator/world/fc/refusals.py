"""How Function Compute says no; its codes and statuses are in ``facts.json``."""

from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.facts import Facts

FACTS = Facts("alicloud_emulator.world.fc")


def refusal(code: str, message: str) -> ServiceError:
    """Return the error of that code, to be raised."""
    return FACTS.refusal(code, message)
