"""What all answers have in common."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """One JSON object that leaves the gateway; a member that was not given is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
