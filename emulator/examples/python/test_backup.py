"""With pytest: the fixture ``alicloud`` is there because alicloud-emulator is installed."""

import hashlib
import subprocess
import sys

import backup


def test_a_backup_holds_the_file(alicloud, tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"important")
    key = backup.backup(file, "backups")
    stored = alicloud.object("backups", key)
    assert stored["sha256"] == hashlib.sha256(b"important").hexdigest()


def test_only_the_newest_are_kept(alicloud, tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"x")
    keys = [backup.backup(file, "backups") for _ in range(5)]
    assert backup.backups("backups") == keys[-3:]


def test_an_upload_whose_answer_is_lost_is_made_again(alicloud, tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"x")
    lost = alicloud.fault("drop-after", action="PutObject", times=1)
    key = backup.backup(file, "backups")
    assert lost.struck == 1
    assert [call.status for call in alicloud.calls("PutObject")] == [0, 200]
    assert backup.backups("backups") == [key]


def test_the_command_works_too(alicloud, tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"x")
    command = [sys.executable, backup.__file__, str(file), "backups"]
    key = subprocess.check_output(command, text=True).strip()
    assert [thing.name for thing in alicloud.things("bucket")] == ["backups"]
    assert alicloud.object("backups", key) is not None
