"""What should be there, by the command line: a release file, flags, or both."""

import dataclasses
from pathlib import Path
from typing import Final

from ali_import import Release, load_release, make_release
from ali_import.cli.arguments import PublishArguments
from ali_import.cli.checksums import expected_sums

NO_FAMILY: Final = (
    "no family is named, so the images join the family ipxe, as with iPXE's own script; "
    "name yours with --family"
)


def wanted_release(arguments: PublishArguments) -> Release:
    """Return what should be there, by the release file, the flags, or both.

    Raises:
        ConfigurationError: Something is wrong; several: an ``ExceptionGroup`` of these.
    """
    if arguments.config is None:
        release = make_release(arguments.wanted)
    else:
        release = load_release(
            arguments.config, settings=arguments.settings, instead=arguments.wanted
        )
    sums = expected_sums([Path(i.path) for i in release.images], arguments.sums)
    images = (
        dataclasses.replace(image, sha256=sums.get(Path(image.path), image.sha256))
        for image in release.images
    )
    return dataclasses.replace(release, images=tuple(images))
