"""What a transaction's outcome says: whose fault a refusal is, what did not take, what to keep."""

import re
from collections import Counter
from collections.abc import Collection, Mapping

from adapters.errors import Refused
from device_profiles.tree import Path, Tree
from rom.ledger.values import took
from rom.model.plan import SitePlan
from rom.store import effects
from rom.store.database import Connection

_KEY = re.compile(r"='([^']*)'")
_QUOTED = re.compile(r"""['"]([^'"]+)['"]""")


def named_site(plans: Mapping[str, SitePlan], error: Refused) -> str | None:
    """Return the one site whose own entries the device's refusal names, ``None`` if not just one.

    Names are the key values of the entries a site's edits touch and no other site's do.
    """
    said = set(_QUOTED.findall(error.path) or _QUOTED.findall(error.words))
    names = {
        site: {name for edit in plan.edits for step in edit.path for name in _KEY.findall(step)}
        for site, plan in plans.items()
    }
    common = Counter(name for known in names.values() for name in known)
    hit = [site for site, known in names.items() if any(common[name] == 1 for name in known & said)]
    return hit[0] if len(hit) == 1 else None


def proof_scope(plans: Collection[SitePlan], own: Collection[Path]) -> frozenset[Path]:
    """Return what to read back: all that is the sites' own, and what was edited besides."""
    return frozenset({*own, *(edit.path for plan in plans for edit in plan.edits)})


def mismatches(plan: SitePlan, shown: Tree) -> list[str]:
    """Return what the device shows otherwise than it was sent, in words."""
    return [
        f"{'/'.join(edit.path)} is {shown.get(edit.path)!r}"
        for edit in plan.edits
        if not took(edit.after, shown.get(edit.path))
    ]


def keep_plans(
    connection: Connection,
    transaction: str,
    device: str,
    plans: Collection[SitePlan],
    shown: Tree,
) -> None:
    """Carry what took effect of plans into the ledger's net effects and ownerships."""
    made = {item.root for plan in plans for item in plan.claims if item.root in plan.created}
    for plan in plans:
        effects.keep_claims(connection, device, plan, made)
    for plan in plans:
        taken = {edit.path for edit in plan.edits if took(edit.after, shown.get(edit.path))}
        over = [entry for entry in plan.overtaken if entry[0] in taken]
        effects.relink(connection, device, plan.site, over)
        effects.keep_effects(connection, transaction, device, plan.site, taken, shown)
        effects.keep_releases(connection, device, plan)
