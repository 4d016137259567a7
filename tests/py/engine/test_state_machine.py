"""Any order of triggers, claims, cancels, deaths and clock jumps keeps the laws.

Hypothesis plays the users, the processes and the clock. The model is what a person would say of
the runs: which one is next, who waits for whom, what must never happen again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from durably import (
    ConflictError,
    Durably,
    Retry,
    Run,
    RunFilter,
    RunStatus,
    Step,
    WaitKind,
    WaitStatus,
    job,
    open_store,
)
from durably.events import RunLeased
from durably.runs import MOVES, TERMINAL
from durably.store.protocol import Store
from durably.testing import ProcessDied, When
from durably.threads import IN_BROWSER
from kit.backends import MANY
from kit.engines import Workshop

T = TypeVar("T")

LEASE = timedelta(seconds=30)
FEW = 12 if IN_BROWSER else 60

#: What a job does: work, fail once with or without a retry, cancel its own run, sleep, or ask.
STEPS = st.lists(
    st.sampled_from(["ok", "ok", "flaky", "fail", "cancel", "sleep", "ask"]), min_size=1, max_size=4
)
KEYS = st.sampled_from([None, None, "a", "b"])


@dataclass
class Plan:
    """What a run is to do, and what has become of it."""

    steps: list[str]
    #: Steps whose result the job was given; they must never run again.
    seen: set[str] = field(default_factory=set)
    tripped: set[str] = field(default_factory=set)
    #: What the job was told when it asked: it must be told that again.
    answers: dict[str, str | None] = field(default_factory=dict)


def reachable(before: RunStatus, after: RunStatus) -> bool:
    """Tell whether moves of the table lead from one status to another."""
    found, edge = {before}, {before}
    while edge:
        edge = {then for status in edge for then in MOVES[status]} - found
        found |= edge
    return after in found


class Engine(RuleBasedStateMachine):
    """Engines over one store, one after another, and users who do what they like."""

    @staticmethod
    def new_store() -> Store:
        """Open an empty store."""
        return open_store("sqlite://")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.shop = Workshop(self.new_store())
        self.plans: dict[str, Plan] = {}
        #: The runs as they were when we looked last.
        self.runs: dict[str, Run] = {}
        self.claimed: list[str] = []
        self.app = self.do(self.new_engine())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something asynchronous to its end."""
        return self.loop.run_until_complete(work)

    async def new_engine(self) -> Durably:
        """Start a process."""
        machine = self
        # Ids of two processes are in no order within a millisecond, and Hypothesis wants one.
        await self.shop.clock.advance(timedelta(milliseconds=1))

        @job(name="example")
        async def example(step: Step, input: list[str]) -> list[str]:
            plan = machine.plans[step.run_id]
            results = []
            for n, what in enumerate(input):
                name = f"{n} {what}"

                async def work(name: str = name, what: str = what) -> str:
                    assert name not in plan.seen, "a step ran again whose result was seen"
                    if what in {"flaky", "fail"} and name not in plan.tripped:
                        plan.tripped.add(name)
                        raise ValueError(what)
                    if what == "cancel" and name not in plan.tripped:
                        plan.tripped.add(name)
                        await machine.app.cancel(step.run_id)
                    return name.upper()

                if what == "sleep":
                    await step.sleep(name, 20)
                    results.append(name.upper())
                    continue
                if what == "ask":
                    answer = await step.wait_for(name, str, timeout=40)
                    assert plan.answers.setdefault(name, answer) == answer
                    results.append(name.upper())
                    continue
                policy = Retry(max_attempts=2, backoff=10, jitter=0) if what == "flaky" else None
                results.append(await step.run(name, work, retry=policy))
                plan.seen.add(name)
            return results

        app = await self.shop.engine(example, lease=LEASE, preserve_steps=True, max_recoveries=1000)
        app.on(RunLeased, lambda event: self.claimed.append(event.run_id))
        return app

    def next_run(self) -> str | None:
        """Say which run is to be claimed now, by the model."""
        now = self.shop.clock.now()

        def held(run: Run) -> bool:
            return run.lease_owner is not None and (
                run.lease_expires_at is not None and run.lease_expires_at > now
            )

        def key_is_taken(run: Run) -> bool:
            return run.concurrency_key is not None and any(
                other.id != run.id
                and other.concurrency_key == run.concurrency_key
                and (
                    other.status is RunStatus.LEASED
                    or (other.status is RunStatus.CANCELLED and held(other))
                )
                for other in self.runs.values()
            )

        def is_due(run: Run) -> bool:
            if run.status is RunStatus.LEASED:
                return run.lease_expires_at is not None and run.lease_expires_at <= now
            waits = run.available_at is not None and run.available_at > now
            stands = run.status in {RunStatus.PENDING, RunStatus.WAITING}
            return stands and not waits and not held(run) and not key_is_taken(run)

        due = [run for run in self.runs.values() if is_due(run)]
        return min(due, key=lambda run: (run.created_at, run.id)).id if due else None

    # --- what users do ---

    @rule(steps=STEPS, key=KEYS, idempotency=KEYS, coalesce=st.booleans())
    def trigger(
        self, steps: list[str], key: str | None, idempotency: str | None, coalesce: bool
    ) -> None:
        """Make a run, or find the one that stands for it, or be refused."""
        options: dict[str, Any] = {"concurrency_key": key, "idempotency_key": idempotency}
        if coalesce and key is not None:
            options["coalesce"] = "skip"
        taken = [
            run.id
            for run in self.runs.values()
            if idempotency is not None and run.idempotency_key == idempotency
        ]
        waiting = [
            run.id
            for run in self.runs.values()
            if key is not None and run.concurrency_key == key and run.status is RunStatus.PENDING
        ]
        try:
            made = self.do(self.app.trigger("example", steps, **options))
        except ConflictError:
            assert waiting
            assert not taken
            assert "coalesce" not in options
            return
        expected = "idempotent" if taken else "coalesced" if waiting else "created"
        assert str(made.disposition) == expected
        if expected == "created":
            self.plans[made.id] = Plan(steps)
        else:
            assert made.id == (taken or waiting)[0]

    def pick(self, number: int) -> Run | None:
        """Return one of the runs, if there is one."""
        known = sorted(self.runs)
        return self.runs[known[number % len(known)]] if known else None

    @rule(number=st.integers(0, 20))
    def cancel(self, number: int) -> None:
        """Cancel a run; only a completed or failed one refuses."""
        run = self.pick(number)
        if run is None:
            return
        try:
            self.do(self.app.cancel(run.id))
        except ConflictError:
            assert run.status in {RunStatus.COMPLETED, RunStatus.FAILED}
        else:
            after = self.do(self.shop.get(run.id))
            assert after.status is RunStatus.CANCELLED

    @rule(number=st.integers(0, 20))
    def resume(self, number: int) -> None:
        """Resume a run; only a failed or cancelled one goes on, and only if its key is free."""
        run = self.pick(number)
        if run is None:
            return
        try:
            self.do(self.app.resume(run.id))
        except ConflictError:
            assert run.status not in {RunStatus.FAILED, RunStatus.CANCELLED} or any(
                other.concurrency_key == run.concurrency_key is not None
                and other.status is RunStatus.PENDING
                for other in self.runs.values()
            )
        else:
            assert run.status in {RunStatus.FAILED, RunStatus.CANCELLED}

    @rule(number=st.integers(0, 20), again=st.booleans())
    def answer(self, number: int, again: bool) -> None:
        """Tell a run what it asks; one that is not open refuses, and the same is told once."""
        run = self.pick(number)
        asked = [] if run is None else self.do(self.app.get_waits(run.id))
        for wait in (wait for wait in asked if wait.kind is WaitKind.SIGNAL):
            late = wait.deadline_at is not None and wait.deadline_at <= self.shop.clock.now()
            try:
                told = self.do(self.app.signal(wait.id, "yes", signal_id="s" if again else None))
            except ConflictError:
                assert late or wait.status is not WaitStatus.PENDING
            else:
                first = wait.status is WaitStatus.PENDING
                assert str(told.disposition) == ("accepted" if first else "duplicate")

    @rule(number=st.integers(0, 20))
    def delete(self, number: int) -> None:
        """Delete a run; only an ended one whose code has stopped goes."""
        run = self.pick(number)
        if run is None:
            return
        try:
            self.do(self.app.delete_run(run.id))
        except ConflictError:
            assert run.is_active or run.is_stopping(self.shop.clock.now())
        else:
            assert run.is_terminal
            del self.runs[run.id]

    # --- what processes and time do ---

    @rule()
    def process(self) -> None:
        """Execute the run that the model says is next, or none."""
        expected = self.next_run()
        self.claimed.clear()

        assert self.do(self.app.process_one()) is (expected is not None)

        assert self.claimed == ([expected] if expected else [])

    @rule(write=st.integers(1, 6), when=st.sampled_from(["before", "after"]))
    def process_and_die(self, write: int, when: When) -> None:
        """Execute a run in a process that may end in the middle; start the next process."""
        self.shop.faults.die_at(self.shop.faults.writes + write, when=when)
        try:
            self.do(self.app.process_one())
        except ProcessDied:
            assert self.shop.faults.is_dead
        self.app = self.do(self.new_engine())

    @rule(seconds=st.sampled_from([1, 5, 11, 31]))
    def wait(self, seconds: float) -> None:
        """Let time pass: backoffs and leases run out."""
        self.do(self.shop.clock.advance(seconds))

    @precondition(lambda self: any(run.lease_owner for run in self.runs.values()))
    @rule()
    def restart_alone(self) -> None:
        """Start a process that knows every other to be dead (law 4)."""
        self.app = self.do(self.new_engine())
        self.do(self.shop.store.abandon_leases(now=self.shop.clock.now()))

    # --- what always holds ---

    @invariant()
    def the_laws_hold(self) -> None:
        """One run per key runs, one waits; ended stays ended; nothing moves but by the table."""
        runs = {run.id: run for run in self.do(self.shop.store.get_runs(RunFilter()))}
        for run in runs.values():
            before = self.runs.get(run.id)
            assert before is None or reachable(before.status, run.status)
            assert before is None or run.lease_generation >= before.lease_generation
            assert before is None or run.completed_step_count >= before.completed_step_count
            if run.status is RunStatus.COMPLETED:
                assert run.output == [f"{n} {what}".upper() for n, what in enumerate(run.input)]
                assert run.lease_owner is None
        for status in (RunStatus.PENDING, RunStatus.LEASED):
            keys = [r.concurrency_key for r in runs.values() if r.status is status]
            keys = [key for key in keys if key is not None]
            assert len(keys) == len(set(keys))
        assert set(self.runs) <= set(runs)
        self.runs = runs

    def teardown(self) -> None:
        """End all work in one last process: nothing is stuck and no lease is left."""
        try:
            self.app = self.do(self.new_engine())
            self.do(self.shop.drain(self.app))
            self.the_laws_hold()
            for run in self.runs.values():
                assert run.status in TERMINAL
                assert run.lease_owner is None or not run.is_stopping(self.shop.clock.now())
        finally:
            self.do(self.shop.close())
            self.loop.close()


SETTINGS = settings(
    max_examples=FEW,
    stateful_step_count=30,
    derandomize=IN_BROWSER,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", MANY)
def test_any_order_keeps_the_laws(name: str) -> None:
    """Laws 1, 3, 6, 8, with every store."""
    with MANY[name]() as open_it:

        class Here(Engine):
            new_store = staticmethod(open_it)

        few = SETTINGS if name == "memory" else settings(SETTINGS, max_examples=FEW // 3)
        run_state_machine_as_test(Here, settings=few)
