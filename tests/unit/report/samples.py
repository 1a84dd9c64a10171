"""Outcomes, reports and events for tests of what is shown."""

from pathlib import Path

from ali_import.disk import BootMode, DiskImage
from ali_import.disk.pack import Pack, Part
from ali_import.publish.model import (
    Leftover,
    Outcome,
    Report,
    Result,
    Route,
    Step,
    Target,
)

PLACED = Outcome(
    region="cn-hangzhou",
    name="n1",
    family="ipxe",
    result=Result.PLACED,
    image_id="m-placed",
    route=Route.RELAY,
    published=True,
    seconds=12.3456,
)
UNCHANGED = Outcome(
    region="cn-hangzhou",
    name="n1-uefi-arm64",
    family="ipxe-uefi-arm64",
    result=Result.UNCHANGED,
    image_id="m-unchanged",
    published=True,
)
ADOPTED = Outcome(
    region="eu-central-1",
    name="n1",
    family="ipxe",
    result=Result.ADOPTED,
    image_id="m-adopted",
    route=Route.DIRECT,
    published=True,
    seconds=2.0,
)
FAILED = Outcome(
    region="eu-central-1",
    name="n1-uefi-arm64",
    family="ipxe-uefi-arm64",
    result=Result.FAILED,
    route=Route.DIRECT,
    step=Step.IMPORT,
    code="NoSetRoletoECSServiceAcount",
    operation="ecs.ImportImage",
    message="ECS may not read the bucket; see https://x.example/?Signature=SECRET0123456",
    request_id="473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
    advice="create the role AliyunECSImageImportDefaultRole",
    seconds=3.0,
)
SKIPPED = Outcome(
    region="us-east-1",
    name="n1",
    family="ipxe",
    result=Result.SKIPPED,
    step=Step.SURVEY,
)
UNPUBLISHED = Outcome(
    region="us-east-1",
    name="n1-uefi-arm64",
    family="ipxe-uefi-arm64",
    result=Result.PLACED,
    image_id="m-unpublished",
    step=Step.PUBLISH,
)
LEFTOVER = Leftover(
    region="us-east-1",
    kind="bucket",
    name="ali-import-12345678-66aabbcc-us-east-1",
    run_id="12345678",
    expires_at=1767949200,
    detail="3 objects, 1 unfinished upload",
)
MIXED = Report(
    run_id="0123abcd",
    outcomes=(PLACED, UNCHANGED, ADOPTED, FAILED, SKIPPED, UNPUBLISHED),
    leftovers=(LEFTOVER,),
    calls=1234,
    retries=1,
    seconds=83.4,
)


def pack_of(size_bytes: int) -> Pack:
    """A pack of one part."""
    part = Part(number=1, offset=0, length=size_bytes, md5="0" * 32)
    return Pack(parts=(part,))


def target() -> Target:
    """Return a target such as the outcomes are about."""
    image = DiskImage(
        path=Path("a.img"),
        format="RAW",
        virtual_bytes=1 << 20,
        file_bytes=1 << 20,
        pack=pack_of(1 << 20),
        sha256="ab" * 32,
        architecture=None,
        boot_mode=BootMode.UEFI,
    )
    return Target(image=image, name="n1-uefi-multi", family="ipxe-uefi-multi")
