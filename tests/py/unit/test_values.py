"""The rule of values: what comes back equals what was given, or it is refused with its path."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pydantic.dataclasses
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Json,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    computed_field,
)
from typing_extensions import TypedDict

from durably import NotSerializableError, ValidationError
from durably.annotations import UNTYPED
from durably.changes import first_change
from durably.codec import codec_for

try:
    BERLIN: ZoneInfo | None = ZoneInfo("Europe/Berlin")
except KeyError:  # a Python without a database of zones, as in the browser
    BERLIN = None

in_berlin = pytest.mark.cpython_only
T = TypeVar("T")


class Colour(Enum):
    """An enum of text."""

    RED = "red"


class Size(StrEnum):
    """An enum that is text."""

    BIG = "big"


class Level(IntEnum):
    """An enum that is a number."""

    LOW = 1


class Shape(BaseModel):
    """A model with subclasses."""

    name: str


class Circle(Shape):
    """One of them."""

    radius: float


class Sum(BaseModel):
    """A model with a computed field, which every model may have."""

    a: int
    b: int = 2

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """Return the sum."""
        return self.a + self.b


class StrictSum(Sum):
    """The same, knowing no other keys."""

    model_config = ConfigDict(extra="forbid")


class OpenSum(Sum):
    """The same, taking any other key."""

    model_config = ConfigDict(extra="allow")


class CachedSum(BaseModel):
    """A computed field that is kept once it was asked for."""

    a: int

    @computed_field  # type: ignore[prop-decorator]
    @functools.cached_property
    def double(self) -> int:
        """Return twice the number."""
        return 2 * self.a


class Renamed(BaseModel):
    """A model that is written under another name than it is read by."""

    n: int = Field(0, serialization_alias="number")
    m: int = Field(0, validation_alias="em", serialization_alias="m-out")


class Excluded(BaseModel):
    """A model that leaves a part of it out."""

    shown: int = 1
    hidden: int = Field(0, exclude=True)


class Private(BaseModel):
    """A model with a part that is nobody's business."""

    n: int = 1
    _token: str = PrivateAttr("")


class Measured(BaseModel):
    """Numbers that may be none, and bytes."""

    number: float | None = 0.0
    raw: bytes = b""
    either: str | bytes = ""
    many: dict[str, float] = {}


class Hex(BaseModel):
    """A model that says itself how its bytes are written."""

    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")

    raw: bytes


class Node(BaseModel):
    """A model within itself."""

    raw: bytes = b""
    at: datetime | str | None = None
    children: list[Node] = []


class Box(BaseModel, Generic[T]):
    """A generic model."""

    item: T


class Cat(BaseModel):
    """A member of a union that has a discriminator."""

    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    """The other one."""

    kind: Literal["dog"] = "dog"
    lives: int = 1


class A(BaseModel):
    """A model that another one looks like."""

    n: int = 0


class B(BaseModel):
    """The other one."""

    n: int = 0


class Items(RootModel[list[bytes]]):
    """A model that is a list."""


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    y: bytes = b""


@dataclasses.dataclass
class Counted:
    """A dataclass with a field that nobody gives."""

    x: int
    seen: int = dataclasses.field(init=False, default=0)


@pydantic.dataclasses.dataclass
class Checked:
    """A dataclass of pydantic's."""

    x: float


class Pair(NamedTuple):
    """A named tuple."""

    a: int
    b: bytes


class Options(TypedDict):
    """A typed dict."""

    a: int


class OpenOptions(TypedDict):
    """A typed dict that passes over what it does not know, by its own word."""

    __pydantic_config__ = ConfigDict(extra="ignore")  # type: ignore[misc]

    a: int


def seen(counted: Counted, times: int) -> Counted:
    """Return a dataclass that has been worked with."""
    counted.seen = times
    return counted


def with_token(private: Private, token: str) -> Private:
    """Return a model whose private part is set."""
    private._token = token
    return private


