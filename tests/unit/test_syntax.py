"""Single values as they are written, on the command line and in files."""

from collections.abc import Callable

import pytest

from ali_import import syntax


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (syntax.region, "cn-hangzhou", "cn-hangzhou"),
        (syntax.region, "cn-wuhan-lr", "cn-wuhan-lr"),
        (syntax.role, "My.Role@x_y-1", "My.Role@x_y-1"),
        (syntax.timeout, "900", 900),
        (syntax.timeout, "1.5h", 5400),
        (syntax.timeout, "168h", 604800),
        (syntax.age, "1h", 3600),
        (syntax.age, "90d", 7_776_000),
        (syntax.age, "8w", 4_838_400),
        (syntax.setting, "version=1.2", ("version", "1.2")),
        (syntax.setting, "a=b=c", ("a", "b=c")),
        (syntax.setting, "empty=", ("empty", "")),
    ],
)
def test_what_is_right(
    check: Callable[[str], object], text: str, value: object
) -> None:
    assert check(text) == value


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (syntax.region, ""),
        (syntax.region, "Hangzhou"),
        (syntax.region, "cn-hangzhou,cn-beijing"),
        (syntax.role, "acs:ram::1:role/x"),
        (syntax.timeout, "0"),
        (syntax.timeout, "169h"),
        (syntax.timeout, "2d"),
        (syntax.timeout, "nan"),
        (syntax.age, "90"),
        (syntax.age, "0d"),
        (syntax.age, "3651d"),
        (syntax.age, "1.5d"),
        (syntax.setting, "version"),
        (syntax.setting, "=1"),
        (syntax.setting, "{x}=1"),
    ],
)
def test_what_is_wrong_is_shown_and_not_too_long(
    check: Callable[[str], object], text: str
) -> None:
    for wrong in (text, f"\n{text}\x1b[2J" + "x" * 500):
        with pytest.raises(ValueError) as refused:
            check(wrong)
        assert "\n" not in str(refused.value)
        assert "\x1b" not in str(refused.value)
        assert len(str(refused.value)) < 250
