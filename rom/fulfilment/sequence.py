"""The order in which a site's items are reserved for and laid into its intents."""

KEY_ORDER = ("bearer", "vlan", "ip", "qos", "sla", "ce")


def sequence(key: str) -> tuple[int, str]:
    """Return a key's place; one that is not named comes last."""
    return (KEY_ORDER.index(key) if key in KEY_ORDER else len(KEY_ORDER), key)
