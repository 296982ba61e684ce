from typing import Any

import pytest
from pydantic import ValidationError

from device_profiles.defaults import filled
from device_profiles.dialects import CliDialect, ConfigurationMode
from device_profiles.profile import load_profile, profiles
from device_profiles.tree import PRESENT

MODE = {"enter": "configure terminal", "leave": "end", "up": "exit"}
CLI: dict[str, Any] = {
    "library": "netmiko",
    "platform": "cisco_ios",
    "prompt": r"[\w.-]+(?:\((?P<mode>[\w-]+)\))?(?:>|(?P<privileged>#))",
    "configuration": MODE,
    "show": "show running-config",
    "refuses": ["%.*"],
}


def test_a_dialect_needs_little_more_than_its_library_prompt_and_configuration_mode() -> None:
    dialect = CliDialect.model_validate(CLI)
    assert (dialect.save, dialect.privilege, dialect.session) == (None, None, ())
    assert dialect.silent


@pytest.mark.parametrize(
    ("changes", "field", "mend"),
    [
        ({"library": "telnetlib"}, "library", "netmiko"),
        ({"prompt": r"\w+#"}, "prompt", "mode"),
        ({"prompt": r"(?P<mode>)("}, "prompt", "no regular expression"),
        ({"session": ["terminal length 0\nreload"]}, "session", "pattern"),
        ({"show": ""}, "show", "1 character"),
        ({"configuration": {"enter": "configure"}}, "configuration.leave", "required"),
        ({"configuration": {**MODE, "timed": "configure revert {minutes}"}}, "configuration",
         "all three or none"),
        ({"configuration": {**MODE, "timed": "now", "confirm": "c", "revert": "r"}},
         "configuration", "{minutes} or {seconds}"),
        ({"save": {"line": "write"}}, "save.works", "required"),
        ({"save": {"line": "write", "works": "["}}, "save.works", "no regular expression"),
        ({"privilege": {"line": "enable", "asks": "(Pass)word"}}, "privilege.asks", "(?:...)"),
        ({"refuses": ["*"]}, "refuses", "no regular expression"),
        ({"warns": ["("]}, "warns", "no regular expression"),
        ({"confirmations": ["["]}, "confirmations", "no regular expression"),
        ({"pager": "("}, "pager", "no regular expression"),
        ({"colour": "blue"}, "colour", "Extra inputs"),
    ],
)  # fmt: skip
def test_a_wrong_dialect_is_refused_with_the_field_and_the_mend(
    changes: dict[str, Any], field: str, mend: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        CliDialect.model_validate(CLI | changes)
    found = caught.value.errors(include_url=False)[0]
    assert ".".join(str(part) for part in found["loc"] if isinstance(part, str)).startswith(field)
    assert mend in found["msg"]


def test_a_whole_revert_timer_is_taken() -> None:
    timed = {"timed": "configure terminal revert timer {minutes}", "confirm": "c", "revert": "r"}
    assert ConfigurationMode.model_validate(MODE | timed).confirm == "c"


@pytest.mark.parametrize("name", profiles())
def test_platforms_that_speak_a_protocol_of_many_dialects_name_theirs(name: str) -> None:
    profile = load_profile(name)
    spoken = profile.dialect.driver if profile.dialect else None
    assert spoken == (profile.driver if profile.driver in ("cli", "netconf") else None)


PORT = ("if:interfaces", "interface[name='1']")
ENABLED = "/if:interfaces/interface/enabled"


def test_a_leaf_that_is_left_out_has_its_default_where_its_parent_is() -> None:
    tree = {PORT: PRESENT, ("if:interfaces", "interface[name='2']", "enabled"): "false"}
    assert filled(tree, {ENABLED: "true"}) == {**tree, (*PORT, "enabled"): "true"}
    assert filled({}, {ENABLED: "true"}) == {}
    assert filled(tree, {}) == tree
