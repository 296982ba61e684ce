"""YANG data in XML (RFC 7950, RFC 6241) to canonical trees and back.

What no schema in the profile describes is decoded by its shape, and where shape does not tell, as
one opaque node. Modules without a known name keep their namespace in Clark notation,
``{namespace}name``: nothing is lost, and a vendor's own nodes make no device unreadable.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import Any

from lxml import etree

from device_profiles.errors import ProfileError
from device_profiles.models import YangModel
from device_profiles.profile import Profile
from device_profiles.steps import MEMBER, Step, format_step, parse_step, schema_path
from device_profiles.tree import (
    DIGEST_PREFIX,
    OPAQUE_PREFIX,
    PRESENT,
    Edit,
    Path,
    path_text,
    topmost,
)
from device_profiles.values import canonical_value, digest

NETCONF_NAMESPACE = "urn:ietf:params:xml:ns:netconf:base:1.0"
_OPERATION = f"{{{NETCONF_NAMESPACE}}}operation"
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_NamespaceMap = dict[Any, str]  # the stubs leave out the default namespace's key, None


def yang_model(profile: Profile) -> YangModel:
    """Return the profile's YANG model. Raises ProfileError when it has none."""
    if profile.yang is None:
        raise ProfileError(f"profile {profile.name} has no YANG model")
    return profile.yang


def decode(profile: Profile, data: etree._Element) -> dict[Path, str]:
    """Return the tree of everything inside ``data`` (a ``<data>`` or ``<config>`` element).

    Secret values come back as digests, entries without keys and nodes that are repeated though no
    profile knows them as one opaque node.
    """
    return _Decoder(profile).tree(data)


class _Decoder:
    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.model = yang_model(profile)
        self.modules = {namespace: name for name, namespace in self.model.namespaces.items()}
        self.result: dict[Path, str] = {}

    def tree(self, data: etree._Element) -> dict[Path, str]:
        self._children(data, (), "", "")
        return self.result

    def _children(
        self,
        element: etree._Element,
        path: Path,
        schema: str,
        module: str,
        skip: tuple[str, ...] = (),
    ) -> None:
        siblings: dict[Any, list[etree._Element]] = {}
        for child in _elements(element):
            siblings.setdefault(child.tag, []).append(child)
        for same in siblings.values():
            name = etree.QName(same[0])
            owner = self._module(name.namespace)
            if owner == module and name.localname in skip:
                continue
            step = name.localname if owner == module else _qualified(owner, name.localname)
            self._nodes(same, path, step, f"{schema}/{step}", owner)

    def _nodes(
        self, same: list[etree._Element], path: Path, step: str, schema: str, module: str
    ) -> None:
        keys = self.model.lists.get(schema)
        known = keys is not None or schema in self.model.leaf_lists
        # State, and what others have augmented, has lists without keys.
        bare = keys and [each for each in same if not _has(each, keys)]
        if bare or (len(same) > 1 and not known):
            self.result[*path, step] = opaque(bare or same)
            same = [each for each in same if bare and each not in bare]
        for each in same:
            self._node(each, path, step, schema, module)

    def _node(
        self,
        element: etree._Element,
        path: Path,
        step: str,
        schema: str,
        module: str,
    ) -> None:
        model = self.model
        if schema in model.lists:
            self._entry(element, path, step, schema, module)
        elif schema in model.leaf_lists:
            value = self._value(element, schema)
            self.result[*path, format_step(step, [(MEMBER, value)])] = PRESENT
        elif schema in model.presence:
            self.result[*path, step] = PRESENT
            self._children(element, (*path, step), schema, module)
        elif next(_elements(element), None) is not None:
            self._children(element, (*path, step), schema, module)
        elif element.text:
            self._leaf(element, (*path, step), schema)

    def _entry(
        self, element: etree._Element, path: Path, step: str, schema: str, module: str
    ) -> None:
        names = self.model.lists[schema]
        keys = [
            (name, self._value(leaf, f"{schema}/{name}"))
            for name in names
            if (leaf := _leaf_of(element, name)) is not None
        ]
        entry = (*path, format_step(step, keys))
        self.result[entry] = PRESENT
        self._children(element, entry, schema, module, skip=names)

    def _leaf(self, element: etree._Element, path: Path, schema: str) -> None:
        value = self._value(element, schema)
        self.result[path] = digest(value) if self.profile.is_secret(path) else value

    def _value(self, element: etree._Element, schema: str) -> str:
        text = element.text or ""
        if schema in self.model.identityrefs:
            return self._identity(element, text.strip())
        return canonical_value(self.model.values.get(schema), text)

    def _identity(self, element: etree._Element, text: str) -> str:
        prefix, colon, name = text.rpartition(":")
        namespace = element.nsmap.get(prefix if colon else None)
        # With a prefix that nobody has declared the text itself is all there is to be known.
        return text if namespace is None else _qualified(self._module(namespace), name)

    def _module(self, namespace: str | None) -> str:
        """Return the module's name, or the namespace in braces where the profile has no name."""
        return self.modules.get(namespace or "", f"{{{namespace or ''}}}")


