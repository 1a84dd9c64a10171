"""Elastic Compute Service, as far as custom images reach: what there is, and its rules.

| file | what it holds |
|---|---|
| ecs.py | all of it, for the actions in ``products/ecs`` |
| records.py | images, snapshots and tasks as the world keeps them |
| store.py | where they are kept, and what every call passes first |
| ids.py | ids in Alibaba's style |
| rules.py | what names, descriptions and tags may look like |
| facts.json, refusals.py | error codes, allowed values, and where each is from |
| imports.py, import_checks.py, objects.py | imports under way, and what they read |
| copies.py | copies under way, and their queue |
"""

from alicloud_emulator.world.ecs.ecs import Ecs

__all__ = ["Ecs"]