def asked(cached: CachedSum) -> CachedSum:
    """Return a model whose computed field was read."""
    assert cached.double == 2 * cached.a
    return cached


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (float, math.nan),
        (float, -math.inf),
        (float, -0.0),
        (list[float | None], [math.nan, None, math.inf]),
        (dict[str, float], {"a": math.nan}),
        (float | str, math.nan),
        (float | str, "NaN"),
        (Measured, Measured(number=math.nan, many={"x": -math.inf})),
        (bytes, b"\xff\x00"),
        (bytes, "ä".encode()),
        (list[bytes], [b"\xff"]),
        (str | bytes, b"abc"),
        (str | bytes, "YWJj"),
        (bytes | str | None, b"\xff"),
        (Measured, Measured(raw=b"\x00\xff", either=b"\x80")),
        (Measured, Measured(either="text")),
        (Hex, Hex(raw=b"\x01\xff")),
        (Items, Items([b"\xff"])),
        (Node, Node(raw=b"\xff", children=[Node(raw=b"\xfe"), Node(at="2026-01-01T00:00:00Z")])),
        (Node, Node(at=datetime(2026, 1, 1, tzinfo=UTC))),
        (list[Node], [Node(children=[Node(at="x")])]),
        (Box[bytes], Box[bytes](item=b"\xff")),
        (Point, Point(1, b"\xff")),
        (Checked, Checked(math.inf)),
        (Pair, Pair(1, b"\xff")),
        (str | Colour, Colour.RED),
        (str | Colour, "red"),
        (Size | str, "big"),
        (Size | str, Size.BIG),
        (int | Level, Level.LOW),
        (A | B, B(n=1)),
        (A | B, A(n=1)),
        (list[A | B], [B(), A()]),
        (Cat | Dog, Dog()),
        (Annotated[Cat | Dog, Field(discriminator="kind")], Dog()),
        (list[int] | set[int], {1}),
        (list[int] | tuple[int, ...], (1, 2)),
        (date | str, "2026-01-01"),
        (date | str, date(2026, 1, 1)),
        (datetime | date, date(2026, 1, 1)),
        (Decimal | float | int, Decimal("1.50")),
        (Decimal | float | int, 1.5),
        (UUID | str, str(UUID(int=5))),
        (int | str | None, "1"),
        (bool | int | float, 1.0),
        (dict[str, int] | A, {"n": 1}),
        (dict[str, int] | A, A(n=1)),
        (timedelta | float, timedelta(seconds=1)),
        (Sum, Sum(a=1)),
        (list[Sum], [Sum(a=1, b=5)]),
        (StrictSum, StrictSum(a=1)),
        (OpenSum, OpenSum.model_validate({"a": 1, "more": "x"})),
        (CachedSum, asked(CachedSum(a=2))),
        (Renamed, Renamed(n=3)),
        (Excluded, Excluded(shown=2)),
        (Private, Private(n=2)),
        (Counted, Counted(1)),
        (dict[int, str], {1: "a", 2: "b"}),
        (dict[Colour, int], {Colour.RED: 1}),
        (dict[bool, int], {True: 1}),
        (dict[UUID, date], {UUID(int=1): date(2026, 1, 1)}),
        (defaultdict[str, int], defaultdict(int, {"a": 1})),
        (OrderedDict[str, int], OrderedDict(a=1)),
        (deque[int], deque([1, 2])),
        (Counter[str], Counter("aab")),
        (set[float], {1.0, 2.5}),
        (frozenset[bytes], frozenset({b"\xff"})),
        (complex, 1 + 2j),
        (Decimal, Decimal("1.10")),
        (Path, Path("a/b")),
        (re.Pattern[str], re.compile("a+")),
        (datetime, datetime(2026, 3, 28, 9, 0, 0, 123456)),  # noqa: DTZ001 - a naive one
        (datetime, datetime(2026, 3, 28, 9, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        (time, time(9, 30, 1, 5)),
        (Sequence[int], [1, 2]),
        (Iterable[bytes], [b"\xff"]),
        (type(None), None),
    ],
    ids=repr,
)
def test_what_comes_back_equals_what_was_given(declared: Any, value: Any) -> None:
    """Law 2, in type and content, live and in replay."""
    codec = codec_for(declared)

    text, settled = codec.settle("step 's'", value)

    assert first_change(value, settled, strict=True) is None
    assert first_change(value, codec.decode(text), strict=True) is None
    assert codec.kept_text("the input", codec.parse("the input", value)) == text


