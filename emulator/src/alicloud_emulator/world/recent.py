"""What is remembered for a while and not for ever: memory stays flat in a long run."""

from collections.abc import Callable
from typing import TypeVar

from typing_extensions import override

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(dict[Key, Value]):
    """A mapping that forgets its oldest entries when it has more than ``most``.

    Attributes:
        most: Entries kept.
        may_go: Says whether a value may be forgotten; others stay, however many.
    """

    def __init__(
        self, most: int, may_go: Callable[[Value], bool] = lambda _value: True
    ) -> None:
        super().__init__()
        self.most = most
        self.may_go = may_go

    @override
    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        while len(self) > self.most:
            oldest = next((k for k, v in self.items() if self.may_go(v)), None)
            if oldest is None:
                return
            del self[oldest]
