"""Finds out who signed a request, and says no in the words of the product."""

from urllib.parse import parse_qsl

from alicloud_emulator.front.body import RequestBody
from alicloud_emulator.front.signatures import (
    acs3,
    aws_v2,
    aws_v4,
    oss_errors,
    oss_v1,
    oss_v2,
    oss_v4,
    rpc_v1,
)
from alicloud_emulator.front.signatures.aws_body import unwrap
from alicloud_emulator.front.signatures.claim import SKEW_S_MAX, Claim
from alicloud_emulator.front.signatures.nonces import Nonces
from alicloud_emulator.products import BY_NAME
from alicloud_emulator.products.product import Product, Signing
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.world import World

_FORM_BYTES_MAX = 1024 * 1024
_FORM_FIELDS_MAX = 2000


class Verifier:
    """Checks signatures against the world's credentials, and remembers nonces."""

    def __init__(self, world: World) -> None:
        self._world = world
        # A request is valid for 15 minutes before and after its date.
        self._nonces = Nonces(window_s=2 * SKEW_S_MAX)

    async def verify(
        self, request: Request, body: RequestBody, *, skew_s: float = 0.0
    ) -> None:
        """Set the request's caller and signature; both stay unset if it is unsigned.

        Form parameters of RPC calls are added to the request's query.

        Args:
            request: The request.
            body: Its body.
            skew_s: How many seconds the cloud's clock is ahead of the clients'.

        Raises:
            ServiceError: The signature is not accepted.
        """
        now = self._world.wall() + skew_s
        if _product(request).signing is Signing.OSS:
            self._verify_oss(request, body, now)
            return
        try:
            await self._verify_api(request, body, now)
        except ServiceError as error:
            raise _in_words_of(request, error) from error

    def _verify_oss(self, request: Request, body: RequestBody, now: float) -> None:
        if request.method == "OPTIONS":
            return  # browsers ask so on their own: nobody signs it
        claim = _oss_claim(request, now)
        if claim is None:
            return
        try:
            secret = self._settle(request, claim, now)
        except ServiceError as error:
            code, temporary = error.code, bool(claim.security_token)
            if code == "InvalidAccessKeyId.NotFound" or (
                code == "InvalidSecurityToken.Malformed" and not temporary
            ):
                raise oss_errors.unknown_key(claim.access_key_id) from error
            if code.startswith("InvalidSecurityToken"):
                expired = code.endswith("Expired")
                raise oss_errors.bad_token(expired=expired) from error
            raise
        if claim.body is not None:
            body.must_be(claim.body.sha256, claim.body.refusal)
        if claim.way.startswith("aws"):
            checksums = self._world.profile.habits.s3_like
            unwrap(request, claim, secret, checksums=checksums)

    async def _verify_api(
        self, request: Request, body: RequestBody, now: float
    ) -> None:
        is_rpc = _product(request).signing is Signing.RPC
        if acs3.is_meant(request):
            claim = acs3.read(request, now=now)
            self._settle(request, claim, now)
            signed = claim.body
            if signed is not None:
                # Only now: nobody without a key can make us take a large body in.
                body.must_be(
                    signed.sha256, lambda: _in_words_of(request, signed.refusal())
                )
        if is_rpc:
            # After ACS3, which does not sign the form as parameters; the older
            # signature does.
            await _add_form(request, body)
        if request.signature:
            return
        if is_rpc and rpc_v1.is_meant(request.query):
            claim = rpc_v1.read(request.method, request.query, now=now)
            self._settle(request, claim, now)
        elif not (is_rpc and rpc_action(request) in _product(request).unsigned):
            raise rpc_v1.missing_access_key()

    def _settle(self, request: Request, claim: Claim, now: float) -> str:
        """Check a claim against the world, and set who makes the request.

        Returns the secret that signed it.
        """
        credential = self._world.ram.credential(
            claim.access_key_id, claim.security_token
        )
        if (error := claim.mismatch(credential.secret)) is not None:
            raise error
        if claim.nonce and not self._nonces.first_use(
            claim.access_key_id, claim.nonce, now
        ):
            raise ServiceError(
                "SignatureNonceUsed", 400, "Specified signature nonce was used already."
            )
        request.caller = credential.caller
        request.signature = claim.way
        return credential.secret


def _product(request: Request) -> Product:
    return BY_NAME[request.host.service]


def _in_words_of(request: Request, error: ServiceError) -> ServiceError:
    """Return the gateway's error as the product says it."""
    said = _product(request).says.get(error.code)
    return ServiceError(*said, error.message) if said else error


def rpc_action(request: Request) -> str:
    """Return the action an RPC call names, in a header or a parameter."""
    return request.headers.get("x-acs-action", "") or request.param("Action")


def _oss_claim(request: Request, now: float) -> Claim | None:
    if oss_v4.in_header(request):
        return oss_v4.read_header(request, now=now)
    if oss_v1.in_header(request):
        return oss_v1.read_header(request, now=now)
    if oss_v2.in_header(request):
        return oss_v2.read_header(request, now=now)
    # V2 before V4, which takes every other x-oss-signature-version for its own.
    if oss_v2.in_query(request):
        return oss_v2.read_query(request, now=now)
    if oss_v4.in_query(request):
        return oss_v4.read_query(request, now=now)
    if oss_v1.in_query(request):
        return oss_v1.read_query(request, now=now)
    if aws_v4.in_header(request) or aws_v4.in_query(request):
        return aws_v4.read(request, now=now)
    if aws_v2.in_header(request) or aws_v2.in_query(request):
        return aws_v2.read(request, now=now)
    if authorization := request.headers.get("authorization"):
        raise oss_errors.unknown_scheme(authorization)
    return None


async def _add_form(request: Request, body: RequestBody) -> None:
    """Add the parameters of a form body to the query; the body can be read again."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # Any body is taken in, so that it is seen to be the one that was signed.
    form = await body.peek(_FORM_BYTES_MAX)
    if not form or kind != "application/x-www-form-urlencoded":
        return
    try:
        text = form.decode("utf-8")
        request.query += parse_qsl(
            text, keep_blank_values=True, max_num_fields=_FORM_FIELDS_MAX
        )
    except ValueError as error:
        raise ServiceError("InvalidParameter", 400, "The form is invalid.") from error
