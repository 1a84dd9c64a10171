"""``make mutate``: break engine and adapters, one rule at a time: the simulation notices.

Each mutation is a replacement of text in a copy of ``src``; the working tree is never
touched. It must be caught within ``--seeds`` seeds. Exits with 1 if one is not.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_SECONDS_MAX: Final = 900


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A rule of the engine or of an adapter, broken.

    Attributes:
        file: Module under ``src/ali_import``.
        old: Text that stands in it exactly once.
        new: What it is replaced with.
        years: Whether the weeks of a release are to notice, not single publications.
    """

    name: str
    file: str
    old: str
    new: str
    years: bool = False

    def apply(self, source: Path) -> None:
        """Break the copy of the sources.

        Raises:
            ValueError: The text is not there, or more than once.
        """
        path = source / "ali_import" / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.file} was changed; mend the mutation")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


MUTATIONS: Final = (
    Mutation(
        name="the token is random",
        file="publish/make.py",
        old="            *self._spent,\n        )",
        new="            str(self.region.context.rng.random()),\n        )",
    ),
    Mutation(
        name="the salt never changes",
        file="publish/make.py",
        old="            *self._spent,\n        )",
        new="        )",
    ),
    Mutation(
        name="cleaning up is skipped",
        file="publish/region.py",
        old="            tasks.start_soon(self.workspace.clean_up)\n            tasks.start_soon(self._end_works, decided)\n",
        new="            del decided\n",
    ),
    Mutation(
        name="only Available images are looked for",
        file="publish/images.py",
        old="if image.name == name), None)",
        new="if image.name == name and image.status == 'Available'), None)",
    ),
    Mutation(
        name="nothing is adopted",
        file="publish/make.py",
        old="                if not lost and look_up(error).meaning is not Meaning.LOOK:\n",
        new="                if not lost:\n",
    ),
    Mutation(
        name="images are published as soon as they are placed",
        file="publish/placement.py",
        old="            if _can_be_copied(self.image):\n",
        new="            if self.region.context.options.public:\n                await images.share(self.region, self.image.image_id, public=True)\n            if _can_be_copied(self.image):\n",
    ),
    Mutation(
        name="leases are ignored",
        file="publish/run.py",
        old="if 0 < thing.expires_at < self._now()]",
        new="if thing.expires_at]",
    ),
    Mutation(
        name="an answer that is missing is final",
        file="cloud/retry_table.py",
        old='"NoAnswer GarbledAnswer", TRANSIENT,',
        new='"NoAnswer GarbledAnswer", FINAL,',
    ),
    Mutation(
        name="a snapshot in use counts as deleted",
        file="cloud/retry_table.py",
        old='("ecs.DeleteSnapshot", "InvalidSnapshotId.NotFound", DONE, ""),',
        new='("ecs.DeleteSnapshot", "SnapshotCreatedImage", DONE, ""),',
    ),
    Mutation(
        name="a function that is gone already cannot be deleted",
        file="cloud/retry_table.py",
        old='("fc.DeleteFunction", "FunctionNotFound", DONE, ""),',
        new='("fc.DeleteFunction", "FunctionNotFound", FINAL, ""),',
    ),
    Mutation(
        name="a bucket that is gone already cannot be deleted",
        file="cloud/retry_table.py",
        old='("oss.DeleteBucket oss.DeleteObjects", "NoSuchBucket", DONE, ""),',
        new='("oss.DeleteBucket oss.DeleteObjects", "NoSuchBucket", FINAL, ""),',
    ),
    Mutation(
        name="an image that lost its tags is nobody's",
        file="publish/lease.py",
        old="    if match is None or not _MADE_WITH.isdisjoint(image.tags):\n",
        new="    if True:\n",
    ),
    Mutation(
        name="snapshots stay",
        file="publish/region.py",
        old="        for snapshot_id in tuple(snapshot_ids or self._doomed):\n",
        new="        for snapshot_id in ():\n",
    ),
    Mutation(
        name="all-or-nothing is ignored",
        file="publish/finish.py",
        old="        if not options.all_or_nothing:\n",
        new="        if True:\n",
    ),
    Mutation(
        name="the old image is deleted before the new one has its name",
        file="publish/replace.py",
        old="        await images.rename(self.region, old.image_id, aside)\n",
        new="        await images.remove(self.region, old)\n",
    ),
    Mutation(
        name="the new image keeps its expiry",
        file="publish/replace.py",
        old=(
            "        await self._keep(new.image_id)\n"
            "        return dataclasses.replace(new, name=self.target.name)\n"
        ),
        new="        return dataclasses.replace(new, name=self.target.name)\n",
    ),
    Mutation(
        name="an image that was not published in the end is not put back",
        file="publish/placement.py",
        old="                await replacement.put_back(self.image)\n",
        new="                replacement.retired = None\n",
    ),
    Mutation(
        name="what all-or-nothing must take back stays public",
        file="publish/placement.py",
        old="                self._shown is True,\n",
        new="                False,\n",
    ),
    Mutation(
        name="zeros go up",
        file="disk/pack.py",
        old="        if block == self._zero_block[: len(block)]:\n",
        new="        if False:\n",
    ),
    Mutation(
        name="blocks that are there already go up again",
        file="disk/pack.py",
        old="        there = self._known.get(digest) if digest else None\n",
        new="        there = None\n",
    ),
    Mutation(
        name="a piece is copied from where the one before it was",
        file="publish/assembly.py",
        old="                yield from _cut(self._from_pack(source, length))\n",
        new="                yield from _cut(self._from_pack(max(0, source - length), length))\n",
    ),
    Mutation(
        name="zeros are not cut to their gap",
        file="publish/assembly.py",
        old="                    yield zeros._replace(length=min(zeros.length, length - at))\n",
        new="                    yield zeros\n",
    ),
    Mutation(
        name="a large image goes up to every region",
        file="publish/routes.py",
        old="    if _is_large(target):\n",
        new="    if False:\n",
    ),
    Mutation(
        name="what is there of an upload is sent again",
        file="publish/stage.py",
        old="            upload.stored.update((part.number, part) for part in found.parts)\n",
        new="",
    ),
    Mutation(
        name="a guest leaves no mark",
        file="publish/workspace.py",
        old="            await guests.put(self._cloud, self.region, bucket, mark, relay)\n",
        new="",
    ),
    Mutation(
        name="the owner of a bucket does not look for guests",
        file="publish/workspace.py",
        old="    guests.refuse_if_used(region, bucket, keys, now=now)\n",
        new="",
    ),
    Mutation(
        name="a guest removes the bucket before its owner has left",
        file="publish/workspace.py",
        old="            if guests.LEFT in keys:\n                await self.remove_bucket(bucket)\n",
        new="            await self.remove_bucket(bucket)\n",
    ),
    Mutation(
        name="the keys of packs say nothing of their parts",
        file="publish/assembly.py",
        old='    return f"{stem}-{image.pack.id}" if image.pack.is_large else stem\n',
        new='    return "disk"\n',
    ),
    Mutation(
        name="copies are sprayed",
        file="publish/sources.py",
        old="COPIES_RUNNING_MAX: Final = 5",
        new="COPIES_RUNNING_MAX: Final = 50",
    ),
    Mutation(
        name="published images are copied",
        file="publish/placement.py",
        old="            if _can_be_copied(self.image):\n",
        new="            if True:\n",
    ),
    Mutation(
        name="what copies lose is not repaired",
        file="publish/make.py",
        old="        if change:\n",
        new="        if False:\n",
    ),
    Mutation(
        name="failed images count as made",
        file="publish/watcher.py",
        old="elif image.status in READY:",
        new="elif image.status:",
    ),
    Mutation(
        name="names without an expiry are ours",
        file="publish/lease.py",
        old="(?P<expires>[0-9a-f]{8})(?P<region>-[a-z0-9-]+)?",
        new="(?P<expires>[0-9a-f]{0,8})(?P<region>[a-z0-9-]+)?",
    ),
    Mutation(
        name="names that only begin like ours are ours",
        file="publish/lease.py",
        old="    match = _NAME.fullmatch(name)\n    if match is None:\n",
        new="    match = _NAME.match(name)\n    if match is None:\n",
    ),
    Mutation(
        name="unfinished uploads are forgotten",
        file="publish/workspace.py",
        old="    for upload in uploads:\n",
        new="    for upload in ():\n",
    ),
    Mutation(
        name="images of other content are taken for ours",
        file="publish/make.py",
        old="return marks(image).get(TAG_SHA256) == self.target.image.sha256",
        new="return TAG_SHA256 in marks(image)",
    ),
    Mutation(
        name="adopting does not renew the lease",
        file="publish/make.py",
        old="        if attempt.adopted:\n            lease",
        new="        if False:\n            lease",
    ),
    Mutation(
        name="a put-back image is not made public again",
        file="publish/images.py",
        old="    if public:\n        try:\n",
        new="    if False:\n        try:\n",
    ),
    Mutation(
        name="an interrupt cancels other runs' making",
        file="publish/make.py",
        old="        if ours and image.status in MAKING:\n",
        new="        if image.status in MAKING:\n",
    ),
    Mutation(
        name="throttling does not wait",
        file="cloud/steady.py",
        old="        free_at = anyio.current_time() + wait_s\n",
        new="        wait_s = 0.1\n        free_at = 0.0\n",
    ),
    Mutation(
        name="absence is believed at once",
        file="publish/context.py",
        old="LATE_S: Final = 15.0",
        new="LATE_S: Final = 0.0",
    ),
    Mutation(
        name="the task id is kept",
        file="publish/make.py",
        old="                attempt.task_id,\n",
        new='                self.__dict__.setdefault("_kept", attempt.task_id),\n',
    ),
    Mutation(
        name="cleaning up waits behind a barrier",
        file="publish/run.py",
        old="        await self._guarded(lambda: region.end(self._decided))\n",
        new=(
            "        for other in self._regions.values():\n"
            "            for work in other._works:\n"
            "                try:\n"
            "                    await work.cancel()\n"
            "                except Exception:\n"
            "                    pass\n"
            "        await self._guarded(lambda: region.end(self._decided))\n"
        ),
    ),
    Mutation(
        name="a lender does not wait for its borrower",
        file="publish/run.py",
        old="        while used := [s for s in self._sources.values() if self._is_used(s, region)]:\n",
        new="        while used := []:\n",
    ),
    Mutation(
        name="Usable is ignored",
        file="publish/watcher.py",
        old="            if image.usable is not False or ",
        new="            if True or ",
    ),
    Mutation(
        name="cleanup removes what a run has taken over since",
        file="publish/cleanup.py",
        old="        if lease is None or (lease.run_id, float(lease.expires_at)) != listed:\n",
        new="        if lease is None:\n",
    ),
    Mutation(
        name="a cleanup that is stopped keeps its relays",
        file="publish/cleanup.py",
        old="        with anyio.move_on_after(_OWN_S_MAX, shield=True):\n",
        new="        with anyio.move_on_after(_OWN_S_MAX):\n",
    ),
    Mutation(
        name="an image whose answer is lost again and again is not looked for",
        file="publish/make.py",
        old="                lost = isinstance(error, TransportError) and error.unsure\n",
        new="                lost = False\n",
    ),
    Mutation(
        name="a run does not hear that its caller cancels it",
        file="publish/run.py",
        old="                if not self._hearing.cancel_called:\n",
        new="                if False:\n",
    ),
    Mutation(
        name="a refusal after a lost answer is believed",
        file="publish/workspace.py",
        old="    return refused and not error.unsure\n",
        new="    return refused\n",
    ),
    # The adapters: what goes over the wire, and what is made of its answers.
    Mutation(
        name="a copy's name is sent as another parameter",
        file="cloud/sdk/ecs.py",
        old='"DestinationImageName": call',
        new='"ImageName": call',
    ),
    Mutation(
        name="a token is sent as another parameter",
        file="cloud/sdk/ecs.py",
        old='        "ClientToken": call.client_token,\n        "ImageName"',
        new='        "Token": call.client_token,\n        "ImageName"',
    ),
    Mutation(
        name="a boot mode is set by another parameter",
        file="cloud/sdk/ecs.py",
        old='        "BootMode": call.boot_mode,\n        "Features"',
        new='        "Boot": call.boot_mode,\n        "Features"',
    ),
    Mutation(
        name="an architecture is sent as another parameter",
        file="cloud/sdk/ecs.py",
        old='        "Architecture": call.architecture,\n',
        new='        "Arch": call.architecture,\n',
    ),
    Mutation(
        name="images that are being made are not asked for",
        file="cloud/sdk/ecs.py",
        old='        "Status": EVERY_STATUS,\n',
        new="",
    ),
    Mutation(
        name="Usable is read from another field",
        file="cloud/sdk/ecs.py",
        old='usable=flag(row, "Usable") if text(row, "Usable") else None',
        new='usable=flag(row, "usable") if text(row, "usable") else None',
    ),
    Mutation(
        name="a page of a bucket is taken for all of it",
        file="cloud/sdk/oss.py",
        old="    return _told(marker) if truncated else None\n",
        new="    return None\n",
    ),
    Mutation(
        name="only the first page of images is read",
        file="cloud/sdk/ecs.py",
        old='        if not rows or page * PAGE_ROWS_MAX >= integer(answer, "TotalCount"):\n            return\n',
        new="        return\n",
    ),
    Mutation(
        name="only the first page of snapshots is read",
        file="cloud/sdk/ecs.py",
        old='        query["NextToken"] = text(answer, "NextToken")\n',
        new='        query["NextToken"] = ""\n',
    ),
    Mutation(
        name="only the first page of functions is read",
        file="cloud/sdk/fc.py",
        old='        query["nextToken"] = text(body, "nextToken")\n',
        new='        query["nextToken"] = ""\n',
    ),
    Mutation(
        name="what a function says as it fails is taken for its answer",
        file="cloud/sdk/fc.py",
        old="    if failure:\n",
        new="    if False:\n",
    ),
    Mutation(
        name="sources that are gone are kept",
        file="cloud/sdk/relay.py",
        old="        if gone:\n",
        new="        if False:\n",
    ),
    Mutation(
        name="a part's ETag is not kept",
        file="cloud/sdk/oss.py",
        old="    return StoredPart(number=call.number, etag=_told(answer.etag))\n\n\n@answers(calls.UploadPartCopy)",
        new="    return StoredPart(number=call.number, etag=call.content_md5[::-1])\n\n\n@answers(calls.UploadPartCopy)",
    ),
    Mutation(
        name="a copied range begins at the start of its source",
        file="cloud/sdk/oss.py",
        old='source_range=f"bytes={call.offset}-',
        new='source_range=f"bytes=0-',
    ),
    Mutation(
        name="a body is sent without its digest",
        file="cloud/sdk/bodies.py",
        old='    return base64.b64encode(bytes.fromhex(digest_hex)).decode("ascii")\n',
        new='    return ""\n',
    ),
    Mutation(
        name="whoever answers is believed",
        file="cloud/sdk/genuine.py",
        old="    kind = next(",
        new="    return\n    kind = next(",
    ),
    Mutation(
        name="an empty answer to a deletion is believed without a request id",
        file="cloud/sdk/fc.py",
        old="    if not answer.counts and not _is_gone(",
        new="    if False and not _is_gone(",
    ),
    Mutation(
        name="a resolver that fails is taken for a host that is missing",
        file="cloud/sdk/translate.py",
        old="_NO_SUCH_NAME = (",
        new="_NO_SUCH_NAME = (socket.EAI_AGAIN, ",
    ),
    Mutation(
        name="a host that is missing is taken for a resolver that fails",
        file="cloud/sdk/translate.py",
        old="    if any(number in _NO_SUCH_NAME for number in told):\n",
        new="    if False:\n",
    ),
    Mutation(
        name="a refusal of the cloud is read as no answer",
        file="cloud/sdk/translate.py",
        old='    if code in {"", "BadErrorResponse"}:\n',
        new="    if code:\n",
    ),
    Mutation(
        name="the code of an error is read from its message",
        file="cloud/sdk/translate.py",
        old='    code = word(str(exc.code or ""))\n    if code in {"", "None"}:',
        new='    code = word(str(exc.message or ""))\n    if code in {"", "None"}:',
    ),
)