@pytest.mark.parametrize(
    ("declared", "value", "path", "reason"),
    [
        (Shape, Circle(name="c", radius=2), (), "Circle would come back as"),
        (list[Shape], [Shape(name="s"), Circle(name="c", radius=2)], (1,), "would come back as"),
        (dict[str, Shape], {"a": Circle(name="c", radius=2)}, ("a",), "would come back as"),
        (Box[Shape], Box[Shape](item=Circle(name="c", radius=2)), ("item",), "would come back as"),
        (SecretStr, SecretStr("s3cret"), (), "hidden or changed"),
        (dict[str, SecretBytes], {"k": SecretBytes(b"s3cret")}, ("k",), "does not read back"),
        (Excluded, Excluded(hidden=5), ("hidden",), "hidden or changed"),
        (Private, with_token(Private(), "s3cret"), ("_token",), "hidden or changed"),
        (Counted, seen(Counted(1), 3), ("seen",), "hidden or changed"),
        (Options, {"a": 1, "more": 2}, ("more",), "Extra"),
        (list[Options], [{"a": 1, "more": 2}], (0, "more"), "Extra"),
        (Shape, {"name": "s", "radius": 2}, ("radius",), "Extra"),
        (StrictSum, {"a": 1, "total": 3, "c": 4}, (), "no field c"),
        (dict[int | str, str], {1: "by number", "1": "by text"}, (1,), "another"),
        (dict[int | str, str], {"a": "by text", 7: "by number"}, (7,), "its key is int"),
        (dict, {1: "by number"}, (1,), "its key is int"),
        (dict[Any, Any], {None: 1, "null": 2}, ("None",), "another"),
        (dict[str, Any], {"a": Decimal(1)}, ("a",), "Decimal would come back as str"),
        (dict[str, Any], {"a": UUID(int=1)}, ("a",), "would come back as str"),
        (dict[str, Any], {"a": [date(2026, 1, 1)]}, ("a", 0), "would come back as str"),
        (dict[str, Any], {"a": {1}}, ("a",), "set would come back as list"),
        (dict[str, Any], {"a": Path("x")}, ("a",), "would come back as str"),
        (dict[str, Any], {"a": Colour.RED}, ("a",), "would come back as str"),
        (dict[str, Any], {"a": Size.BIG}, ("a",), "would come back as str"),
        (dict[str, Any], {"a": A()}, ("a",), "would come back as dict"),
        (dict[str, Any], {"a": timedelta(1)}, ("a",), "would come back as str"),
        (dict[str, Any], {"a": math.nan}, ("a",), "float would come back as str"),
        (dict[str, Any], {"a": b"x"}, ("a",), "bytes would come back as str"),
        (dict[str, Any], {"a": SecretStr("s3cret")}, ("a",), "would come back as str"),
        (Any, {"a": Decimal(1)}, ("a",), "not plain JSON"),
        (UNTYPED, {"a": [1, {"b": {2}}]}, ("a", 1, "b"), "set is not plain JSON"),
        (UNTYPED, {1: "by number", "1": "by text"}, (), "a key must be text"),
        (UNTYPED, [{True: 1, "true": 2}], (0,), "a key must be text"),
        (UNTYPED, {"a": {None: 1}}, ("a",), "a key must be text"),
        (UNTYPED, [Size.BIG], (0,), "is not plain JSON"),
        (UNTYPED, {"a": Level.LOW}, ("a",), "is not plain JSON"),
        (UNTYPED, {"a": math.inf}, ("a",), "JSON has no number inf"),
        (UNTYPED, [Pair(1, b"")], (0,), "is not plain JSON"),
        (UNTYPED, map(int, "12"), (), "map is not plain JSON"),
        (UNTYPED, [OrderedDict(a=1)], (0,), "is not plain JSON"),
    ],
    ids=repr,
)
def test_what_would_change_is_refused_with_its_path(
    declared: Any, value: Any, path: tuple[str | int, ...], reason: str
) -> None:
    """Law 2: as a result and as an input, in the same words, and no secret is in them."""
    codec = codec_for(declared)

    with pytest.raises(NotSerializableError) as caught:
        codec.settle("step 's'", value)
    assert caught.value.problem.path == path
    assert reason in str(caught.value)
    assert "s3cret" not in str(caught.value)

    if not isinstance(value, map):
        with pytest.raises(ValidationError) as refused:
            codec.kept_text("the input", codec.parse("the input", value))
        assert refused.value.problems[0].path == path


