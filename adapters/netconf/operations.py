"""The operations of RFC 6241 that a device transaction needs, as elements."""

from collections.abc import Iterable
from typing import Any

from lxml import etree

from adapters.netconf.rpc import BASE

# The stubs know no default namespace, lxml does.
_PLAIN: Any = {None: BASE}
WITH_DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
_DEFAULTS_PLAIN: Any = {None: WITH_DEFAULTS}


def _element(name: str, *children: etree._Element, text: str | None = None) -> etree._Element:
    element = etree.Element(f"{{{BASE}}}{name}", nsmap=_PLAIN)
    element.text = text
    element.extend(children)
    return element


def get(filters: Iterable[etree._Element], with_defaults: str | None) -> etree._Element:
    """Return ``get`` of configuration and state below ``filters`` (section 7.7)."""
    return _element("get", *_selection(filters, with_defaults))


def get_config(filters: Iterable[etree._Element], with_defaults: str | None) -> etree._Element:
    """Return ``get-config`` of running below ``filters`` (section 7.1)."""
    source = _element("source", _element("running"))
    return _element("get-config", source, *_selection(filters, with_defaults))


def get_modules() -> etree._Element:
    """Return ``get`` of the modules that the device implements (RFC 7895 and RFC 8525)."""
    library = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
    names = ("modules-state", "yang-library")
    return get([etree.Element(f"{{{library}}}{name}") for name in names], None)


def edit_config(config: etree._Element, *, isolated: bool) -> etree._Element:
    """Return a merge of ``config`` into candidate, undone whole if refused when ``isolated``."""
    parts = [
        _element("target", _element("candidate")),
        _element("default-operation", text="merge"),
    ]
    if isolated:
        parts.append(_element("error-option", text="rollback-on-error"))
    return _element("edit-config", *parts, config)


def lock(datastore: str) -> etree._Element:
    """Return ``lock`` of ``datastore`` (section 7.5)."""
    return _element("lock", _element("target", _element(datastore)))


def unlock(datastore: str) -> etree._Element:
    """Return ``unlock`` of ``datastore`` (section 7.6)."""
    return _element("unlock", _element("target", _element(datastore)))


def discard_changes() -> etree._Element:
    """Return ``discard-changes`` (section 8.3.4.2)."""
    return _element("discard-changes")


def validate() -> etree._Element:
    """Return ``validate`` of candidate (section 8.6.4.1)."""
    return _element("validate", _element("source", _element("candidate")))


def commit() -> etree._Element:
    """Return a plain ``commit`` (section 8.3.4.1)."""
    return _element("commit")


def confirmed_commit(seconds: int, persist: str | None) -> etree._Element:
    """Return a ``commit`` that reverts after ``seconds`` unless confirmed (section 8.4.5.1).

    Without ``persist`` it reverts when its session ends, too.
    """
    parts = [_element("confirmed"), _element("confirm-timeout", text=str(seconds))]
    if persist is not None:
        parts.append(_element("persist", text=persist))
    return _element("commit", *parts)


def confirming_commit(persist_id: str) -> etree._Element:
    """Return the ``commit`` that makes a confirmed one permanent, from any session."""
    return _element("commit", _element("persist-id", text=persist_id))


def cancel_commit(persist_id: str) -> etree._Element:
    """Return ``cancel-commit`` of a confirmed commit (section 8.4.4.1)."""
    return _element("cancel-commit", _element("persist-id", text=persist_id))


def save_running() -> etree._Element:
    """Return ``copy-config`` of running to startup (section 8.7.5.1)."""
    return _element(
        "copy-config",
        _element("target", _element("startup")),
        _element("source", _element("running")),
    )


def close_session() -> etree._Element:
    """Return ``close-session`` (section 7.8)."""
    return _element("close-session")


def _selection(
    filters: Iterable[etree._Element], with_defaults: str | None
) -> list[etree._Element]:
    selection = _element("filter", *filters)  # an empty one selects nothing (section 6.4.2)
    selection.set("type", "subtree")
    parts = [selection]
    if with_defaults:
        mode = etree.Element(f"{{{WITH_DEFAULTS}}}with-defaults", nsmap=_DEFAULTS_PLAIN)
        mode.text = with_defaults
        parts.append(mode)
    return parts
