"""Takes the bearer token out of a request (RFC 6750)."""

from http import HTTPStatus

from starlette.requests import HTTPConnection

from api.errors import ApiError

REALM = 'Bearer realm="rom"'
MAX_LENGTH = 8192
_IN_QUERY = frozenset({"access_token", "token", "id_token"})


def unauthorized(reason: str, fix: str, *, error: str = "") -> ApiError:
    """Say that the caller is not known; ``error`` is a code of RFC 6750 section 3.1."""
    challenge = f'{REALM}, error="{error}"' if error else REALM
    return ApiError(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        reason,
        fix,
        {"WWW-Authenticate": challenge, "Cache-Control": "no-store"},
    )


def forbidden(reason: str, fix: str) -> ApiError:
    """Say that the caller, who is known, may not do this."""
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "forbidden",
        reason,
        fix,
        {"WWW-Authenticate": f'{REALM}, error="insufficient_scope"'},
    )


def presented_token(request: HTTPConnection) -> str | None:
    """Return the bearer token of the ``Authorization`` header, or ``None`` without the header.

    Raises ``ApiError``: 400 for a token in the query, where logs and histories would keep it
    (RFC 6750 section 5.3), 401 for several headers, another scheme or no token in it.
    """
    if not _IN_QUERY.isdisjoint(request.query_params.keys()):
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "tokenInQuery",
            "query: a token has no place in a URL, where logs keep it",
            "Send it as 'Authorization: Bearer TOKEN', and have this one replaced",
        )
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    token = token.strip()
    if len(given) > 1 or scheme.lower() != "bearer" or not _plausible(token):
        raise unauthorized(
            "Authorization: holds no bearer token",
            "Send one header 'Authorization: Bearer TOKEN'",
        )
    return token


def _plausible(token: str) -> bool:
    right_length = 0 < len(token) <= MAX_LENGTH
    return right_length and token.isascii() and token.isprintable() and " " not in token
