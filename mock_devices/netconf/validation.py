"""What only the whole configuration can answer, checked by what changed since."""

from collections.abc import Iterator

from mock_devices.netconf.bare_tree import BareTree
from mock_devices.netconf.changes import Changes, changes_between
from mock_devices.netconf.errors import InvalidConfigurationError, RpcError
from mock_devices.netconf.expressions import expression
from mock_devices.netconf.lookup import Lookup
from mock_devices.netconf.references import Counts, broken_references
from mock_devices.netconf.rules import broken_rules
from mock_devices.netconf.schema import Instance, ListSchema, Schema
from mock_devices.netconf.tree import EMPTY, Container
from mock_devices.netconf.uniqueness import doubles


class Validator:
    """Judges candidates of one device by its running configuration, which is known to be valid."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._counts = Counts()
        self._bare = BareTree(schema)
        self._running = EMPTY
        self._checked: tuple[Container, Changes] | None = None
        """The state last found valid, since a validate is mostly followed by its commit."""
        lists = (node for node in schema.root.descendants() if isinstance(node, ListSchema))
        self._unique_lists = [node for node in lists if node.uniques]

    def check(self, state: Container) -> Changes:
        """Return what ``state`` changes.

        Raises ``InvalidConfigurationError`` with everything that is wrong.
        """
        known = self._known(state)
        if known is not None:
            return known
        changes = changes_between(self._schema.root, self._running, state)
        lookup = Lookup(state)
        errors = [
            *broken_references(self._schema, self._counts, changes, state, lookup),
            *doubles(self._schema, self._unique_lists, lookup),
            *broken_rules(self._schema, changes),
            *self._broken_device_rules(state),
        ]
        if errors:
            raise InvalidConfigurationError(errors)
        self._checked = (state, changes)
        return changes

    def _broken_device_rules(self, state: Container) -> Iterator[RpcError]:
        """Yield a refusal per element that breaks a rule over the whole configuration."""
        if not self._schema.rules:
            return
        root = self._bare.of(state)
        where = Instance(self._schema.root)
        for rule in self._schema.rules:
            for element in expression(rule.each).nodes(root):
                if expression(rule.that).holds(element, each=[element]):
                    continue
                text = next((part.strip() for part in element.itertext() if part.strip()), "")
                message = self._schema.message(
                    "must-violation", where, rule.message.format(each=text)
                )
                yield RpcError("operation-failed", message, app_tag="must-violation", where=where)

    def accept(self, state: Container) -> Changes:
        """Make ``state`` the running configuration and return what that changes."""
        changes = self._known(state) or changes_between(self._schema.root, self._running, state)
        self._checked = None
        self._counts.add(changes)
        self._running = state
        return changes

    def _known(self, state: Container) -> Changes | None:
        if self._checked is None or self._checked[0] is not state:
            return None
        return self._checked[1]
