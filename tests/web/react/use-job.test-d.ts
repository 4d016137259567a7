/** Type checked, never run: what a typed job gives its hook and its client. */

import { expectTypeOf } from 'vitest'
import {
  type BlobRef,
  type DurablyClient,
  defineJobRef,
  type JobRef,
  type Json,
  type TriggerInput,
} from '../../../web/core/index'
import { useJob } from '../../../web/react/index'

interface ImportInput {
  readonly file: BlobRef
  readonly batch?: number
  readonly columns: readonly { readonly name: string; readonly sample: BlobRef | null }[]
}

interface ImportResult {
  readonly rows: number
}

interface CropInput {
  readonly box: readonly [number, string]
  readonly images: readonly [BlobRef, ...number[]]
}

declare const client: DurablyClient

const importCsv = defineJobRef<'import-csv', ImportInput, ImportResult>('import-csv')

expectTypeOf(importCsv).toEqualTypeOf<JobRef<'import-csv', ImportInput, ImportResult>>()
expectTypeOf(importCsv.name).toEqualTypeOf<'import-csv'>()

// A file may stand wherever the job takes a blob, and nowhere else.
expectTypeOf<File>().toExtend<TriggerInput<ImportInput>['file']>()
expectTypeOf<BlobRef>().toExtend<TriggerInput<ImportInput>['file']>()
expectTypeOf<TriggerInput<ImportInput>['batch']>().toEqualTypeOf<number | undefined>()
expectTypeOf<{ name: string; sample: Blob }>().toExtend<
  TriggerInput<ImportInput>['columns'][number]
>()
// A tuple keeps its length and its places, and a list stays one.
const crop = defineJobRef<'crop', CropInput, null>('crop')
expectTypeOf<TriggerInput<CropInput>['box']>().toEqualTypeOf<readonly [number, string]>()
expectTypeOf<readonly [File, ...number[]]>().toExtend<TriggerInput<CropInput>['images']>()
expectTypeOf<TriggerInput<string[]>>().toEqualTypeOf<readonly string[]>()
expectTypeOf<TriggerInput<readonly BlobRef[]>>().toEqualTypeOf<readonly TriggerInput<BlobRef>[]>()
expectTypeOf<TriggerInput<unknown>>().toEqualTypeOf<unknown>()
expectTypeOf<TriggerInput<{ n: number }>>().toEqualTypeOf<{ readonly n: number }>()

export function TypedJob(file: File) {
  const job = useJob(importCsv, { autoResume: false })

  expectTypeOf(job.output).toEqualTypeOf<ImportResult | null>()
  expectTypeOf(job.trigger).parameter(0).toEqualTypeOf<TriggerInput<ImportInput>>()
  expectTypeOf(job.triggerAndWait({ file, columns: [] }))
    .resolves.toHaveProperty('output')
    .toEqualTypeOf<ImportResult>()

  // @ts-expect-error the job takes a file
  void job.trigger({ columns: [] })
  // @ts-expect-error an unknown option is a mistake
  useJob(importCsv, { resume: true })
}

export function NamedJob() {
  const untyped = useJob('report')
  expectTypeOf(untyped.output).toEqualTypeOf<Json>()
  expectTypeOf(untyped.trigger).parameter(0).toEqualTypeOf<unknown>()

  const typed = useJob<{ n: number }, string>('report')
  expectTypeOf(typed.output).toEqualTypeOf<string | null>()
  expectTypeOf(typed.trigger).parameter(0).toEqualTypeOf<{ readonly n: number }>()
}

export async function typedClient(file: File) {
  const { output } = await client.triggerAndWait(importCsv, { file, columns: [] })
  expectTypeOf(output).toEqualTypeOf<ImportResult>()
  expectTypeOf((await client.triggerAndWait('report', {})).output).toEqualTypeOf<Json>()
  expectTypeOf(await client.query<number>('count', {})).toEqualTypeOf<number>()

  // @ts-expect-error the job takes a file
  await client.trigger(importCsv, { columns: [] })
  await client.trigger(crop, { box: [1, 'px'], images: [file, 2] })
  // @ts-expect-error the places of a tuple are not to be swapped
  await client.trigger(crop, { box: ['px', 1], images: [file] })
  // @ts-expect-error a tuple has a length
  await client.trigger(crop, { box: [1], images: [file] })
  // @ts-expect-error each run of a batch is checked
  await client.batchTrigger(importCsv, [{ input: {} }])
}
