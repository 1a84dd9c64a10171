"""An Alibaba Cloud for a test suite: a context manager, and fixtures for pytest.

    from alicloud_emulator import testing

    with testing.cloud() as cloud:
        my_backup.run()                       # knows nothing of the emulator
        assert [thing.name for thing in cloud.things("bucket")] == ["backups"]

| file | what it holds |
|---|---|
| cloud.py | a cloud: its start and end, its reset, what is in it |
| process.py | the process that it is |
| values.py | what is in a cloud, what was asked of it, and faults, as values |
| plugin.py | the fixtures ``alicloud`` and ``own_alicloud`` |

No thread is started. The cloud is a process of its own, which ends with the block, and
with this process however that ends.
"""

from alicloud_emulator.testing.cloud import Cloud, cloud
from alicloud_emulator.testing.process import CloudError
from alicloud_emulator.testing.values import Call, Fault, Thing

__all__ = ["Call", "Cloud", "CloudError", "Fault", "Thing", "cloud"]
