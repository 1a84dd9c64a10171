"""The same with nothing but the standard library: a cloud for the module."""

import tempfile
import unittest
import urllib.error
from contextlib import ExitStack
from pathlib import Path

import backup

from alicloud_emulator import testing


class Backup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloud = cls.enterClassContext(testing.cloud())

    def setUp(self):
        self.cloud.reset()
        self.file = Path(self.enterContext(tempfile.TemporaryDirectory()), "data")
        self.file.write_bytes(b"important")

    def test_a_backup_is_made(self):
        key = backup.backup(self.file, "backups")
        self.assertEqual(self.cloud.object("backups", key)["size"], 9)

    def test_a_server_error_passes(self):
        self.cloud.fault(
            "refuse", action="PutObject", code="InternalError", status=500, times=2
        )
        key = backup.backup(self.file, "backups")
        self.assertIsNotNone(self.cloud.object("backups", key))

    def test_a_refusal_is_told(self):
        with ExitStack() as faults:
            faults.enter_context(
                self.cloud.fault("refuse", code="AccessDenied", status=403)
            )
            with self.assertRaises(urllib.error.HTTPError):
                backup.backup(self.file, "backups")
        self.assertEqual(self.cloud.left_behind, [])


if __name__ == "__main__":
    unittest.main()
