"""Elastic Compute Service, as far as custom images reach.

| file | what it holds |
|---|---|
| ecs.py | the facade: one method for each action |
| records.py | images, snapshots and tasks as the world keeps them |
| store.py | where they are kept, and what every call passes first |
| ids.py | ids in Alibaba's style |
| rules.py | what names, descriptions, tags and tokens may look like |
| refusals.py | every error code with its status and message |
| imports.py, tasks.py | ImportImage, and the tasks it makes |
| copies.py | CopyImage and its queue |
| images.py, changes.py | looking at images; changing and deleting them |
| sharing.py | community images and shares |
| snapshots.py, tags.py | what their names say |
"""

from alicloud_emulator.world.ecs.ecs import Ecs

__all__ = ["Ecs"]
