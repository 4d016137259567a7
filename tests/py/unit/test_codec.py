"""Values become JSON text and come back the same, or not at all (law 2)."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)
from pydantic import ValidationError as PydanticValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema
from typing_extensions import TypedDict

from durably import NotSerializableError, Problem, ValidationError
from durably.annotations import UNTYPED, parameter_type, return_type
from durably.codec import (
    codec_for,
    from_json,
    storable,
    to_json,
)

if TYPE_CHECKING:
    from decimal import Context as OnlyForCheckers

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Colour(Enum):
    """An enum."""

    RED = "red"


class Size(StrEnum):
    """An enum of text."""

    BIG = "big"


class Model(BaseModel):
    """A model with an alias and a rule."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    file_name: str
    count: Annotated[int, Field(ge=0)] = 0


@dataclass
class Data:
    """A dataclass."""

    at: datetime
    parts: tuple[int, ...]


class Named(NamedTuple):
    """A named tuple."""

    a: int
    b: str


class Typed(TypedDict):
    """A typed dict."""

    a: int


@given(JSON)
def test_plain_json_reads_back_as_it_was(value: Any) -> None:
    """Law 2: for every value that JSON has."""
    text = to_json(value)

    assert from_json(text) == value
    assert text.encode()


@given(st.text(st.characters(codec=None), max_size=20))
def test_any_text_reads_back_as_it_was(text: str) -> None:
    """Law 2: lone surrogates too, which UTF-8 cannot hold."""
    written = to_json({"t": text})

    assert written.encode()
    assert from_json(written) == {"t": text}


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ((1, "a"), tuple[int, str]),
        (Model(file_name="f"), Model),
        ([Model(file_name="f", count=2)], list[Model]),
        (Data(at=datetime(2026, 1, 1, 12, tzinfo=UTC), parts=(1, 2)), Data),
        (datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=UTC), datetime),
        (date(2026, 2, 3), date),
        (timedelta(days=2, microseconds=5), timedelta),
        (Colour.RED, Colour),
        (Size.BIG, Size),
        ({1: {2, 3}}, dict[int, set[int]]),
        (frozenset({"a"}), frozenset[str]),
        (b"bytes", bytes),
        (Decimal("1.10"), Decimal),
        (UUID(int=5), UUID),
        (Named(1, "x"), Named),
        ({"a": 1}, Typed),
        (None, type(None)),
        (None, int | None),
        ("x", int | str),
    ],
    ids=repr,
)
def test_a_typed_value_reads_back_as_its_type(value: Any, declared: Any) -> None:
    """Law 2: what the job is given live equals what replay gives it."""
    codec = codec_for(declared)

    text, settled = codec.settle("step 's'", value)

    assert settled == value
    assert type(settled) is type(value)
    assert codec.decode(text) == value


@pytest.mark.parametrize(
    ("value", "read"), [((1, 2), [1, 2]), ({"a": ({},)}, {"a": [{}]}), (True, True)]
)
def test_an_untyped_value_is_plain_json_live_and_in_replay(value: Any, read: Any) -> None:
    """Law 2: the value that counts is the one read back."""
    _, settled = codec_for(UNTYPED).settle("step 's'", value)

    assert settled == read
    assert type(settled) is type(read)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.sampled_from([(1 << 63) - 1, 1 << 63, -(1 << 63), 10**5000])
    | st.sampled_from(["\ud800", "é", "日", "\x7f"])
    | st.text(st.characters(codec=None), max_size=8)
)


@given(SCALARS, st.sampled_from([str, int, bool, type(None), UNTYPED]))
def test_a_plain_value_is_settled_as_by_writing_and_reading_it(value: Any, declared: Any) -> None:
    """Law 2: common values take a short way, which must end where the long one does."""
    codec = codec_for(declared)
    try:
        expected = codec.decode(codec.encode("step 's'", value))
    except (NotSerializableError, PydanticValidationError):
        with pytest.raises(NotSerializableError):
            codec.settle("step 's'", value)
        return

    text, settled = codec.settle("step 's'", value)

    assert settled == expected
    assert type(settled) is type(expected)
    assert codec.decode(text) == expected