@pytest.mark.parametrize(
    ("declared", "make", "read"),
    [
        (list[int], lambda: map(int, ["1", "2"]), [1, 2]),
        (list[int], lambda: (n for n in (1, 2)), [1, 2]),
        (list[tuple[int, str]], lambda: zip([1], ["a"], strict=True), [(1, "a")]),
        (set[int], lambda: filter(None, [0, 1]), {1}),
        (tuple[int, ...], lambda: iter([1, 2]), (1, 2)),
        (list[list[int]], lambda: [map(int, "12"), iter([3])], [[1, 2], [3]]),
        (dict[str, list[int]], lambda: {"a": reversed([1, 2])}, {"a": [2, 1]}),
        (list[bytes], lambda: iter([b"\xff"]), [b"\xff"]),
        (Iterable[int], lambda: map(int, "12"), [1, 2]),
        (Iterable[int], lambda: (1, 2), [1, 2]),
        (list[Shape], lambda: ({"name": n} for n in "ab"), [Shape(name="a"), Shape(name="b")]),
    ],
)
def test_what_can_be_read_once_is_read_once(
    declared: Any, make: Callable[[], Any], read: Any
) -> None:
    """Law 2: what comes of it is kept, and can be read again and again."""
    codec = codec_for(declared)

    text, settled = codec.settle("step 's'", make())

    assert first_change(read, settled, strict=True) is None
    assert first_change(read, codec.decode(text), strict=True) is None
    assert codec.kept_text("the input", codec.parse("the input", make())) == text


@pytest.mark.parametrize(
    ("declared", "value", "read"),
    [
        (Shape, {"name": "s"}, Shape(name="s")),
        (list[int], (1, 2), [1, 2]),
        (float, 1, 1.0),
        (str, Size.BIG, "big"),
        (int, Level.LOW, 1),
        (bytes, bytearray(b"\xff"), b"\xff"),
        (Json[list[int]], "[1, 2]", [1, 2]),
        (Json[list[int]], [1, 2], [1, 2]),
        (OpenOptions, {"a": 1, "more": 2}, {"a": 1}),
        (Sequence[int], (1, 2), [1, 2]),
        (UNTYPED, {"a": (1, ())}, {"a": [1, []]}),
        (StrictSum, {"a": 1, "total": 3}, StrictSum(a=1)),
    ],
    ids=repr,
)
def test_a_declared_type_makes_its_own_of_what_it_takes(
    declared: Any, value: Any, read: Any
) -> None:
    """The same live and in replay; where no type says more, a tuple is a list."""
    codec = codec_for(declared)

    text, settled = codec.settle("step 's'", value)

    assert first_change(read, settled, strict=True) is None
    assert first_change(read, codec.decode(text), strict=True) is None


@in_berlin
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 28, 9, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
        datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")) if BERLIN else None,
    ],
)
def test_a_zone_comes_back(moment: datetime) -> None:
    """Law 2: a day later it is the same hour, also across a change; in models and unions too."""
    for declared in (datetime, datetime | str, datetime | None):
        text, settled = codec_for(declared).settle("step 's'", moment)

        assert first_change(moment, settled) is None, declared
        assert (settled + timedelta(days=1)).utcoffset() == (moment + timedelta(days=1)).utcoffset()
        assert codec_for(declared).decode(text).tzinfo == moment.tzinfo
    node = Node(at=moment)
    assert first_change(node, codec_for(Node).settle("s", node)[1]) is None


