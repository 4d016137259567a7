"""Run a job on a SQLite file: ``python examples/server_basic.py orders.db``.

Kill it in the middle, start it again: it goes on with the step that was not saved yet.
"""

import asyncio
import sys
import time

from durably import Durably, Step, job


def ship(order: int) -> str:
    """Do something that takes a while; it may run again if the process dies before it is saved."""
    time.sleep(0.1)
    print(f"shipped order {order}", flush=True)
    return f"parcel {order}"


@job
async def ship_orders(step: Step, orders: int) -> list[str]:
    """Ship every order; each is one step, saved as soon as it is done."""
    return [await step.run(f"ship {order}", ship, order) for order in range(orders)]


async def main() -> None:
    """Trigger the run, once whatever happens, and wait for it."""
    if len(sys.argv) != 2:
        sys.exit("usage: python server_basic.py DATABASE")
    async with Durably(
        f"sqlite:///{sys.argv[1]}",
        jobs=[ship_orders],
        lease=2.0,
        lease_renew_interval=0.5,
        polling_interval=0.1,
    ) as durably:
        run = await durably.trigger(ship_orders, 20, idempotency_key="today")
        done = await durably.wait_for_run(run.id)
        print(f"{len(done.output)} parcels")


asyncio.run(main())
