"""The release: what should be there. It is read from a file, from flags, or from both.

A release file is TOML. Its keys are the command's long flags that say what should be
there; what concerns a single run (``--report``, ``-v``) is no key. ``{KEY}`` in a text
stands for what ``--set KEY=VALUE`` gives, ``{{`` and ``}}`` for braces. Files are named
relative to the release file.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from ali_import.errors import ConfigurationError
from ali_import.publish.model import Options, Wanted
from ali_import.publish.naming import Image
from ali_import.release_keys import (
    ABOUT_AN_IMAGE,
    ABOUT_PRUNING,
    FILE,
    IMAGE,
    IMAGE_KEYS,
    KEYS,
    OF_ONE_IMAGE,
    OPTIONS,
    PRUNE,
    WANTED_FIELDS,
    name,
    wrong_value,
)
from ali_import.standing.retention import Retention

_FILE_BYTES_MAX: Final = 256 * 1024
_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WHERE: Final = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")


_Path = tuple[str | int, ...]
"""Where a value stands in the document, for example ``("image", 0, "name")``."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What should be there.

    Attributes:
        images: The files, with their names and families.
        options: Where, and what else is wanted of the images.
    """

    images: tuple[Image, ...]
    options: Options


def load_release(
    path: str | Path,
    *,
    settings: Mapping[str, str] | None = None,
    instead: Mapping[str, Any] | None = None,
) -> Release:
    """Read a release file.

    Args:
        path: The file.
        settings: What its placeholders stand for: all of them, and no more.
        instead: Keys with values that replace the file's, as flags do. Files in
            ``image`` are relative to the working directory; where the file has a table
            for each image, they choose among these.

    Raises:
        ConfigurationError: The file cannot be read, or something in it is wrong; names
            line, key and what is allowed. Several: an ``ExceptionGroup`` of these.
    """
    path = Path(path)
    text = _read(path)
    reading = _Reading(path, text, dict(settings or {}), dict(instead or {}))
    return reading.release(_parsed(path, text))


def load_retention(
    path: str | Path | None,
    *,
    settings: Mapping[str, str] | None = None,
    instead: Mapping[str, Any] | None = None,
) -> tuple[tuple[str, ...], Retention]:
    """Read which families a release file is about, and what to keep of them.

    Only those values are read: what a name would need to be filled in is not asked for.

    Args:
        path: The file; None for none.
        settings: What its placeholders stand for.
        instead: Values that replace the file's: a list as ``family``, the keys of its
            table ``prune``, and ``shared`` and ``untagged``.

    Raises:
        ConfigurationError: Something is wrong or missing; several: an
            ``ExceptionGroup`` of these.
    """
    text = "" if path is None else _read(Path(path))
    document = {} if path is None else _parsed(Path(path), text)
    where = None if path is None else Path(path)
    reading = _Reading(where, text, dict(settings or {}), dict(instead or {}))
    return reading.retention(document)


def make_release(values: Mapping[str, Any]) -> Release:
    """Make a release of keys and values as a file has them, without a file.

    Raises:
        ConfigurationError: Something is wrong; several: an ``ExceptionGroup`` of these.
    """
    return _Reading(None, "", {}, dict(values)).release({})


# --- the file -------------------------------------------------------------------------


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"release file {path}: cannot be read: {reason}",
            advice="name a TOML file with -c",
        ) from error
    if len(data) > _FILE_BYTES_MAX:
        raise ConfigurationError(
            f"release file {path}: is larger than {_FILE_BYTES_MAX} bytes",
            advice="name a TOML file with -c; disk images follow without a flag",
        )
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path}:{line}: is not UTF-8", advice="save it as UTF-8"
        ) from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said = str(error)
        found = _WHERE.search(said)
        line = (found and found[1]) or text.count("\n") + 1
        reason = _WHERE.sub("", said) or "is not TOML"
        raise ConfigurationError(
            f"{path}:{line}: {reason}",
            advice="put texts in quotes, lists in [ ], and a key and its value on one line",
        ) from error


def _line(text: str, where: _Path) -> int:
    """Return the line in which a value begins; 1 if it cannot be found.

    What stands before it is TOML without it, and what stands up to its end has it.
    """
    lines = text.split("\n")
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        if _holds(document, where):
            return begin + 1
        begin = end
    return 1


def _holds(document: Any, where: _Path) -> bool:
    for step in where:
        if isinstance(step, int):
            if not isinstance(document, list) or len(document) <= step:
                return False
        elif not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True


def _places(value: Any) -> set[str]:
    """Return the keys of all placeholders in a value's texts."""
    if isinstance(value, dict):
        return set().union(*map(_places, value.values()))
    if isinstance(value, list):
        return set().union(*map(_places, value))
    if not isinstance(value, str):
        return set()
    return {place[1] for place in _PLACE.finditer(value) if place[1]}


