"""Every way in which Function Compute says no, with its HTTP status.

Source:
    The fact sheet's list of codes, from the product's pages, its classic documentation
    and the Terraform provider; statuses of AliasNotFound, ResourceExhausted and
    FunctionNotStarted are guesses.
"""

from alicloud_emulator.world.errors import ServiceError

REFUSALS = {
    "AccessDenied": 403,
    "Account.Arrearage": 403,
    "AliasNotFound": 404,
    "EntityTooLarge": 400,
    "FunctionAlreadyExists": 409,
    "FunctionNotFound": 404,
    "FunctionNotStarted": 412,
    "InternalServerError": 500,
    "InvalidArgument": 400,
    "MissingRequiredHeader": 400,
    "PathNotSupported": 400,
    "ResourceExhausted": 429,
    "ResourceNotFound": 404,
    "ResourceThrottled": 429,
    "ServiceNotEnabled": 403,
    "ServiceUnavailable": 503,
}


def refusal(code: str, message: str) -> ServiceError:
    """Return the error of that code, to be raised."""
    return ServiceError(code, REFUSALS[code], message)
