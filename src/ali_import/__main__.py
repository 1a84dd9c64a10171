"""``python -m ali_import`` is ``ali-import``."""

import sys

from ali_import.cli.main import main

sys.exit(main())
