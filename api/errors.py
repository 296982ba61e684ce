"""Every error that leaves is the TM Forum error body (``Error`` in the TMF652 v4 schema)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api.context import REQUEST_ID, current_request_id
from rom.gateway.seam import DatabaseError, database_refusal
from rom.model import errors
from rom.model.errors import RomError

_log = structlog.get_logger(__name__)

STATUS: Mapping[type[RomError], HTTPStatus] = {
    errors.RomError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.OrderRefused: HTTPStatus.BAD_REQUEST,
    errors.PatchRefused: HTTPStatus.BAD_REQUEST,
    errors.PatchTestFailed: HTTPStatus.CONFLICT,
    errors.ChangeRefused: HTTPStatus.BAD_REQUEST,
    errors.DocumentRefused: HTTPStatus.BAD_REQUEST,
    errors.SearchRefused: HTTPStatus.BAD_REQUEST,
    errors.CallbackRefused: HTTPStatus.BAD_REQUEST,
    errors.BadQuery: HTTPStatus.BAD_REQUEST,
    errors.NotABoundary: HTTPStatus.BAD_REQUEST,
    errors.InventoryRefused: HTTPStatus.BAD_REQUEST,
    errors.Misconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.OutOfScope: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.UnknownTarget: HTTPStatus.NOT_FOUND,
    errors.Unknown: HTTPStatus.NOT_FOUND,
    errors.UnknownOrder: HTTPStatus.NOT_FOUND,
    errors.UnknownItem: HTTPStatus.NOT_FOUND,
    errors.UnknownCancellation: HTTPStatus.NOT_FOUND,
    errors.UnknownSite: HTTPStatus.NOT_FOUND,
    errors.UnknownRollback: HTTPStatus.NOT_FOUND,
    errors.UnknownDevice: HTTPStatus.NOT_FOUND,
    errors.UnknownResource: HTTPStatus.NOT_FOUND,
    errors.UnknownSpecificationId: HTTPStatus.NOT_FOUND,
    errors.UnknownListener: HTTPStatus.NOT_FOUND,
    errors.UnknownDeadLetter: HTTPStatus.NOT_FOUND,
    errors.UnknownDeed: HTTPStatus.NOT_FOUND,
    errors.UnknownSecret: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.KeyReused: HTTPStatus.CONFLICT,
    errors.IllegalTransition: HTTPStatus.CONFLICT,
    errors.StaleState: HTTPStatus.CONFLICT,
    errors.NotPossible: HTTPStatus.CONFLICT,
    errors.CancelImpossible: HTTPStatus.CONFLICT,
    errors.NotEnough: HTTPStatus.CONFLICT,
    errors.SpecificationInUse: HTTPStatus.CONFLICT,
    errors.DuplicateListener: HTTPStatus.CONFLICT,
    errors.TooManyListeners: HTTPStatus.CONFLICT,
    errors.RollbackOpen: HTTPStatus.CONFLICT,
    errors.OrderUnderWay: HTTPStatus.CONFLICT,
    errors.TargetGone: HTTPStatus.CONFLICT,
    errors.PreviewDiffers: HTTPStatus.CONFLICT,
    errors.RollbackConflicts: HTTPStatus.CONFLICT,
    errors.RepairOverwrites: HTTPStatus.CONFLICT,
    errors.SecretInUse: HTTPStatus.CONFLICT,
    errors.HostKeyDiffers: HTTPStatus.CONFLICT,
    errors.CredentialRefused: HTTPStatus.CONFLICT,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DevicesBusy: HTTPStatus.GATEWAY_TIMEOUT,
    errors.DeviceFailed: HTTPStatus.BAD_GATEWAY,
    errors.DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IssuerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""How each error of the domain is answered; a test holds that none is missing."""


