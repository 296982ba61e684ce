"""Our OpenAPI document: every operation with its parameters, bodies, answers and the error body.

What FastAPI knows from the operations' own types it says by itself. Those that pass TM Forum
documents through read requests themselves; what they take is data in ``api/schemas``.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from api.body import PATCH_TYPES
from api.entities import entities, json_schema
from api.errors import ERRORS, Error
from api.query import PAGE_HEADERS
from inventory.file_model import InventoryFile

_OPERATIONS = Path(__file__).parent / "schemas" / "paths" / "operations.yaml"
_MODELS = (Error, InventoryFile)
_JSON = "application/json"
_PLAIN: Mapping[str, dict[str, Any]] = {
    "object": {"type": "object", "additionalProperties": True},
    "array": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    "any": {},
}
_FILTERS = (
    "Filters are attributes, dotted into what is inside, with the operators .eq .ne .gt .gte .lt "
    ".lte .regex; a comma, a semicolon and a repetition mean or, & means and."
)
_PATH_NAME = re.compile(r"\{(\w+)\}")


def install_openapi(app: FastAPI) -> None:
    """Let ``app`` describe itself truthfully; call it when every route is there."""

    @cache
    def described() -> dict[str, Any]:
        return document(app)

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of ``app``."""
    base = get_openapi(
        title="ROM gateway",
        version=_release(),
        description="TMF652, TMF639 and TMF634 v4, and what TM Forum has no word for",
        routes=app.routes,
    )
    declared = yaml.safe_load(_OPERATIONS.read_text(encoding="utf-8"))
    for path, methods in base["paths"].items():
        for method, operation in methods.items():
            said = declared.get(f"{method.upper()} {path}")
            if said is not None:
                _describe(operation, path, said)
            operation["responses"].pop("422", None)  # ours is 400
    base["components"] = {"schemas": base["components"]["schemas"] | _schemas()}
    for name in ("HTTPValidationError", "ValidationError"):
        base["components"]["schemas"].pop(name, None)
    return base


def _describe(operation: dict[str, Any], path: str, said: Mapping[str, Any]) -> None:
    if "id" in said:
        operation["operationId"] = said["id"]
    operation["parameters"] = [
        *(
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PATH_NAME.findall(path)
        ),
        *(_header(name) for name in said.get("header", ())),
        *(_query(name) for name in said.get("query", ())),
        *(_list_parameters(said["list"]) if "list" in said else ()),
    ]
    if "body" in said:
        operation["requestBody"] = {"required": True, "content": {_JSON: _content(said["body"])}}
    if "patch" in said:
        whole = _content(f"{said['patch']}_Update")
        steps = {"schema": {"type": "array", "items": {"$ref": _named("JsonPatchOperation")}}}
        operation["requestBody"] = {
            "required": True,
            "content": {
                media: steps if media.startswith("application/json-patch") else whole
                for media in PATCH_TYPES
            },
        }
    if "list" in said:
        operation["description"] = f"{operation.get('description', '')}\n\n{_FILTERS}"
    operation["responses"] = _responses(said)


def _responses(said: Mapping[str, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": _named("Error")}}}
    found: dict[str, Any] = {
        str(status): {"description": said_of["description"], "content": error}
        for status, said_of in ERRORS.items()
    }
    success = {"description": "Done", **_answer(said)}
    if "list" in said:
        found["200"] = success | {"headers": PAGE_HEADERS}
        found["206"] = found["200"] | {"description": "A part of what there is"}
        return dict(sorted(found.items()))
    if said.get("status") == 201:
        success["headers"] = {"Location": {"schema": {"type": "string"}}}
    for status in (said.get("status", 200), *said.get("also", ())):
        found[str(status)] = success
    return dict(sorted(found.items()))


def _answer(said: Mapping[str, Any]) -> dict[str, Any]:
    if said.get("status") == 204:
        return {}
    if "list" in said:
        return {"content": {_JSON: {"schema": {
            "type": "array", "items": {"$ref": _named(said["list"])}
        }}}}  # fmt: skip
    answer = said.get("answer", "any")
    if answer in ("text", "events"):
        media = "text/plain" if answer == "text" else "text/event-stream"
        return {"content": {media: {"schema": {"type": "string"}}}}
    return {"content": {_JSON: _content(answer)}}


def _content(name: str) -> dict[str, Any]:
    return {"schema": _PLAIN[name] if name in _PLAIN else {"$ref": _named(name)}}


def _list_parameters(entity: str) -> list[dict[str, Any]]:
    simple = [
        name
        for name, attribute in entities()[entity].items()
        if not attribute.is_entity and not attribute.many and name != "href"
    ]
    own = [_query(name) for name in ("fields", "offset:n", "limit:n", "sort")]
    return [*own, *(_query(name) for name in simple)]


def _query(name: str) -> dict[str, Any]:
    plain, _, kind = name.partition(":")
    schema: dict[str, Any] = {"type": "string"}
    if kind == "n":
        schema = {"type": "integer", "minimum": 1 if plain == "limit" else 0}
    return {"name": plain, "in": "query", "required": False, "schema": schema}


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _named(name: str) -> str:
    return f"#/components/schemas/{name}"


def _schemas() -> dict[str, Any]:
    _, models = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    found = {name: json_schema(name) for name in entities()}
    for name in ("ResourceOrder", "CancelResourceOrder", "Resource", "ResourceSpecification"):
        whole = json_schema(name)
        found[name] = whole | {"required": ["id", "href"]}
        found[f"{name}_Update"] = whole
    found["ResourceOrder_Create"] = json_schema("ResourceOrder") | {"required": ["orderItem"]}
    cancel = json_schema("CancelResourceOrder") | {"required": ["resourceOrder"]}
    found["CancelResourceOrder_Create"] = cancel
    specification = json_schema("ResourceSpecification") | {"required": ["name"]}
    found["ResourceSpecification_Create"] = specification
    found["JsonPatchOperation"] = {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    }
    definitions: dict[str, Any] = models.get("$defs", {})
    return found | definitions


def _release() -> str:
    try:
        return version("rom-gateway")
    except PackageNotFoundError:
        return "0"
