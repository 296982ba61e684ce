"""A misspelt word or attribute in the engine does not get past the type checker."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PLANTED = """
from rom.model.change import CHANGE_LIFE, Change, ChangeState
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.snapshot import Moment
from rom.model.task import RollbackTask, TaskState
from rom.model.transaction import DeviceTransaction, TransactionState
from rom.store import changes, order_items, snapshots, transactions
from rom.store.database import Connection


def planted(
    connection: Connection,
    item: Item,
    change: Change,
    transaction: DeviceTransaction,
    task: RollbackTask,
) -> None:
    {mistake}
"""

MISTAKES = {
    "an attribute that there is not": "print(item.stepp)",
    "a step as text": 'print(item.step == "qeued")',
    "a step as text, the other way round": 'print("queued" == item.step)',
    "a state as text": 'print(change.state != "bloked")',
    "a state that there is not": "print(change.state is ChangeState.BLOKED)",
    "a state of another life": "print(change.state == TransactionState.SENT)",
    "an arrow between two lives": "CHANGE_LIFE.check(ChangeState.WAITING, TransactionState.SENT)",
    "a written state as text": 'order_items.step_item(connection, item, state="held")',
    "a written step as text": 'order_items.step_item(connection, item, step="queud")',
    "a kind as text": 'changes.request(connection, device="d", site="s", kind="aply")',
    "an action as text": 'print(item.action == "ad")',
    "a moment as text": 'snapshots.hashes(connection, "s", "t")["befor"]',
    "a transaction's state as text": 'transactions.mark(connection, "t", "comitted")',
    "a task's state as text": 'print(task.state == "inProgres")',
    "a noun that is written to": "item.state = ItemState.HELD",
    "a repository's own row": "print(item._mapping)",
}


def checked(folder: Path, statement: str) -> tuple[int, str]:
    file = folder / "planted.py"
    file.write_text(PLANTED.replace("{mistake}", statement), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - our own interpreter on our own file
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(600)
def test_the_type_checker_refuses_each_planted_mistake(tmp_path: Path) -> None:
    """All of them stand in one file, so that the checker runs once."""
    body = "\n    ".join(MISTAKES.values())
    code, said = checked(tmp_path, body)
    assert code == 1, said
    first = PLANTED.split("\n").index("    {mistake}") + 1
    lines = {int(line.split(":")[1]) for line in said.split("\n") if ": error:" in line}
    unseen = [name for number, name in enumerate(MISTAKES, start=first) if number not in lines]
    assert unseen == [], said


@pytest.mark.timeout(600)
def test_what_is_spelt_right_passes(tmp_path: Path) -> None:
    statement = "print(item.step is Step.QUEUED, item.action == Action.ADD, Moment.BEFORE)"
    more = "print(TaskState.DONE, ItemState.HELD, change.state, transaction.id, task.id)"
    code, said = checked(tmp_path, f"{statement}\n    {more}")
    assert code == 0, said
