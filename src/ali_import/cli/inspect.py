"""``ali-import inspect``: say what files hold."""

import json

from ali_import import DiskImageError, Inspection, examine
from ali_import.cli import streams
from ali_import.cli.arguments import InspectArguments
from ali_import.cli.exit_status import ExitStatus
from ali_import.report import findings
from ali_import.report.lines import Messages


def inspect(arguments: InspectArguments, messages: Messages) -> ExitStatus:
    """Look into every file, and tell.

    Raises:
        AliImportError: Standard output cannot be written.
    """
    found: list[Inspection | DiskImageError] = []
    for path in arguments.files:
        try:
            found.append(examine(path))
        except DiskImageError as error:
            found.append(error)
            messages.line(f"ali-import: error: {error.diagnostics()}")
        if not arguments.as_json:
            streams.print_lines(findings.lines(found[-1]))
    if arguments.as_json:
        document = findings.as_json(found)
        streams.print_lines([json.dumps(document, ensure_ascii=False, indent=2)])
    good = all(isinstance(each, Inspection) and not each.refusals for each in found)
    return ExitStatus.ALL_PLACED if good else ExitStatus.USAGE
