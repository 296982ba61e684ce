"""The one way to say that an order is not taken."""


class OrderRefused(ValueError):
    """An order that breaks a rule: where, why, and what to send instead.

    ``field`` is a path such as ``orderItem[2].resource.resourceCharacteristic[downstream]``,
    indices from 0; empty for the whole body.
    """

    def __init__(self, field: str, reason: str, fix: str) -> None:
        self.field = field
        self.reason = reason
        self.fix = fix
        super().__init__(f"{field}: {reason}; {fix}" if field else f"{reason}; {fix}")
