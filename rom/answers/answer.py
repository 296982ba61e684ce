"""What all answers have in common."""

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, JsonValue


class Answer(BaseModel):
    """One JSON object that leaves the gateway; a member that was not given is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def on_the_wire(self, without: Collection[str] = ()) -> dict[str, JsonValue]:
        """Return the answer as JSON has it."""
        found: dict[str, JsonValue] = self.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude=set(without)
        )
        return found
