"""Whether the whole account is refused, asked in one call before a byte is sent.

Listing buckets needs no permission that a publication does not need, and tells of
accounts that are blocked or in arrears. What was never activated shows only when data is
stored (captured, 2026-04).
"""

from typing import Final

from ali_import.cloud.calls import ListBuckets
from ali_import.cloud.retry_table import look_up
from ali_import.cloud.steady import Patience, Steady
from ali_import.errors import CloudError, ConfigurationError
from ali_import.publish.lease import PREFIX

_SHORT: Final = Patience(transient_s=5.0, throttled_s=5.0, silent_s=5.0, proxy_s=1.0)
"""Who gives no clear answer soon gives none; the publication asks in earnest."""
_WHOLE_ACCOUNT: Final = frozenset(
    {
        *("UserDisable", "InvalidAccountStatus.OSSDisabled"),
        *("Account.Arrearage", "InsufficientBalance"),
    }
)


async def refuse_account(cloud: Steady) -> None:
    """Raise if the cloud clearly refuses the whole account; nothing else matters here.

    Raises:
        ConfigurationError: It does: the account is blocked, or in arrears.
    """
    try:
        await cloud.call(ListBuckets(prefix=PREFIX), _SHORT)
    except CloudError as error:
        if error.code in _WHOLE_ACCOUNT:
            raise ConfigurationError(
                f"the cloud refuses this account ({error.operation}: {error.code}: "
                f"{error.message})",
                advice=error.advice or look_up(error).advice,
            ) from error
    except ConfigurationError:
        return  # the publication tells it itself
