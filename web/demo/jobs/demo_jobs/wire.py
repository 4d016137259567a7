"""What the models of inputs and outputs have in common: camelCase outside, snake_case in Python."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """A value that goes over the wire; Python may use either kind of name."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