class _Reading:
    """Reads one document, and gathers what is wrong in it."""

    def __init__(
        self,
        path: Path | None,
        text: str,
        settings: Mapping[str, str],
        instead: Mapping[str, Any],
    ) -> None:
        self._path = path
        self._text = text
        self._settings = settings
        self._instead = instead
        self._used: set[str] = set()
        self._wrong: list[ConfigurationError] = []
        self._told: set[_Path] = set()

    def release(self, document: Mapping[str, Any]) -> Release:
        """Return the release that a document means.

        Raises:
            ConfigurationError: Something is wrong; several: an ``ExceptionGroup``.
        """
        values = self._filled(document, ())
        self._check_settings()
        self._check_keys(values, KEYS, ())
        listed = values.get(IMAGE, [])
        self._pruning(values.get(PRUNE, {}))
        excluded = values.get("except")
        if isinstance(excluded, list):  # a region that a flag names is wanted
            named = self._instead.get("region", ())
            values["except"] = [each for each in excluded if each not in named]
        values = {**values, **self._instead}
        options = self._fields(values, OPTIONS, ())
        common = self._fields(values, ABOUT_AN_IMAGE, ())
        images = self._images(listed, common)
        if not self._wrong:
            self._check_sharing(images, options)
        if self._path is not None and not self._wrong:
            self._check_whole(images)
        self._raise_if_wrong()
        return Release(images=images, options=Options(**options))

    def retention(
        self, document: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], Retention]:
        """Return the families that a document is about, and what is kept of them.

        Raises:
            ConfigurationError: Something is wrong; several: an ``ExceptionGroup``.
        """
        self._used |= _places(document)
        self._check_settings()
        self._check_keys(document, KEYS, ())
        pruning = self._filled(document.get(PRUNE, {}), (PRUNE,))
        fields = self._pruning(pruning)
        given = {key: self._instead[key] for key in self._instead if key != "family"}
        fields |= self._fields(given, ABOUT_PRUNING, ())
        fields |= {k: given[k] for k in ("shared", "untagged") if k in given}
        families = self._families(document)
        if not self._wrong:
            self._check_retention(families, fields)
        self._raise_if_wrong()
        return families, Retention(**fields)

    def _raise_if_wrong(self) -> None:
        if len(self._wrong) == 1:
            raise self._wrong[0]
        if self._wrong:
            raise ExceptionGroup("the release is wrong", self._wrong)

    # --- pruning ----------------------------------------------------------------------

    def _pruning(self, table: Any) -> dict[str, Any]:
        if not isinstance(table, dict):
            self._complain((PRUNE,), str(wrong_value(table, "a table, [prune]")))
            return {}
        self._check_keys(table, tuple(ABOUT_PRUNING), (PRUNE,))
        kept = {key: each for key, each in table.items() if key not in self._instead}
        return self._fields(kept, ABOUT_PRUNING, (PRUNE,))

    def _families(self, document: Mapping[str, Any]) -> tuple[str, ...]:
        given = self._instead.get("family")
        if given is not None:
            return tuple(dict.fromkeys(given))
        found = []
        listed = document.get(IMAGE)
        tables = listed if isinstance(listed, list) else []
        for where, value in (
            (("family",), document.get("family")),
            *(
                ((IMAGE, index, "family"), table.get("family"))
                for index, table in enumerate(tables)
                if isinstance(table, dict)
            ),
        ):
            if value is None:
                continue
            try:
                found.append(name(self._filled(value, where)))
            except ValueError as error:
                self._complain(where, str(error))
        return tuple(dict.fromkeys(found))

    def _check_retention(
        self, families: Sequence[str], fields: Mapping[str, Any]
    ) -> None:
        missing = None
        if not families:
            missing = "no family is named", "add --family, or -c with a release file"
        elif "keep" not in fields:
            missing = "it is not said how many versions to keep", "add --keep NUMBER"
        elif not fields.get("deprecate") and "delete_after_s" not in fields:
            text = "it is not said what to do with older versions"
            missing = text, "add --deprecate, --delete-after TIME, or both"
        if missing:
            self._wrong.append(ConfigurationError(missing[0], advice=missing[1]))

    # --- placeholders -----------------------------------------------------------------

    def _filled(self, value: Any, where: _Path) -> Any:
        """Return a value with every placeholder in its texts filled in."""
        if isinstance(value, dict):
            return {
                key: self._filled(each, (*where, key)) for key, each in value.items()
            }
        if isinstance(value, list):
            return [
                self._filled(each, (*where, index)) for index, each in enumerate(value)
            ]
        if not isinstance(value, str):
            return value
        return _PLACE.sub(lambda place: self._filling(place, where), value)

    def _filling(self, place: re.Match[str], where: _Path) -> str:
        key = place[1]
        if key is None:
            if len(place[0]) == 1:
                text = f"a single {place[0]}"
                self._complain(where, text, "write {{ and }} for braces")
            return place[0][0]
        if key not in self._settings:
            self._complain(where, f"{place[0]} is not set", f"add --set {key}=VALUE")
            return place[0]
        self._used.add(key)
        return self._settings[key]

    def _check_settings(self) -> None:
        for key in self._settings:
            if key not in self._used:
                error = ConfigurationError(
                    f"--set {key}: there is no {{{key}}} in {self._path}",
                    advice="leave it out, or put the placeholder where it belongs",
                )
                self._wrong.append(error)

    # --- keys -------------------------------------------------------------------------

    def _check_keys(
        self, values: Mapping[str, Any], allowed: Sequence[str], where: _Path
    ) -> None:
        for key in values:
            if key in allowed:
                continue
            near = get_close_matches(key, allowed, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            keys = ", ".join(allowed)
            self._complain((*where, key), "no such key", f"{meant}allowed are {keys}")

    def _fields(
        self,
        values: Mapping[str, Any],
        keys: Mapping[str, tuple[str, Callable[[Any], Any]]],
        where: _Path,
    ) -> dict[str, Any]:
        """Return the fields that the values of some keys make."""
        fields = {}
        for key, (field, read) in keys.items():
            if key not in values:
                continue
            try:
                fields[field] = read(values[key])
            except ValueError as error:
                self._complain((*where, key), str(error))
        return fields

    # --- images -----------------------------------------------------------------------

    def _images(self, listed: Any, common: Mapping[str, Any]) -> tuple[Image, ...]:
        """Return the images that are listed, or those that were given instead."""
        made = []
        if isinstance(listed, list):
            for index, each in enumerate(listed):
                made += self._image(each, common, (IMAGE, index))
        else:
            wrong = wrong_value(listed, 'a list of files, such as ["disk.img"]')
            self._complain((IMAGE,), str(wrong))
        given = self._instead.get(IMAGE)
        if given is None:
            return tuple(made)
        if isinstance(listed, list) and any(isinstance(each, dict) for each in listed):
            return self._chosen(made, given)
        return tuple(Image(path, **common) for path in given)

    def _chosen(
        self, made: Sequence[Image], given: Sequence[str | Path]
    ) -> tuple[Image, ...]:
        """Return those images, each of which has a table of its own, that were given."""
        by_file = {Path(image.path).resolve(): image for image in made}
        chosen = []
        for path in given:
            image = by_file.get(Path(path).resolve())
            if image is not None:
                chosen.append(image)
                continue
            error = ConfigurationError(
                f"{path}: is not one of the images in {self._path}",
                advice="that file has a table for each image; add one for this image",
            )
            self._wrong.append(error)
        return tuple(chosen)

    def _image(
        self, listed: Any, common: Mapping[str, Any], where: _Path
    ) -> list[Image]:
        table = {FILE: listed} if isinstance(listed, str) else listed
        if not isinstance(table, dict):
            wrong = wrong_value(listed, "a file in quotes, or a table with a file")
            self._complain(where, str(wrong))
            return []
        self._check_keys(table, IMAGE_KEYS, where)
        file = table.get(FILE)
        if file is None:
            self._complain(where, "has no file", 'add file = "disk.img"')
        elif not isinstance(file, str) or not file:
            wrong = wrong_value(file, "the name of a file in quotes")
            self._complain((*where, FILE) if table is listed else where, str(wrong))
        else:
            own = {k: v for k, v in table.items() if k not in self._instead}
            fields = {**common, **self._fields(own, OF_ONE_IMAGE, where)}
            assert self._path is not None
            return [Image(self._path.parent / file, **fields)]
        return []

    def _check_sharing(
        self, images: Sequence[Image], options: Mapping[str, Any]
    ) -> None:
        """Refuse shares of what everybody has."""
        everything = Wanted(**{k: options[k] for k in WANTED_FIELDS if k in options})
        for image in images or (Image(""),):
            wanted = image.over(everything)
            if wanted.public and wanted.share:
                error = ConfigurationError(
                    "share: a public image cannot be shared with single accounts, since "
                    "every account can use it",
                    advice="leave out public or share",
                )
                self._wrong.append(error)
                return

    def _check_whole(self, images: Sequence[Image]) -> None:
        if not images:
            error = ConfigurationError(
                f"{self._path}: names no image",
                advice='add image = ["disk.img"], or name files after the flags',
            )
            self._wrong.append(error)
        elif any(image.family is None for image in images):
            error = ConfigurationError(
                f"{self._path}: names no family",
                advice='add family = "...", or --family',
            )
            self._wrong.append(error)

    # --- complaints -------------------------------------------------------------------

    def _complain(self, where: _Path, text: str, advice: str = "") -> None:
        """Keep what is wrong with a value; only the first thing that is."""
        if where in self._told:
            return
        self._told.add(where)
        key = ".".join(step for step in where if isinstance(step, str))
        if self._path is None or (len(where) == 1 and where[0] in self._instead):
            place = f"--{key}"
        else:
            place = f"{self._path}:{_line(self._text, where)}: {key}"
        self._wrong.append(ConfigurationError(f"{place}: {text}", advice=advice))
