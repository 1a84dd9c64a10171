"""What a call passes before its action does anything, and what a token brings back."""

from collections.abc import Callable, Mapping

from alicloud_emulator.products.rpc.action import Call
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.world.facts import Facts
from alicloud_emulator.world.recent import Recent
from alicloud_emulator.world.world import World

_TOKEN_CHARS_MAX = 64
_REMEMBERED_MAX = 10_000
"""Answers: a few MB."""


def enter(call: Call, facts: Facts, service: str, resource: str) -> None:
    """Let a call in: time passes, its region exists, its caller may.

    Args:
        call: The call.
        facts: Of the product.
        service: The product's name in policies, for example ``vpc``.
        resource: For example ``vpc/*``.

    Raises:
        ServiceError: InvalidRegionId.NotFound (404); NoPermission (403).
    """
    world = call.world
    world.agenda.catch_up()
    if world.profile.region(call.region) is None:
        raise facts.refusal("InvalidRegionId.NotFound")
    arn = f"acs:{service}:{call.region}:{call.caller.account_id}:{resource}"
    world.ram.authorize(call.caller, f"{service}:{call.action}", arn)


class _Answers:
    """First answers by what asked for them."""

    def __init__(self, world: World) -> None:
        del world
        self.first: Recent[
            tuple[str, str, str, str], tuple[Mapping[str, str], Document]
        ] = Recent(_REMEMBERED_MAX)


def once(call: Call, facts: Facts, make: Callable[[], Document]) -> Document:
    """Return what ``make`` returns, or what the call's ClientToken brought before.

    A refused call is not remembered, so that it may be repeated with its token once the
    cause is gone.

    Raises:
        ServiceError: InvalidClientToken.Malformed, or IdempotentParameterMismatch: the
            token came with other parameters before (400).
    """
    token = call.text("ClientToken")
    if not token:
        return make()
    if len(token) > _TOKEN_CHARS_MAX or not token.isascii():
        raise facts.refusal("InvalidClientToken.Malformed")
    answers = call.world.part(_Answers).first
    key = (call.caller.account_id, call.region, call.action, token)
    asked = {k: v for k, v in call.arguments.asked().items() if k not in _EACH_TIME}
    if key in answers:
        before, document = answers[key]
        if before != asked:
            raise facts.refusal("IdempotentParameterMismatch")
        return document
    document = make()
    answers[key] = (asked, document)
    return document


_EACH_TIME = {"Timestamp", "SignatureNonce", "Signature"}
"""What older clients send among the parameters, and anew each time."""
