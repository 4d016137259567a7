"""Where a type comes from: whatever wraps a function keeps what it declares, and its asyncness."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Optional, Self, TypeVar

import pytest
from pydantic import BaseModel

from durably import Step, ValidationError, define_job, job
from durably.annotations import UNTYPED, is_async, name_of, return_type, starts_at_once
from durably.codec import codec_for

F = TypeVar("F", bound=Callable[..., Any])


class Receipt(BaseModel):
    """A model."""

    total: int = 0

    @classmethod
    def load(cls) -> Self:
        """Return one of this class."""
        return cls()

    def paid(self) -> Self:
        """Return one of this object's class."""
        return self

    @classmethod
    def noted(cls) -> Annotated[Self, {"unit": "m"}]:
        """Return one of this class."""
        return cls()

    def both(self) -> tuple[Self, Self | None]:
        """Return two."""
        return self, None


class Printed(Receipt):
    """A model by another name."""


def traced(function: F) -> F:
    """Wrap a function as tracers do: plainly, also an async one."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def pair(_n: int = 0) -> tuple[int, int]:
    """Return a pair."""
    return 1, 2


async def later(_n: int = 0) -> tuple[int, int]:
    """Return a pair, later."""
    return 1, 2


def promised() -> Awaitable[tuple[int, int]]:
    """Return what gives a pair."""
    return later()


def tasked() -> asyncio.Future[tuple[int, int]]:
    """Return what gives a pair."""
    return asyncio.ensure_future(later())


def started() -> Coroutine[Any, Any, tuple[int, int]]:
    """Return what gives a pair."""
    return later()


class Callables:
    """Methods of all kinds, and an object that can be called."""

    def __call__(self) -> tuple[int, int]:
        """Return a pair."""
        return 1, 2

    def method(self) -> tuple[int, int]:
        """Return a pair."""
        return 1, 2

    async def later(self) -> tuple[int, int]:
        """Return a pair, later."""
        return 1, 2

    @classmethod
    def of_class(cls) -> tuple[int, int]:
        """Return a pair."""
        return 1, 2

    @staticmethod
    def alone() -> tuple[int, int]:
        """Return a pair."""
        return 1, 2


class Later:
    """An object that is async when it is called."""

    async def __call__(self) -> tuple[int, int]:
        """Return a pair, later."""
        return 1, 2


class Tracer:
    """A wrapper that is an object."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Hand the call on."""
        return self._function(*args, **kwargs)


class AsyncTracer(Tracer):
    """A wrapper that is async, whatever it wraps."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Hand the call on, later."""
        return self._function(*args, **kwargs)


class TracedCall:
    """An object whose call is wrapped."""

    @traced
    async def __call__(self) -> tuple[int, int]:
        """Return a pair, later."""
        return 1, 2


class Anything:
    """An object that has whatever is asked for, as mocks do."""

    def __getattr__(self, name: str) -> Any:
        """Return another one."""
        return Anything()

    def __call__(self) -> tuple[int, int]:
        """Return a pair."""
        return 1, 2


def circular() -> tuple[int, int]:
    """Say that it wraps itself."""
    return 1, 2


circular.__wrapped__ = circular  # type: ignore[attr-defined]
cached_later = functools.lru_cache(later)
SYNC: list[Any] = [
    pair,
    functools.cache(pair),
    functools.lru_cache(maxsize=3)(pair),
    traced(pair),
    traced(functools.cache(traced(pair))),
    functools.partial(pair, 1),
    functools.partial(traced(pair)),
    functools.cache(functools.partial(pair)),
    Callables(),
    Callables().method,
    Callables.of_class,
    Callables.alone,
    staticmethod(pair),
    functools.partial(Callables().method),
    Tracer(pair),
    Anything(),
    circular,
]
ASYNC: list[Any] = [
    later,
    traced(later),
    functools.partial(later, 1),
    functools.partial(traced(later)),
    cached_later,
    Callables().later,
    Later(),
    traced(Callables().later),
    Tracer(later),
    AsyncTracer(pair),
    TracedCall(),
]
#: What does nothing but make a coroutine, when it is called.
AT_ONCE: list[Any] = [later, functools.partial(later, 1), cached_later, Later(), AsyncTracer(pair)]


@pytest.mark.parametrize("fn", [*SYNC, *ASYNC, promised, started, tasked], ids=repr)
def test_what_wraps_a_function_keeps_its_type(fn: Any) -> None:
    """A tuple stays a tuple, whatever stands around the function."""
    assert return_type(fn) == tuple[int, int]


@pytest.mark.parametrize(
    ("fn", "expected"), [(f, False) for f in SYNC] + [(f, True) for f in ASYNC], ids=repr
)
def test_what_wraps_a_function_keeps_its_asyncness(fn: Any, expected: bool) -> None:
    """A wrapper of an async function hands its coroutine on."""
    assert is_async(fn) is expected


@pytest.mark.parametrize(
    ("fn", "expected"),
    [(f, True) for f in AT_ONCE] + [(f, False) for f in (pair, traced(later), Tracer(later))],
    ids=repr,
)
def test_only_what_makes_a_coroutine_needs_no_thread(fn: Any, expected: bool) -> None:
    """A wrapper's own code may block."""
    assert starts_at_once(fn) is expected


@pytest.mark.parametrize("declared", [Awaitable, Coroutine, asyncio.Future, asyncio.Task])
def test_a_promise_of_anything_is_untyped(declared: Any) -> None:
    """As a function that says nothing."""

    def promise() -> Any: ...

    promise.__annotations__["return"] = declared

    assert return_type(promise) is UNTYPED


