"""How ECS says no; its codes, statuses and messages are in ``facts.json``."""

from alicloud_emulator.world.facts import Facts

FACTS = Facts("alicloud_emulator.world.ecs")
refusal = FACTS.refusal