OF_YEARS: Final = tuple(
    Mutation(name=name, file=f"standing/{file}", old=old, new=new, years=True)
    for name, file, old, new in (
        (
            "prune takes the newest",
            "retention.py",
            "-first[version], version",
            "first[version], version",
        ),
        (
            "one version less is kept",
            "retention.py",
            "tuple(versions[: retention.keep])",
            "tuple(versions[: retention.keep - 1])",
        ),
        (
            "what a family resolves to is pruned",
            "retention.py",
            "    if (image.region, image.image_id) in resolved:\n",
            "    if False:\n",
        ),
        (
            "only what has our tag is looked at for what a family resolves to",
            "retention.py",
            "        if image.status is ImageStatus.AVAILABLE:\n            key =",
            "        if image.status is ImageStatus.AVAILABLE and image.ours:\n            key =",
        ),
        (
            "a foreign image is pruned",
            "retention.py",
            "            and (image.ours or retention.untagged)\n",
            "",
        ),
        (
            "instances are not asked about",
            "retention.py",
            "    if image.in_use:\n",
            "    if False:\n",
        ),
        (
            "what is shared is pruned",
            "retention.py",
            "    if image.shared and not retention.shared:\n",
            "    if False:\n",
        ),
        (
            "the tag's time is not looked at",
            "retention.py",
            "after_s is not None and now - since >= after_s:\n",
            "after_s is not None:\n",
        ),
        (
            "versions are ordered by their last image",
            "retention.py",
            "        first[image.version] = min(first.get(image.version, inf), created_at)\n",
            "        first[image.version] = max(first.get(image.version, 0), created_at)\n",
        ),
        (
            "flavours of a family are forgotten",
            "retention.py",
            "            if family in {image.family, image.base_family}\n",
            "            if family == image.family\n",
        ),
        (
            "nobody looks again before pruning",
            "retention.py",
            "        again = _judge(image, pruning.retention, _resolved(there), now)\n",
            "        again = verdict\n",
        ),
        (
            "when it was deprecated is not noted",
            "prune.py",
            "    await images.tag(region, image, {TAG_DEPRECATED: now})\n",
            "    del now\n",
        ),
        (
            "an earlier time is not taken off",
            "prune.py",
            "        if TAG_DEPRECATED in image.tags:\n",
            "        if False:\n",
        ),
        (
            "what was hidden is not shown again",
            "prune.py",
            "        await _show_again(region, image, accounts)\n",
            "",
        ),
        (
            "what is public is not hidden first",
            "prune.py",
            "    try:\n        if image.public:\n",
            "    try:\n        if False:\n",
        ),
        (
            "snapshots of what is pruned stay",
            "prune.py",
            "lambda: images.remove(region, hidden))\n",
            "lambda: images._delete(region, hidden))\n    region._doomed.clear()\n",
        ),
        (
            "a plan misses a family",
            "drift.py",
            "    if image.family != target.family:\n",
            "    if False:\n",
        ),
        (
            "a plan takes a deprecated image for good",
            "drift.py",
            "    if image.status is ImageStatus.DEPRECATED:\n",
            "    if False:\n",
        ),
        (
            "a plan says that nothing is to be mended",
            "plan.py",
            "intend(Action.MEND if changes else Action.KEEP,",
            "intend(Action.KEEP,",
        ),
        (
            "a plan names nothing but the status of what is deprecated",
            "plan.py",
            "    if there.status not in READY:\n",
            "    if there.status is not ImageStatus.AVAILABLE:\n",
        ),
    )
)
"""Mutations of `standing/`, which a release's years are to notice."""


