"""If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since."""

from dataclasses import dataclass

from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import StoredObject


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Conditions on an object; times are Unix seconds, None and "" mean no condition."""

    match: str = ""
    none_match: str = ""
    modified_since: float | None = None
    unmodified_since: float | None = None

    def check(self, stored: StoredObject) -> None:
        """Compare with an object.

        Raises:
            ServiceError: PreconditionFailed or NotModified.
        """
        # Times on the wire have whole seconds.
        modified_at = int(stored.modified_at)
        if self.match and not _matches(self.match, stored.etag):
            raise refusal("PreconditionFailed", Condition="If-Match")
        if self.unmodified_since is not None and modified_at > self.unmodified_since:
            raise refusal("PreconditionFailed", Condition="If-Unmodified-Since")
        if self.none_match and _matches(self.none_match, stored.etag):
            raise refusal("NotModified")
        if self.modified_since is not None and modified_at <= self.modified_since:
            raise refusal("NotModified")


NO_CONDITIONS = Conditions()


def _matches(tags: str, etag: str) -> bool:
    wanted = {tag.strip().strip('"').upper() for tag in tags.split(",")}
    return "*" in wanted or etag in wanted
