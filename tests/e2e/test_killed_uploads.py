"""The upload of a large image is killed, and goes on; no zeros go up.

Ten times, and on a disk of 4 GiB: ``python -m bench.large_image --kills 10``.
"""

from pathlib import Path
from random import Random

import pytest

from emulator.tests.support.emulator import emulator
from tests.support.audit import expected, problems
from tests.support.killing import play
from tests.support.link import slow_link

pytestmark = pytest.mark.e2e

MIB = 1024 * 1024
REGIONS = ("cn-hangzhou", "cn-heyuan", "eu-central-1")
DATA_MIB, DISK_MIB = 64, 300


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A sparse disk with boot code, whose data are here and there."""
    path, dice = tmp_path / "disk.img", Random(1)
    with path.open("wb") as file:
        for block in (0, *sorted(dice.sample(range(1, DISK_MIB), DATA_MIB - 1))):
            file.seek(block * MIB)
            file.write(dice.randbytes(MIB))
        file.seek(0)
        file.write(b"\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa")
        file.truncate(DISK_MIB * MIB)
    return path


def test_a_large_upload_that_is_killed_goes_on(disk: Path, tmp_path: Path) -> None:
    regions = [word for region in REGIONS for word in ("-r", region)]
    flags = ["-v", "-n", "large-1", "-f", "large", *regions]
    with (
        emulator() as cloud,
        slow_link(cloud.proxy_port, 4 * MIB) as link,
    ):
        played = play(
            cloud,
            link,
            [*flags, str(disk)],
            data_bytes=DATA_MIB * MIB,
            kills=2,
            seed=1,
            folder=tmp_path,
        )
        wanted = expected([disk], name="large-1", family="large")
        found = problems(cloud.get("/state"), wanted, public=False, regions=REGIONS)
    assert played.last.status == 0, played.last.err
    assert played.killed == 2
    assert played.went_on >= 1
    # What was under way when it was killed is lost: two parts of 8 MiB each time.
    assert played.uplink_bytes < DATA_MIB * MIB * 1.1 + 2 * 2 * 8 * MIB
    # What killed runs have left goes when their lease is over.
    left = ("bucket", "function")
    assert [text for text in found if not any(x in text for x in left)] == []