def main() -> int:
    """Try the mutations that the command line asks for, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--only", default="", help="names that contain this text")
    arguments = parser.parse_args()
    chosen = [m for m in (*MUTATIONS, *OF_YEARS) if arguments.only in m.name]
    survived = 0
    for mutation in chosen:
        seeds, seconds, caught = try_out(mutation, seeds=arguments.seeds)
        survived += not caught
        how = f"caught by seed {seeds}" if caught else f"SURVIVED {seeds} seeds"
        print(f"{mutation.name:56} {how:24} {seconds:6.1f} s", flush=True)
    print(f"{len(chosen)} mutations, {survived} survived")
    return 1 if survived else 0


def try_out(mutation: Mutation, *, seeds: int) -> tuple[int, float, bool]:
    """Run seeds on a broken copy until one fails.

    Returns:
        The number of the last seed, seconds taken, and whether it failed.

    Raises:
        ValueError: The mutation does not fit the sources any more.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ali-import-mutation-") as folder:
        source = Path(folder) / "src"
        shutil.copytree(
            ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__")
        )
        mutation.apply(source)
        done = subprocess.run(
            [
                sys.executable,
                str(ROOT / "scripts" / "simulate.py"),
                f"--seeds={seeds}",
                "--stop",
                *(["--years"] if mutation.years else []),
            ],
            env={**os.environ, "PYTHONPATH": str(source), "PYTHONHASHSEED": "0"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS_MAX,
            check=False,
        )
    found = re.search(r"reproduce: make simulate SEEDS=1 FROM=(\d+)", done.stdout)
    if found is None and "seeds/s" not in done.stdout:
        raise ValueError(f"{mutation.name}: it does not even run: {done.stderr[-500:]}")
    last = int(found[1]) if found else seeds
    return last, time.perf_counter() - began, found is not None


if __name__ == "__main__":
    sys.exit(main())
