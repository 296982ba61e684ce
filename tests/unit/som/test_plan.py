from pathlib import Path

import pytest

from api.cli.som import PLAN
from api.som.plan import PlanError, load_plan


def write(place: Path, text: str) -> Path:
    file = place / "plan.yaml"
    file.write_text(text)
    return file


def test_the_plan_that_comes_along_names_the_five_branches_in_three_waves() -> None:
    plan, texts = load_plan(PLAN)
    assert [wave.name for wave in plan.waves] == ["pilot", "wave 1", "wave 2"]
    assert len(texts) == 4
    assert all(text.startswith(b"{") for text in texts.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "no YAML"),
        ("name: x\nwaves: []", "waves"),
        ("name: x\nwaves: [{name: a, orders: []}]", "waves.0.orders"),
        (
            "name: x\nwaves: [{name: a, orders: [o.json], completedPercent: 101}]",
            "waves.0.completedPercent",
        ),
        ("name: x\nwaves: [{name: a, orders: [o.json], percent: 1}]", "waves.0.percent"),
        ("name: x\nwaves: [{name: a, orders: [o.json, o.json]}]", "o.json is named twice"),
        ("name: x\nwaves: [{name: a, orders: [o.json]}]", "o.json cannot be read"),
    ],
)
def test_a_plan_that_cannot_be_played_is_refused_with_the_field(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        load_plan(write(tmp_path, text))