def test_self_is_the_class_that_was_asked() -> None:
    """Also inside of other types, and where a subclass is asked."""
    assert return_type(Receipt.load) is Receipt
    assert return_type(Printed.load) is Printed
    assert return_type(Printed().paid) is Printed
    assert return_type(functools.partial(Printed().paid)) is Printed
    assert return_type(traced(Printed.load)) is Printed
    assert return_type(Printed.noted) == Annotated[Printed, {"unit": "m"}]
    assert return_type(Receipt().both) == tuple[Receipt, Receipt | None]
    with pytest.raises(ValidationError, match="returns Self, and of which class is not known"):
        return_type(Receipt.paid)


def test_a_class_returns_its_own_objects() -> None:
    """A step may be a model, or int."""
    assert return_type(Receipt) is Receipt
    assert return_type(int) is int


def test_names_within_an_annotation_are_resolved() -> None:
    """The text of a name is the name, however deep it stands."""

    def in_list() -> Any: ...

    def optional() -> Any: ...

    def unknown() -> Any: ...

    in_list.__annotations__["return"] = list["Receipt"]
    optional.__annotations__["return"] = Optional["Receipt"]
    unknown.__annotations__["return"] = list["Nowhere"]  # type: ignore[name-defined]  # noqa: F821

    assert return_type(in_list) == list[Receipt]
    assert return_type(in_list) == list[Receipt]
    assert return_type(optional) == Receipt | None
    with pytest.raises(ValidationError, match=r"cannot be resolved .*Nowhere.*; pass output="):
        return_type(unknown)


@pytest.mark.parametrize("text", ["1 +", "Receipt.nothing", "int[3]", "1 / 0", "list['Nowhere']"])
def test_an_annotation_that_cannot_be_read_is_told_in_words(text: str) -> None:
    """Whatever breaks in it."""

    def odd(_step: Any, _input: Any) -> Any: ...

    odd.__annotations__.update({"return": text, "_input": text})

    with pytest.raises(ValidationError, match=r"return annotation of odd .*; pass output="):
        return_type(odd)
    with pytest.raises(ValidationError, match=r"input annotation of job 'odd' .*; pass input="):
        job(odd)


def test_names_are_those_of_the_module_that_wrote_them() -> None:
    """A wrapper from elsewhere may have an annotation of its own, or repeat one."""
    elsewhere: dict[str, Any] = {"Receipt": int, "functools": functools}
    exec(  # another module: its Receipt is another one
        "def repeating(f):\n"
        "    @functools.wraps(f)\n"
        "    def wrapper(): return f()\n"
        "    return wrapper\n"
        "def own(f):\n"
        "    def wrapper() -> 'list[Receipt]': return f()\n"
        "    wrapper.__wrapped__ = f\n"
        "    return wrapper\n",
        elsewhere,
    )

    def make() -> dict[str, Receipt]:
        return {}

    assert return_type(elsewhere["repeating"](make)) == dict[str, Receipt]
    assert return_type(elsewhere["own"](make)) == list[int]


def test_a_type_parameter_is_a_name() -> None:
    """Of a function that has some of its own."""

    def first() -> Any: ...

    first.__annotations__["return"] = "list[F]"
    first.__type_params__ = (TypeVar("G", bound=int), F)  # type: ignore[attr-defined]

    assert return_type(first) == list[F]  # type: ignore[valid-type]


def test_the_input_of_a_method_may_be_self() -> None:
    """It is the class whose method it is."""

    class Order(BaseModel):
        number: int = 7

        def copied(self, step: Step, other: Self) -> Self:
            return other

    definition = job(Order().copied)

    assert definition.input.schema("validation")["title"] == "Order"
    assert definition.output.schema("validation")["title"] == "Order"
    with pytest.raises(ValidationError, match=r"the input of job 'x' is Self, .*; pass input="):
        define_job("x", functools.partial(Order.copied, Order()))


def test_a_local_class_is_found_by_its_name() -> None:
    """Functions close over the classes that they name."""

    class Local(BaseModel):
        n: int = 0

    def make() -> list[Local]:
        return [Local()]

    assert return_type(make) == list[Local]


def test_an_annotation_may_hold_what_cannot_be_hashed() -> None:
    """The notes of other libraries, for one; the type's codec is still kept."""

    def noted() -> Annotated[str, {"unit": "m"}]:
        return "1"

    declared = return_type(noted)

    assert codec_for(declared).settle("s", "1") == ('"1"', "1")
    assert codec_for(declared) is codec_for(declared)


@pytest.mark.parametrize("declared", [functools.partial, type("X", (), {})])
def test_what_cannot_be_a_type_is_told_in_words(declared: Any) -> None:
    """Before any step's function runs."""
    with pytest.raises(
        ValidationError,
        match=r"cannot be used as a type of saved values .*; pass another one as output=",
    ):
        codec_for(declared)


def test_what_is_not_declared_is_untyped() -> None:
    """Functions of C have no annotations, and a lambda neither."""
    assert return_type(len) is UNTYPED
    assert return_type(lambda: 1) is UNTYPED
    assert return_type(functools.partial(sorted)) is UNTYPED


def test_everything_that_can_be_called_has_a_name() -> None:
    """A partial that of its function, an object that of its class."""
    assert name_of(pair) == "pair"
    assert name_of(functools.partial(functools.partial(pair))) == "pair"
    assert name_of(Callables()) == "Callables"
    assert name_of(functools.cache(pair)) == "pair"
