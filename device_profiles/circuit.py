"""The circuit-id by which DHCP and RADIUS know a site's line, as its platform writes it."""

from collections.abc import Mapping
from typing import Any

from device_profiles.environment import render_text
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile


def circuit_id(profile: Profile, context: Mapping[str, Any]) -> str | None:
    """Return the circuit-id that a device of this platform inserts, ``None`` before it can be.

    ``context`` is what templates see: ``customer`` and ``res`` at least. Raises ProfileError for
    a platform that inserts none, an undefined name or a refused value.
    """
    form = profile.circuit_id
    if form is None:
        raise ProfileError(f"profile {profile.name} has no circuit_id: it inserts no option 82")
    reserved: Mapping[str, Any] = context.get("res", {})
    if any(name not in reserved for name in form.needs):
        return None
    full = {**context, "tables": profile.tables}
    return render_text(form.text, full, f"profile {profile.name}: circuit_id")