@in_berlin
def test_a_zone_is_written_as_rfc_9557_says() -> None:
    """Behind the offset, so that others can read it, and from the page it is read."""
    moment = datetime(2026, 3, 28, 9, tzinfo=BERLIN)

    text, _ = codec_for(datetime).settle("step 's'", moment)

    assert text == '"2026-03-28T09:00:00+01:00[Europe/Berlin]"'
    written = "2026-03-28T09:00:00+01:00[Europe/Berlin]"
    assert codec_for(datetime).parse_json("the input", written).tzinfo == BERLIN
    with pytest.raises(ValidationError, match="no time zone Mars/Base"):
        codec_for(datetime).parse_json("the input", "2026-03-28T09:00:00+01:00[Mars/Base]")


@in_berlin
def test_an_hour_that_a_zone_has_not_is_refused() -> None:
    """The clocks there went from 2 to 3: the time would come back as another."""
    with pytest.raises(NotSerializableError):
        codec_for(datetime).settle("s", datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN))


def test_bytes_from_the_page_are_base64() -> None:
    """Of either alphabet, with or without padding."""
    codec = codec_for(Measured)

    for written in ("+/8=", "-_8=", "-_8"):
        assert codec.parse_json("the input", {"raw": written}).raw == b"\xfb\xff"
    assert codec_for(bytes).schema("validation") == {"type": "string", "format": "base64url"}


def test_a_marked_value_says_its_type() -> None:
    """And whatever reads back without a mark has none."""
    codec = codec_for(str | bytes)

    assert codec.settle("s", "text")[0] == '"text"'
    assert codec.settle("s", b"\xff")[0] == '{"$type":"bytes","value":"_w=="}'
    assert codec_for(A | B).settle("s", A(n=1))[0] == '{"n":1}'
    assert codec_for(A | B).settle("s", B(n=1))[0] == '{"$type":"B","value":{"n":1}}'


def test_computed_fields_stand_in_the_json_for_its_readers() -> None:
    """A page is shown what the job's own code would see."""
    for declared in (Sum, StrictSum, OpenSum):
        text, _ = codec_for(declared).settle("job 'j'", declared(a=1))
        assert text == '{"a":1,"b":2,"total":3}'
        assert codec_for(declared).decode(text) == declared(a=1)


def test_a_stored_value_with_a_field_of_old_is_read() -> None:
    """Versions of a job differ: only what is new is held to know no other keys."""
    codec = codec_for(Shape)

    assert codec.decode('{"name":"s","gone":1}') == Shape(name="s")
    assert codec.parse_json("the stored input", {"name": "s", "gone": 1}) == Shape(name="s")
    with pytest.raises(ValidationError, match="gone"):
        codec.parse_json("the input", {"name": "s", "gone": 1}, is_new=True)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=3),
        st.binary(max_size=3),
        st.decimals(allow_nan=False),
        st.dates(),
        st.datetimes(timezones=st.none() | st.just(UTC)),
        st.timedeltas(),
        st.uuids(),
        st.sampled_from([Colour.RED, Size.BIG, Level.LOW, A(), B(n=1), Point(1), Pair(1, b"x")]),
        st.fractions(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=2) | st.integers() | st.booleans(), inner, max_size=3),
    ),
    max_leaves=8,
)
Scalar = (
    None | bool | int | float | str | bytes | Decimal | date | datetime | timedelta | UUID
    | Colour | Size | Level | A | B | Point | Pair
)  # fmt: skip
DECLARED = [
    UNTYPED,
    Any,
    list[Any],
    dict[str, Any],
    dict[int | str, Scalar],
    Scalar,
    list[Scalar],
    str | bytes | float,
    tuple[Scalar, ...] | list[Scalar],
    Measured,
]


@given(VALUES, st.sampled_from(DECLARED))
def test_whatever_is_given_it_comes_back_or_is_refused(value: Any, declared: Any) -> None:
    """Law 2, for any value and many types: nothing is changed or lost in silence."""
    codec = codec_for(declared)
    try:
        accepted = codec.parse("the input", value)
    except ValidationError:
        return
    try:
        text, settled = codec.settle("step 's'", accepted)
    except NotSerializableError:
        return

    assert first_change(accepted, settled) is None
    assert first_change(accepted, codec.decode(text)) is None