def test_any_is_as_good_as_no_type() -> None:
    """There is nothing that pydantic could hold a value against."""
    assert codec_for(Any).settle("s", (1,)) == ("[1]", [1])


def test_aliases_are_written_and_both_names_are_read() -> None:
    """A model keeps its wire names; older text by field names is understood."""
    codec = codec_for(Model)

    assert codec.encode("s", Model(file_name="f")) == '{"fileName":"f","count":0}'
    assert codec.decode('{"file_name":"g"}') == Model(file_name="g")


def test_a_value_that_its_type_accepts_is_taken() -> None:
    """A dict for a model, a number as text: what is stored is the validated value."""
    assert codec_for(Model).settle("s", {"fileName": "f", "count": "3"}) == (
        '{"fileName":"f","count":3}',
        Model(file_name="f", count=3),
    )


def recursive() -> Any:
    """Return a list that holds itself, deep down."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        ({1, 2}, "set"),
        (math.nan, "float"),
        ([math.inf], "list"),
        (object(), "object"),
        (Model(file_name="f"), "unit.test_codec.Model"),
        (b"bytes", "bytes"),
        (Colour.RED, "unit.test_codec.Colour"),
        pytest.param(
            recursive(),
            "list",
            # Pyodide's stack is JavaScript's: it ends without an exception of Python's.
            marks=pytest.mark.cpython_only,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_untyped_value_that_json_cannot_hold_is_refused(value: Any, type_name: str) -> None:
    """Law 2: the error names what returned it, its type, and a way out."""
    with pytest.raises(NotSerializableError, match="annotate the return type") as caught:
        codec_for(UNTYPED).settle("step 's'", value)

    assert caught.value.what == "step 's'"
    assert caught.value.type_name.rpartition(".")[2] == type_name.rpartition(".")[2]
    assert str(caught.value).startswith("step 's' returned ")


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("text", int),
        (Model(file_name="f"), Data),
        ({"count": 1}, Model),
        (Model.model_construct(file_name="f", count=-1), Model),
        (math.nan, list[int]),
        (object(), str),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(value: Any, declared: Any) -> None:
    """Law 2: nothing is saved that would not read back."""
    with pytest.raises(NotSerializableError, match="step 's' returned"):
        codec_for(declared).settle("step 's'", value)


Trimmed = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True)]


def test_the_text_of_an_output_is_that_of_the_value_it_reads_back_as() -> None:
    """Law 2: what a type makes of a value is what every reader sees, in every language."""
    codec = codec_for(Trimmed)

    assert codec.settle("job 'j'", "  ABC ")[0] == '"abc"'
    assert codec.decode('"abc"') == codec.settle("job 'j'", "  ABC ")[1]
    assert codec_for(UNTYPED).settle("job 'j'", (1,))[0] == "[1]"


class Derived(Model):
    """A model with more than the type that is declared."""

    more: int = 0


class Hiding(BaseModel):
    """A model that does not write all of itself."""

    name: str
    left_out: str = Field("", exclude=True)
    odd: Any = None


class Renamed(BaseModel):
    """A model that is written under a name by which it is not read."""

    n: int = Field(validation_alias="in", serialization_alias="out")


class Plain:
    """A value without an equality of its own."""

    def __init__(self, n: int) -> None:
        self.n = n

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        return core_schema.no_info_before_validator_function(
            lambda given: given if isinstance(given, cls) else cls(given),
            core_schema.is_instance_schema(cls),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda one: one.n),
        )


class Array(Plain):
    """A value that is compared element by element, as arrays are."""

    def __eq__(self, other: object) -> Any:
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("value", "declared", "text"),
    [
        (Model(file_name="f"), Model, '{"fileName":"f","count":0}'),
        ("  ABC ", Trimmed, '"abc"'),
        ({"a": (1, 2), "b": "big"}, dict[str, Any], '{"a":[1,2],"b":"big"}'),
        (Hiding(name="n", odd={"1": ()}), Hiding, '{"name":"n","odd":{"1":[]}}'),
        ({"in": 1}, Renamed, '{"out":1}'),
        (math.nan, int | float, '"NaN"'),
        ([1, 2], Iterable[int], "[1,2]"),
        (5, Plain, "5"),
        (5, Array, "5"),
        ((1, 2), UNTYPED, "[1,2]"),
    ],
)
def test_an_input_is_written_so_that_it_reads_back(value: Any, declared: Any, text: str) -> None:
    """Where no type says more, a tuple is a list, as in untyped JSON."""
    codec = codec_for(declared)

    assert codec.kept_text("the input", codec.parse("the input", value)) == text


@pytest.mark.parametrize(
    ("value", "declared", "reason"),
    [
        (SecretStr("s3cret"), SecretStr, "(root): a part of this pydantic.types.SecretStr"),
        (Hiding(name="n", left_out="x"), Hiding, "left_out: a part of this str"),
        (Hiding(name="n", odd=date(2026, 1, 1)), Hiding, "odd: datetime.date would come back as"),
        ({date(2026, 1, 1): {1}}, dict[date, Any], "datetime.date(2026, 1, 1): set would come"),
        (Derived(file_name="f", more=1), Model, "Derived would come back as"),
        (1, Annotated[int, AfterValidator(lambda n: n + 1)], "(root): a part of this int"),
        ({"a": [{1}]}, UNTYPED, "a.0: set is not plain JSON"),
    ],
)
def test_an_input_that_would_not_read_back_is_refused(
    value: Any, declared: Any, reason: str
) -> None:
    """Law 8: a run that is acknowledged has the input that was given; no secret is in the error."""
    codec = codec_for(declared)

    with pytest.raises(ValidationError, match=re.escape(reason)) as caught:
        codec.kept_text("the input", codec.parse("the input", value))

    assert str(caught.value).startswith("the input: ")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "written"), [("a", "a"), ("é €", "é €"), ("a\ud83d", r"a\ud83d"), ("😀", "😀")]
)
def test_a_lone_surrogate_is_escaped(text: str, written: str) -> None:
    """And nothing else is changed."""
    assert storable(text) == written
    assert storable(text).encode()


def test_input_that_breaks_its_type_lists_every_field() -> None:
    """With the path of each, in dots."""
    with pytest.raises(ValidationError) as caught:
        codec_for(list[Model]).parse("the input", [{"fileName": 1}, {"count": -1}])

    assert [problem.path for problem in caught.value.problems] == [
        (0, "fileName"),
        (1, "fileName"),
        (1, "count"),
    ]
    assert "1.count:" in str(caught.value)
    assert str(Problem(path=(), message="m")) == "(root): m"


def test_json_input_is_read_by_the_rules_of_json() -> None:
    """A date may be text there; untyped input is taken as it is."""
    assert codec_for(date).parse_json("x", "2026-01-02") == date(2026, 1, 2)
    assert codec_for(UNTYPED).parse_json("x", [1]) == [1]
    assert codec_for(UNTYPED).parse("x", [1]) == [1]
    assert codec_for(date).parse("x", date(2026, 1, 2)) == date(2026, 1, 2)
    with pytest.raises(ValidationError):
        codec_for(date).parse_json("x", "soon")


def test_a_schema_is_that_of_the_type() -> None:
    """An empty one accepts everything."""
    assert codec_for(UNTYPED).schema("validation") == {}
    assert "fileName" in codec_for(Model).schema("serialization")["properties"]


def test_a_type_that_pydantic_does_not_know_is_refused() -> None:
    """When the job is defined, with the type."""
    with pytest.raises(ValidationError, match="cannot be used as a type"):
        codec_for(functools.partial)


class Callables:
    """Things that can be called, with annotations."""

    def method(self) -> int:
        """Be a method."""
        return 1

    @staticmethod
    def static() -> int:
        """Be static."""
        return 1

    @classmethod
    def of_class(cls) -> int:
        """Be of the class."""
        return 1

    def __call__(self) -> int:
        """Be called."""
        return 1


async def coroutine() -> int:
    """Be async."""
    return 1


def awaitable() -> Awaitable[int]:
    """Return what is awaited."""
    return coroutine()


def returns_coroutine() -> Coroutine[Any, Any, int]:
    """Return a coroutine."""
    return coroutine()


def only_for_checkers() -> OnlyForCheckers:
    """Name a type that is not there when it runs."""
    raise NotImplementedError


def partly(odd: OnlyForCheckers) -> int:
    """Name such a type, but not as what is returned."""
    return 1


def nothing() -> None:
    """Return nothing."""


@pytest.mark.parametrize(
    "fn",
    [
        Callables().method,
        Callables.static,
        Callables.of_class,
        Callables(),
        coroutine,
        awaitable,
        returns_coroutine,
        partly,
        functools.partial(functools.partial(coroutine)),
    ],
)
def test_the_return_annotation_is_found(fn: Callable[..., Any]) -> None:
    """On functions, methods, callables and partials; of async ones without the Awaitable."""
    assert return_type(fn) is int


@contextlib.contextmanager
def logged() -> Iterator[None]:
    """Be a decorator; the function that it makes is one of the module contextlib."""
    yield


@logged()
def decorated(given: Model) -> Model:
    """Name types that the decorator's module does not know."""
    return given


