"""One line for an outcome that is not what was asked for."""

from ali_import.publish.model import Outcome, Result


def stands(outcome: Outcome) -> bool:
    """Whether the image is in the region, public and in its family as far as asked."""
    return outcome.result.good and outcome.published


def failure_line(outcome: Outcome) -> str:
    """Say what failed, where, why, and what to do about it.

    ``failed REGION NAME: STEP: CODE: MESSAGE (request id ID); ADVICE``, without what is
    not known. The text is the cloud's: it wants redaction before it is shown.
    """
    if outcome.result.good:
        what = f"incomplete {outcome.region} {outcome.name}: {outcome.step}"
        reason = f"{outcome.image_id} is there, but was not published"
    else:
        what = f"{outcome.result} {outcome.region} {outcome.name}: {outcome.step}"
        reason = "the run was stopped" if outcome.result is Result.SKIPPED else ""
    parts = (what, outcome.code, outcome.message or reason)
    line = ": ".join(part for part in parts if part)
    if outcome.request_id:
        line += f" (request id {outcome.request_id})"
    if outcome.advice:
        line += f"; {outcome.advice}"
    return line
