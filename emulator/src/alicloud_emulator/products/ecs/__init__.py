"""ECS on the wire.

| file | what it holds |
|---|---|
| service.py | the product: every action, and DescribeRegions |
| making.py | ImportImage, CopyImage, their cancelling, and tasks |
| images.py | looking at, changing, sharing and deleting images |
| leftovers.py | snapshots and tags |
| rows.py | an image, a snapshot or a task as the answers show it |
"""

from alicloud_emulator.products.ecs.service import EcsService

__all__ = ["EcsService"]
