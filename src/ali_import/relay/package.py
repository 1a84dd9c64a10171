"""The relay function as Function Compute takes it: code and limits."""

import io
import zipfile
from importlib import resources
from typing import Final

from ali_import.units import MIB

# The oldest Python that Function Compute lists and that handler.py is written for.
RUNTIME: Final = "python3.10"
HANDLER: Final = "handler.handler"

# The largest body that travels inside an invocation. A synchronous payload may have
# 32 MB; the rest is for the header and for other ways of counting a megabyte.
INLINE_BYTES_MAX: Final = 24 * MIB

# The payload stands in memory once, beside some 40 MiB of Python; the runtime holds
# another copy while it hands it over. More memory also means more network.
MEMORY_MIB: Final = 256

# Limit of one invocation: 24 MiB from another region at 200 KiB/s take two minutes.
TIMEOUT_S: Final = 120
# The function gives up before it is stopped, so that it can say why.
DEADLINE_S: Final = TIMEOUT_S - 10

# The earliest date that a zip file can hold: the same code gives the same bytes.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def function_code() -> bytes:
    """Return the zip file of the function: ``handler.py`` as it is, and nothing else."""
    source = resources.files("ali_import.relay").joinpath("handler.py").read_bytes()
    entry = zipfile.ZipInfo("handler.py", date_time=_ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, source)
    return packed.getvalue()