class Rows:
    """Methods can be decorated too."""

    @logged()
    def read(self) -> Model:
        """Name such a type."""
        raise NotImplementedError


def test_a_decorated_functions_annotations_are_those_of_what_it_wraps() -> None:
    """They are text in the wrapper too, and mean what they mean where they were written."""
    (given,) = inspect.signature(decorated).parameters.values()

    assert return_type(decorated) is Model
    assert return_type(Rows().read) is Model
    assert return_type(functools.wraps(Rows().read)(lambda: None)) is Model
    assert return_type(functools.wraps(functools.partial(decorated))(lambda: 1)) is Model
    assert parameter_type("job 'x'", decorated, given) is Model


def test_no_annotation_is_no_type() -> None:
    """Lambdas and built-ins are untyped; None is a type, and a class one of its own."""
    assert return_type(lambda: 1) is UNTYPED
    assert return_type(max) is UNTYPED
    assert return_type(dict) is dict
    assert return_type(nothing) is type(None)


def test_annotations_may_be_types_or_text() -> None:
    """A module without ``from __future__ import annotations`` says the same."""

    def text() -> None: ...

    text.__annotations__ = {"return": None}
    assert return_type(text) is type(None)
    text.__annotations__ = {"return": "Awaitable[int]"}
    assert return_type(text) is int
    text.__annotations__ = {"return": int}
    assert return_type(text) is int


