/** Every row: how it is measured and what it should reach. A measure is given a site and returns a number. */

import * as boot from './measure/boot.mjs'
import { flushesPerStep } from './measure/flushes.mjs'
import * as page from './measure/page.mjs'
import * as resume from './measure/resume.mjs'
import * as tools from './measure/tools.mjs'
import * as work from './measure/work.mjs'

/** `plain` and `limit` are measured on our own site, in the same browser. */
export const ROWS = [
  {
    name: 'durable_steps_per_s',
    unit: '1/s',
    ours: work.stepsPerSecond,
    peer: work.stepsPerSecond,
    limit: work.flushedWritesPerSecond,
    target: '≥ 0.4 × limit, ≥ 40 × peer',
    reached: ({ ours, limit, peer }) =>
      all(limit && ours >= 0.4 * limit, peer && ours >= 40 * peer),
  },
  {
    name: 'flushes_per_step',
    unit: '',
    ours: flushesPerStep,
    target: '1',
    // A checkpoint of the log is a flush of its own, once in many steps.
    reached: ({ ours }) => ours >= 1 && ours < 1.02,
  },
  {
    name: 'replay_steps_per_s',
    unit: '1/s',
    ours: resume.replayPerSecond,
    peer: resume.peerReplayPerSecond,
  },
  {
    name: 'trigger_to_complete_ms',
    unit: 'ms',
    ours: work.triggerToComplete,
    peer: work.triggerToComplete,
    ...under(15),
  },
  {
    name: 'triggers_per_s',
    unit: '1/s',
    ours: work.triggersPerSecond,
    peer: work.triggersPerSecond,
  },
  {
    name: 'batch_triggers_per_s',
    unit: '1/s',
    ours: work.batchTriggersPerSecond,
    peer: work.batchTriggersPerSecond,
    ...above(5_000),
  },
  {
    name: 'runs_per_s',
    unit: '1/s',
    ours: work.runsPerSecond,
    peer: work.runsPerSecond,
    ...above(400),
  },
  {
    name: 'list_50_of_10000_ms',
    unit: 'ms',
    ours: work.listPage,
    peer: work.listPage,
    ...under(10),
  },
  {
    name: 'boot_first_ms',
    unit: 'ms',
    ours: boot.firstBoot,
    plain: boot.plainFirstBoot,
    peer: boot.firstBoot,
    target: '≤ 1.05 × plain',
    reached: ({ ours, plain }) => all(plain && ours <= 1.05 * plain),
  },
  {
    name: 'boot_warm_ms',
    unit: 'ms',
    ours: boot.warmBoot,
    plain: boot.plainWarmBoot,
    peer: boot.warmBoot,
    target: '≤ 0.2 × plain',
    reached: ({ ours, plain }) => all(plain && ours <= 0.2 * plain),
  },
  {
    name: 'resume_after_reload_ms',
    unit: 'ms',
    ours: resume.resumeAfterReload,
    peer: resume.peerResumeAfterReload,
    target: '≤ boot_warm_ms + 200',
    reached: ({ ours }, row) => all(row('boot_warm_ms') && ours <= row('boot_warm_ms').ours + 200),
  },
  { name: 'ui_stall_ms', unit: 'ms', ours: page.stall, peer: page.stall, ...under(50) },
  { name: 'cancel_runaway_ms', unit: 'ms', ours: page.cancelRunaway, ...under(300) },
  {
    name: 'failover_ms',
    unit: 'ms',
    ours: resume.failover,
    peer: resume.peerFailover,
    ...under(1_500),
  },
  {
    name: 'memory_mb',
    unit: 'MB',
    ours: boot.memory,
    plain: boot.plainMemory,
    peer: boot.memory,
    target: '≤ 1.2 × plain',
    reached: ({ ours, plain }) => all(plain && ours <= 1.2 * plain),
  },
  {
    name: 'types_ms',
    unit: 'ms',
    ours: tools.typesMs,
    target: '≤ 300',
    reached: ({ ours }) => ours <= 300,
  },
  {
    name: 'build_overhead_s',
    unit: 's',
    ours: tools.buildOverhead,
    target: '≤ 5',
    reached: ({ ours }) => ours <= 5,
  },
  {
    name: 'transfer_mb',
    unit: 'MB',
    ours: boot.transfer,
    plain: boot.plainTransfer,
    peer: boot.transfer,
  },
  { name: 'import_60000_rows_s', unit: 's', ours: page.importRows, ...under(60) },
]

function under(most) {
  return { target: `< ${most}`, reached: ({ ours }) => ours < most }
}

function above(least) {
  return { target: `> ${least}`, reached: ({ ours }) => ours > least }
}

/** Unknown as long as something to compare with was not measured, unless another condition fails. */
function all(...conditions) {
  if (conditions.includes(false)) return false
  return conditions.every(Boolean) ? true : null
}
