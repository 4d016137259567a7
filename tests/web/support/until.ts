import { settle } from './settle'

/** Wait for *check* without the clock, which may be the test's. */
export async function until(check: () => boolean): Promise<void> {
  for (let turn = 0; !check(); turn++) {
    if (turn > 1_000) throw new Error('it did not come about')
    await settle()
  }
}
