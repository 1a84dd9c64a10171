"""Comparing answers with the official SDKs' own models of them."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

_LIST = re.compile(r"List\[(.+)\]")
_DICT = re.compile(r"Dict\[str, (.+)\]")


def unknown_fields(model: Any, document: Any) -> Any:
    """Return what a document holds that a model, made from it, does not know.

    Without what models leave out or fill in: empty lists and absent members.
    """
    known, told = _full(model.from_map(document).to_map()), _full(document)
    return {} if known == told else {"known": known, "told": told}


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _full(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [_full(item) for item in value]
    return value


def wrong_types(model: Any, path: str = "") -> Iterator[str]:
    """Yield where a value is not of the type that the model's own signature says."""
    path = path or type(model).__name__
    for name, parameter in inspect.signature(type(model)).parameters.items():
        value = getattr(model, name)
        if value is None:
            continue
        annotation, items = str(parameter.annotation), [value]
        if many := _LIST.fullmatch(annotation):
            annotation, items = many.group(1), value
        elif many := _DICT.fullmatch(annotation):
            annotation, items = many.group(1), list(value.values())
        for item in items:
            if annotation.startswith("main_models."):
                yield from wrong_types(item, f"{path}.{name}")
            elif type(item).__name__ != annotation:
                yield f"{path}.{name}: {item!r} is no {annotation}"


def filled(model: type, models: Any, **given: Any) -> Any:
    """Return a model with a value in every field, as its signature says.

    Args:
        model: The model's class.
        models: The module with the models that it refers to.
        given: Values of the outermost model, in place of made-up ones.
    """
    made = model()
    for name, parameter in inspect.signature(model).parameters.items():
        value = _sample(str(parameter.annotation), models)
        setattr(made, name, given.get(name, value))
    return made


def _sample(annotation: str, models: Any) -> Any:
    if many := _LIST.fullmatch(annotation):
        return [_sample(many.group(1), models)]
    if many := _DICT.fullmatch(annotation):
        return {"key": _sample(many.group(1), models)}
    if annotation.startswith("main_models."):
        return filled(getattr(models, annotation.removeprefix("main_models.")), models)
    return {"str": "text", "int": 1, "float": 1.0, "bool": True, "BinaryIO": b""}[
        annotation
    ]
