"""Matching with ``*`` and ``?``, in bounded time whatever the pattern."""


def matches(pattern: str, value: str) -> bool:
    """Whether ``value`` matches ``pattern``; brackets mean themselves.

    Takes at most len(pattern) * len(value) steps: patterns come from callers, and a
    regular expression with many ``.*`` could be made to take for ever.
    """
    p = v = 0
    star, resume = -1, 0
    while v < len(value):
        if p < len(pattern) and pattern[p] == "*":
            star, resume = p, v
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", value[v]):
            p += 1
            v += 1
        elif star >= 0:
            # Let the last star take one more character, and try again from there.
            resume += 1
            p, v = star + 1, resume
        else:
            return False
    return all(char == "*" for char in pattern[p:])
