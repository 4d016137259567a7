// Made by durably-py from demo_jobs/workouts.py: edit that file, not this one.
import type { BlobRef, JobRef } from 'durably-py'

/** Compute without a pause for *seconds*, in one step; return how many rounds that took. */
export declare const compute: JobRef<'compute', ComputeInput, number>

/**
 * Take *count* trivial steps; return what each of them returned.
 *
 * A journalled step commits a token of its own before it returns it, so the journal shows every
 * execution and the output shows which of them counted.
 */
export declare const steps: JobRef<'steps', StepsInput, string[]>

/** Return what chance gives: after two boots it is never the same. */
export declare const chance: JobRef<'chance', null, {
  [k: string]: string
}>

/** Never end by itself; a finally block writes a log line when it is stopped. */
export declare const hang: JobRef<'hang', HangInput, null>

/** Call ``sys.exit()``, which must end this run and nothing else. */
export declare const leave: JobRef<'leave', LeaveInput, null>

/** Make a file of another file's text in upper case; the output is a reference to it. */
export declare const upper: JobRef<'upper', UpperInput, BlobRef>

/**
 * How long to keep the processor busy.
 */
export interface ComputeInput {
  seconds?: number
}

/**
 * How many steps to take, and whether each writes down that it was executed.
 */
export interface StepsInput {
  count: number
  journal?: boolean
}

/**
 * How to go on for ever: ``loop`` in Python code, ``call`` inside one long call of C.
 */
export interface HangInput {
  how?: ("loop" | "call" | "stubborn")
}

/**
 * Where to exit: in a step of any form, in a task beside the steps, or in the job itself.
 */
export interface LeaveInput {
  where?: ("step" | "async step" | "timed step" | "parallel step" | "task" | "job")
}

/**
 * A text file, and how often its text is to be in the new one.
 */
export interface UpperInput {
  file: BlobRef
  times?: number
}
//# sourceMappingURL=workouts.py.d.ts.map
