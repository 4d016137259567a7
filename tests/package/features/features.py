"""A job for each way that pydantic has to say what a value is."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr, computed_field

from durably import Blob, Step, job, query

T = TypeVar("T")


class Color(enum.Enum):
    """A colour."""

    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Fields(BaseModel):
    """Fields of every kind.

    A line of more, with a */ in it.
    """

    needed: str = Field(description="It has to be there.")
    optional: int | None = None
    default: bool = True
    literal: Literal["a", "b"] = "a"
    color: Color = Color.RED
    level: Level = Level.LOW
    anything: Any = None
    limited: Annotated[list[int], Field(max_length=5)] = Field(default_factory=list)


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    name: str


class Node(BaseModel):
    value: int
    children: list[Node] = Field(default_factory=list)


class Times(BaseModel):
    day: dt.date
    moment: dt.datetime
    clock: dt.time
    span: dt.timedelta


class Kept(BaseModel):
    data: bytes
    amount: Decimal
    id: UUID
    file: Blob
    files: list[Blob] = Field(default_factory=list)


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int


class Aliased(BaseModel):
    first_name: str = Field(alias="firstName")
    odd: int = Field(alias="my-field")


class Words(RootModel[list[str]]):
    pass


class Box(BaseModel):
    width: int
    height: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        """How much it covers."""
        return self.width * self.height


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    x: int


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    x: int


@dataclass
class Point:
    x: float
    y: float = 0.0


class Options(TypedDict, total=False):
    verbose: bool
    depth: int


class Pair(NamedTuple):
    left: int
    right: str


@job
async def fields(step: Step, input: Fields) -> Fields:
    """Take every kind of field."""
    return input


@job
async def discriminated(
    step: Step, input: Annotated[Cat | Dog, Field(discriminator="kind")]
) -> list[Annotated[Cat | Dog, Field(discriminator="kind")]]:
    return [input]


@job
async def recursive(step: Step, input: Node) -> Node:
    return input


@job
async def tuples(step: Step, input: tuple[int, str]) -> tuple[bool, ...]:
    return (True,)


@job
async def dicts(step: Step, input: dict[str, int]) -> dict[int, list[str]]:
    return {}


@job
async def times(step: Step, input: Times) -> Times:
    return input


@job
async def kept(step: Step, input: Kept) -> Kept:
    return input


@job
async def generic(step: Step, input: Page[int]) -> Page[Cat]:
    return Page(items=[], total=0)


@job
async def aliased(step: Step, input: Aliased) -> Aliased:
    return input


@job
async def root_model(step: Step, input: Words) -> Words:
    return input


@job
async def computed(step: Step, input: Box) -> Box:
    return input


@job
async def closed(step: Step, input: Closed) -> Open:
    return Open(x=1)


@job
async def from_dataclass(step: Step, input: Point) -> Point:
    return input


@job
async def typed_dict(step: Step, input: Options) -> Options:
    return input


@job
async def named_tuple(step: Step, input: Pair) -> Pair:
    return input


@job
async def plain(step: Step, input: int) -> str | None:
    return None


@job
async def ambiguous(step: Step, input: bytes | str) -> bytes | str:
    return input


@job
async def lookalikes(step: Step, input: Closed | Open) -> Closed | Open:
    return input


@job
async def secret(step: Step, input: str) -> int:
    return len(SecretStr(input))


@job
async def nothing(step: Step) -> None:
    return None


@job
async def untyped(step: Step, input):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    return input


@job(name="has-a-default")
async def with_default(step: Step, n: int = 3) -> float:
    return float(n)


@query
def delete_nothing(input: Fields) -> set[str]:
    """Ask for nothing."""
    return set()


@query
def ask() -> frozenset[Color]:
    return frozenset()