def test_annotations_of_nested_functions_are_found() -> None:
    """Also when they name a local class that the function uses."""

    def make() -> tuple[type[BaseModel], Callable[[], BaseModel]]:
        class Local(BaseModel):
            n: int

        def inner() -> Local:
            return Local(n=1)

        return Local, inner

    for _ in range(2):  # the same code with another class
        local, inner = make()
        assert return_type(inner) is local


def test_an_annotations_extras_are_kept() -> None:
    """A rule beside a type is part of it."""

    def positive() -> Annotated[int, Field(ge=0)]:
        return 1

    assert codec_for(return_type(positive)).schema("validation") == {
        "minimum": 0,
        "type": "integer",
    }


def test_an_annotation_that_names_nothing_says_what_to_pass() -> None:
    """Instead of guessing."""
    with pytest.raises(ValidationError, match=r"only_for_checkers .* pass output="):
        return_type(only_for_checkers)
    (odd,) = inspect.signature(partly).parameters.values()
    with pytest.raises(ValidationError, match=r"input annotation of job 'x' .* pass input="):
        parameter_type("job 'x'", partly, odd)


def test_a_parameters_annotation_may_be_text_or_a_type() -> None:
    """Or nothing."""

    def text(a: int) -> None: ...

    def none(a) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001

    text_a, none_a = (next(iter(inspect.signature(fn).parameters.values())) for fn in (text, none))
    assert parameter_type("x", text, text_a) is int
    assert parameter_type("x", text, text_a.replace(annotation=int)) is int
    assert parameter_type("x", none, none_a) is UNTYPED