class Error(BaseModel):
    """The TM Forum error body; an answer may have members of its own besides."""

    model_config = ConfigDict(frozen=True, extra="allow")

    code: str
    reason: str
    message: str
    status: str
    reference_error: str | None = Field(default=None, alias="referenceError")
    type_name: str = Field(alias="@type")


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": description}
    for status, description in {
        400: "What is asked is not understood or not possible; names the field or parameter",
        401: "No valid token",
        403: "Not allowed",
        404: "There is no such thing",
        405: "Not possible here; Allow says what is",
        408: "The body did not arrive in time",
        409: "Not possible in the present state",
        413: "The body is too large",
        415: "Another media type is needed",
        429: "Too many requests; Retry-After says when to come back",
        500: "A fault of the gateway",
        502: "A device failed",
        503: "Not ready",
        504: "Devices are busy",
    }.items()
}
"""What every operation may answer, for its description."""


class ApiError(Exception):
    """A request that cannot be served.

    ``code`` is for programs, ``reason`` names the field or header at fault, ``message`` tells the
    caller what to do.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        reason: str,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.reason = reason
        self.message = message
        self.headers = headers
        self.details = details
        super().__init__(reason)


def error_response(error: ApiError) -> JSONResponse:
    """Return ``error`` as the TM Forum error body."""
    body = {
        "code": error.code,
        "reason": error.reason,
        "message": error.message or error.status.description or error.status.phrase,
        "status": str(error.status.value),
        "@type": "Error",
        **(error.details or {}),
    }
    return JSONResponse(body, error.status, dict(error.headers or {}))


def _code(status: HTTPStatus) -> str:
    first, *rest = status.phrase.replace("-", " ").split()
    return first.lower() + "".join(rest)


def unserved(path: str, method: str, allowed: str) -> ApiError:
    """Say that nothing is served at ``path`` or, with ``allowed`` methods, not by ``method``."""
    if not allowed:
        status, reason = HTTPStatus.NOT_FOUND, f"path: {path} is not served here"
        return ApiError(status, _code(status), reason)
    status, reason = HTTPStatus.METHOD_NOT_ALLOWED, f"method: {method} is not possible here"
    return ApiError(status, _code(status), reason, headers={"Allow": allowed})


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class only
    return error_response(error)


def of_domain(error: RomError) -> ApiError:
    """Return the answer to an error of the domain's tree, by the one table."""
    status = STATUS[type(error)]
    headers = {"Retry-After": "5"} if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    return ApiError(status, error.code, error.told, error.mend, headers, dict(error.details))


async def _rom_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RomError)  # noqa: S101 - registered for this class only
    if isinstance(error, errors.OrderRefused):
        _log.info("order refused", reason=error.told)
    return error_response(of_domain(error))


async def _database_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DatabaseError)  # noqa: S101 - registered for this class only
    refusal = database_refusal(error)
    if refusal is None:
        raise error  # a fault of ours
    return error_response(of_domain(refusal))


async def _framework_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    status = HTTPStatus(error.status_code)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        allowed = (error.headers or {}).get("Allow", "")
        return error_response(unserved(request.url.path, request.method, allowed))
    return error_response(ApiError(status, _code(status), str(error.detail), headers=error.headers))


async def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    first = error.errors()[0]
    where, *steps = (str(step) for step in first["loc"])
    place = ".".join(steps) or where
    if where == "query":
        reason, mend = f"{place}: query parameter {first['msg']}", first.get("ctx", {}).get("mend")
        return error_response(ApiError(HTTPStatus.BAD_REQUEST, "invalidQuery", reason, mend or ""))
    return error_response(
        ApiError(HTTPStatus.BAD_REQUEST, "invalidValue", f"{place}: {first['msg']}")
    )


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    # The server logs the traceback with the same request id when the error reaches it.
    _log.error("request failed", error=type(error).__name__)
    return error_response(
        ApiError(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internalError",
            "the gateway failed on this request; nothing more is known to the caller",
            f"Give the {REQUEST_ID} of this answer to the operator, whose log has the cause",
            # This handler runs outside the middleware that puts the id on every other answer.
            {REQUEST_ID: current_request_id()},
        )
    )


def install_error_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every failure, the framework's own included, with the error body."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RomError, _rom_error)
    app.add_exception_handler(DatabaseError, _database_error)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _unexpected)
