"""FastAPI's route with our strictness: bounded I-JSON bodies and no parameter left unread."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.body import parse_json, read_raw
from api.query import parameters

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose body has been read and parsed strictly."""

    def __init__(self, request: Request, raw: bytes) -> None:
        super().__init__(request.scope, request.receive)
        self._raw = raw
        self._value = parse_json(raw)

    async def body(self) -> bytes:
        """Return the body's bytes; never none, so that an empty body is no missing one."""
        return self._raw

    async def json(self) -> Any:
        """Return the parsed body."""
        return self._value


class StrictRoute(APIRoute):
    """Refuses unknown, repeated and empty query parameters, and bodies as ``api.body`` says.

    Members of an answer that were not given are left out of it.
    """

    most_bytes: ClassVar[int | None] = None
    """Largest body; ``None`` is the setting ``max_body_bytes``."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options | {"response_model_exclude_unset": True})

    def get_route_handler(self) -> Handler:
        """Return FastAPI's handler behind our reading."""
        inner = super().get_route_handler()
        known = frozenset(_query_names(self.dependant))
        reads_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            parameters(request, known)
            if reads_body:
                limit = self.most_bytes or request.app.state.settings.max_body_bytes
                request = StrictRequest(request, await read_raw(request, limit))
            return await inner(request)

        return handle


def _query_names(dependant: Dependant) -> list[str]:
    own = [parameter.alias for parameter in dependant.query_params]
    return own + [name for inner in dependant.dependencies for name in _query_names(inner)]
