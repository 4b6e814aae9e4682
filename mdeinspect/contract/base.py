"""What the models of every event are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

SeverityWord = Literal["info", "low", "medium", "high", "critical"]
Time = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        description="RFC 3339, UTC, milliseconds",
    ),
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the bytes")]
Count = Annotated[int, Field(ge=0)]
Absent = SkipJsonSchema[None]  # for a key that may be left out, and is never null


class Strict(BaseModel):
    """No key that is not named, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Cut(Strict):
    """Stands for a list or an object that was too large; the event has `truncated` then."""

    truncated: Literal[True]
    digest: str = Field(
        pattern=r"^sha256:[0-9a-f]{12}$", description="Of what was cut: equal for equal values"
    )
    start: str = Field(description="How it began, as JSON")


class Data(Strict):
    """What every event may say in its data."""

    blind_since: Time | Absent = Field(
        default=None,
        description="Since when nothing could be committed: the event tells a net change",
    )
