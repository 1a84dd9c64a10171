"""What the API calls of the demo's run are for; prints Markdown tables.

    python -m bench.calls

Publishes the demo's three images to the 32 regions of the ``fast`` profile, without
faults, and shows what the emulator counted: by product and action, what that kind of call
is for, and how many were refused. iPXE's own script makes 802 calls for the same images;
ours wants fewer.

The second table shows who made them: the innermost function of the engine, as the calls
passed the port. There a call through a relay is one (the emulator counts the invocation,
and what it asks of OSS), and so is a call to a host that does not exist (the emulator
never sees it).
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ali_import.cli.main import main as ali_import_main
from ali_import.cloud.calls import Call
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.errors import HostNotFoundError
from ali_import.publish import run as engine_run
from bench.many_regions import row
from emulator.tests.support.emulator import RunningEmulator, emulator
from scripts.make_demo_images import demo_disks

CALLS_OF_IPXE = 802
"""Of iPXE's ``contrib/cloud/ali-import``, on these images and an emulator without faults."""
ENGINE = Path(engine_run.__file__).parent
PURPOSES = {
    "ecs.CopyImage": "make an image where nothing can be imported",
    "ecs.DeleteImage": "remove a temporary image",
    "ecs.DeleteSnapshot": "remove a deleted image's snapshot",
    "ecs.DescribeImages": "look who has a name; poll what is being made; sweep",
    "ecs.DescribeRegions": "which regions there are",
    "ecs.DescribeSnapshots": "sweep what other runs left",
    "ecs.DescribeTasks": "poll imports: some end in their task alone",
    "ecs.ImportImage": "make an image",
    "ecs.ModifyImageAttribute": "join the family; give back what a copy lost",
    "ecs.ModifyImageSharePermission": "make public",
    "ecs.TagResources": "mark what is to go; give back tags that a copy lost",
    "ecs.UntagResources": "mark as there to stay",
    "fc.CreateFunction": "make a relay",
    "fc.DeleteFunction": "remove a relay",
    "fc.GetFunction": "see that a relay can be called",
    "fc.InvokeFunction": "carry a data call into a region",
    "fc.ListFunctions": "sweep what other runs left",
    "oss.DeleteBucket": "remove a bucket",
    "oss.DeleteMultipleObjects": "empty a bucket",
    "oss.ListBuckets": "sweep what other runs left, in all regions at once",
    "oss.ListMultipartUploads": "find what keeps a bucket from being deleted",
    "oss.ListObjectsV2": "probe the direct route; find what keeps a bucket",
    "oss.PutBucket": "make a bucket to stage in",
    "oss.PutObject": "stage a file",
    "sts.GetCallerIdentity": "see that the keys work, and whose they are",
}


class Tally:
    """Who makes which calls, seen at the port.

    Attributes:
        calls: How many, by the function of the engine and the operation.
        no_host: Those of them that were meant for a host that does not exist.
    """

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.no_host: Counter[tuple[str, str]] = Counter()

    def listen(self) -> None:
        """Count every call of this process from now on."""
        call = SdkCloud.call

        async def counted(cloud: SdkCloud, request: Call[Any]) -> Any:
            who = (caller(), request.operation())
            self.calls[who] += 1
            try:
                return await call(cloud, request)
            except HostNotFoundError:
                self.no_host[who] += 1
                raise

        SdkCloud.call = counted  # type: ignore[method-assign]  # this process ends soon


def caller() -> str:
    """Return the engine's innermost function on the way to the present call."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(ENGINE):
            return f"{path.relative_to(ENGINE)} {frame.name}"
    return "(elsewhere)"


def main() -> int:
    """Run the tool in this process, and print what it took; its status is ours."""
    tally = Tally()
    tally.listen()
    with emulator() as cloud, tempfile.TemporaryDirectory() as folder:
        status, report = publish(cloud, Path(folder))
        requests = cloud.get("/requests")["requests"]
    print(
        f"{requests['total']} calls for {len(report['placements'])} placements "
        f"(iPXE's script: {CALLS_OF_IPXE}), {report['retries']} retries\n"
    )
    print_counted(requests)
    print()
    print_made(tally)
    return status


def publish(cloud: RunningEmulator, folder: Path) -> tuple[int, dict[str, Any]]:
    """Publish the demo's images, and return the exit status and the tool's report."""
    report, images = folder / "report.json", []
    for name, content in demo_disks().items():
        images.append(folder / name)
        images[-1].write_bytes(content)
    os.environ.clear()
    os.environ.update(cloud.env)
    argv = ["--public", "--report", *map(str, (report, *images))]
    with contextlib.redirect_stdout(io.StringIO()):
        status = ali_import_main(argv)
    return status, json.loads(report.read_text(encoding="utf-8"))


def print_counted(requests: dict[str, Any]) -> None:
    """Print what the emulator counted, most frequent first."""
    refused: dict[str, list[str]] = {}
    for error, count in requests["errors"].items():
        operation, _, code = error.partition(":")
        refused.setdefault(operation, []).append(f"{count} {code}")
    counted = Counter(requests["by_action"])
    print_table(
        ("call", "calls", "refused", "what for"),
        (
            (name, count, ", ".join(refused.get(name, [])), PURPOSES.get(name, "?"))
            for name, count in counted.most_common()
        ),
    )


def print_made(tally: Tally) -> None:
    """Print who made the calls, most frequent first."""
    print_table(
        ("call", "calls", "no such host", "made by"),
        (
            (operation, count, tally.no_host[who, operation] or "", who)
            for (who, operation), count in tally.calls.most_common()
        ),
    )


def print_table(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Print a Markdown table."""
    print(row(*heads))
    print(row(*("---" for _ in heads)))
    for cells in rows:
        print(row(*cells))


if __name__ == "__main__":
    sys.exit(main())
