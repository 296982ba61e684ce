"""Every error that leaves is the TM Forum error body (``Error`` in the TMF652 v4 schema)."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.context import REQUEST_ID, current_request_id
from rom.documents.patching import PatchRefused, PatchTestFailed
from rom.documents.refused import OrderRefused
from rom.model.access import OutOfScope

_log = structlog.get_logger(__name__)


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
    ) -> None:
        self.status = status
        self.code = code
        self.reason = reason
        self.message = message
        self.headers = headers
        super().__init__(reason)


def not_found(kind: str, identifier: str) -> ApiError:
    """Say that there is no ``kind`` of this id."""
    return ApiError(
        HTTPStatus.NOT_FOUND,
        "notFound",
        f"id: there is no {kind} '{identifier}'",
        f"List what there is with GET on the {kind} collection",
    )


def invalid_change(field: str, reason: str, fix: str) -> ApiError:
    """Say that an attribute cannot be changed so."""
    return ApiError(HTTPStatus.BAD_REQUEST, "invalidValue", f"{field}: {reason}", fix)


def patch_refused(error: PatchRefused) -> ApiError:
    """Say that a patch does not fit: 409 when the document is not what the sender thinks."""
    if isinstance(error, PatchTestFailed):
        return ApiError(
            HTTPStatus.CONFLICT, "patchTestFailed", f"body: {error}", "Read it again and repeat"
        )
    return ApiError(HTTPStatus.BAD_REQUEST, "invalidPatch", f"body: {error}")


def error_response(error: ApiError) -> JSONResponse:
    """Return ``error`` as the TM Forum error body."""
    body = {
        "code": error.code,
        "reason": error.reason,
        "message": error.message or error.status.description or error.status.phrase,
        "status": str(error.status.value),
        "@type": "Error",
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


async def _order_refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OrderRefused)  # noqa: S101 - registered for this class only
    reason = f"{error.field or 'body'}: {error.reason}"
    _log.info("order refused", reason=reason)
    return error_response(ApiError(HTTPStatus.BAD_REQUEST, "invalidOrder", reason, error.fix))


async def _out_of_scope(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OutOfScope)  # noqa: S101 - registered for this class only
    fix = "Name what belongs to this client"
    return error_response(ApiError(HTTPStatus.FORBIDDEN, "forbidden", str(error), fix))


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
    place = ".".join(str(step) for step in first["loc"])
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
    app.add_exception_handler(OrderRefused, _order_refused)
    app.add_exception_handler(OutOfScope, _out_of_scope)
    app.add_exception_handler(HTTPException, _framework_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _unexpected)