def _qualified(module: str, name: str) -> str:
    return f"{module}{name}" if module.startswith("{") else f"{module}:{name}"


def opaque(elements: Iterable[etree._Element]) -> str:
    """Return the value of nodes that nobody here can read: the same as long as they are."""
    hashed = sha256()
    for element in elements:
        hashed.update(etree.tostring(element, method="c14n", exclusive=True, with_tail=False))
    return f"{OPAQUE_PREFIX}{hashed.hexdigest()}"


def _has(entry: etree._Element, keys: Iterable[str]) -> bool:
    return all(_leaf_of(entry, name) is not None for name in keys)


def _leaf_of(entry: etree._Element, name: str) -> etree._Element | None:
    return entry.find(f"{{{etree.QName(entry).namespace}}}{name}")


def _elements(element: etree._Element) -> Iterator[etree._Element]:
    """Iterate over child elements only: comments and processing instructions hold no data."""
    return element.iterchildren(tag="*")


class _Builder:
    """Grows elements below a root, one per path, with ancestors and their keys."""

    def __init__(self, profile: Profile, root: etree._Element) -> None:
        self.profile = profile
        self.model = yang_model(profile)
        self.root = root
        self._built: dict[Path, etree._Element] = {}

    def element(self, path: Path) -> etree._Element:
        """Return the element at ``path``, made with all ancestors where it is missing."""
        if not path:
            return self.root
        if path not in self._built:
            parent = self.element(path[:-1])
            step = parse_step(path[-1])
            element = self._child(parent, step.name, path)
            for key, value in step.keys:
                if key == MEMBER:
                    element = self._with_text(element, schema_path(path), value)
                else:
                    leaf = self._child(element, key, path)
                    self._with_text(leaf, f"{schema_path(path)}/{key}", value)
            self._built[path] = element
        return self._built[path]

    def leaf(self, path: Path, value: str) -> etree._Element:
        """Return the element at ``path`` with ``value`` as its text."""
        return self._with_text(self.element(path), schema_path(path), value)

    def _child(self, parent: etree._Element, name: str, path: Path) -> etree._Element:
        namespace, local = self._name(parent, name, path)
        own: _NamespaceMap = {None: namespace}
        return etree.SubElement(parent, f"{{{namespace}}}{local}", nsmap=own)

    def _name(self, parent: etree._Element, name: str, path: Path) -> tuple[str, str]:
        if name.startswith("{"):
            namespace, _, local = name[1:].partition("}")
        elif ":" in name:
            module, _, local = name.partition(":")
            namespace = self._namespace(module, path)
        else:
            namespace, local = etree.QName(parent).namespace or "", name
        if not _NAME.fullmatch(local):
            raise ProfileError(f"{path_text(path)}: {local!r} is no name")
        return namespace, local

    def _namespace(self, module: str, path: Path) -> str:
        if module not in self.model.namespaces:
            raise ProfileError(
                f"{path_text(path)}: profile {self.profile.name} has no namespace for {module}"
            )
        return self.model.namespaces[module]

    def _with_text(self, element: etree._Element, schema: str, value: str) -> etree._Element:
        if schema in self.model.identityrefs:
            element, value = self._with_identity(element, value, schema)
        try:
            element.text = value
        except ValueError as error:
            raise ProfileError(f"{schema}: the value holds characters XML cannot") from error
        return element

    def _with_identity(
        self, element: etree._Element, value: str, schema: str
    ) -> tuple[etree._Element, str]:
        """Return the element that declares the identity's module, and the text to put in it.

        lxml fixes an element's declarations when it is made and drops one that repeats the
        default namespace, so identities of that namespace are written without a prefix.
        """
        module, _, name = value.partition(":")
        parent = element.getparent()
        if parent is None or module not in self.model.namespaces:
            raise ProfileError(f"{schema}: identity of unknown module {module!r}")
        namespace = self.model.namespaces[module]
        if element.nsmap.get(None) == namespace:
            return element, name
        declared: _NamespaceMap = {**element.nsmap, module: namespace}
        replacement = etree.SubElement(parent, element.tag, nsmap=declared)
        parent.replace(element, replacement)
        return replacement, value


def encode_edit(profile: Profile, edits: Collection[Edit]) -> etree._Element:
    """Return the ``<config>`` element of an edit-config that makes ``edits`` (RFC 6241, 7.2).

    Values are merged; removals collapse to the topmost removed node, written as
    ``nc:operation="remove"`` so that sending it twice is harmless. A removed leaf carries its
    present value, without which some servers refuse it as badly typed. Secret references stay
    references. Raises ProfileError for what cannot be expressed.
    """
    root = etree.Element(f"{{{NETCONF_NAMESPACE}}}config", nsmap={"nc": NETCONF_NAMESPACE})
    builder = _Builder(profile, root)
    removed = {edit.path: edit.before for edit in edits if edit.after is None}
    tops = topmost(removed)
    _refuse_contradictions(edits, tops)
    for path in tops:
        _remove(builder, path, removed[path])
    for edit in sorted(edits, key=lambda edit: edit.path):
        if edit.after is not None:
            _set(builder, edit.path, edit.after)
    return root


def _set(builder: _Builder, path: Path, value: str) -> None:
    step, schema = parse_step(path[-1]), schema_path(path)
    if value.startswith(OPAQUE_PREFIX):
        raise ProfileError(f"{path_text(path)}: what nobody can read cannot be written")
    if value != PRESENT:
        if step.keys:
            raise ProfileError(f"{path_text(path)}: a list entry has no value of its own")
        builder.leaf(path, value)
    elif _may_be_empty(builder.model, step, schema):
        builder.element(path)
    else:
        raise ProfileError(f"{path_text(path)}: nothing that may be there without a value")


def _may_be_empty(model: YangModel, step: Step, schema: str) -> bool:
    if step.member is not None:
        return schema in model.leaf_lists
    if step.keys:
        return tuple(key for key, _ in step.keys) == model.lists.get(schema)
    return schema in model.presence


def _remove(builder: _Builder, path: Path, before: str | None) -> None:
    if before and not before.startswith(DIGEST_PREFIX):
        element = builder.leaf(path, before)
    else:
        element = builder.element(path)
    element.set(_OPERATION, "remove")


def _refuse_contradictions(edits: Iterable[Edit], removed: Collection[Path]) -> None:
    gone = set(removed)
    for edit in edits:
        if edit.after is None:
            continue
        for length in range(1, len(edit.path)):
            if edit.path[:length] in gone:
                raise ProfileError(
                    f"{path_text(edit.path)}: set below {path_text(edit.path[:length])}, "
                    "which is removed"
                )


def encode_filter(profile: Profile, scope: Collection[Path]) -> list[etree._Element]:
    """Return the children of a subtree filter (RFC 6241 section 6) for the paths in ``scope``.

    A path to a list entry selects the whole entry, a path to a leaf that leaf and its ancestors'
    keys; a leaf-list member selects its leaf-list, from which the reader takes the member.
    """
    root = etree.Element(f"{{{NETCONF_NAMESPACE}}}filter")
    builder = _Builder(profile, root)
    for path in topmost(_selectable(path) for path in scope):
        builder.element(path)
    return list(root)


def encode_selection(profile: Profile, leaves: Collection[str]) -> list[etree._Element]:
    """Return the children of a subtree filter for these leaves of every entry, whatever its keys.

    ``leaves`` are schema paths; one that is a list selects its keys. The keys of all entries on
    the way are selected with them (RFC 6241 section 6.2.5).
    """
    root = etree.Element(f"{{{NETCONF_NAMESPACE}}}filter")
    builder = _Builder(profile, root)
    for leaf in sorted(leaves):
        path = tuple(leaf.removeprefix("/").split("/"))
        for length in range(1, len(path) + 1):
            builder.element(path[:length])
            for key in builder.model.lists.get(schema_path(path[:length]), ()):
                builder.element((*path[:length], key))
    return list(root)


def _selectable(path: Path) -> Path:
    step = parse_step(path[-1])
    return (*path[:-1], step.name) if step.member is not None else path
