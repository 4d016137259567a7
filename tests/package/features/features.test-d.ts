/** Type checked, never run: what each way to say a type in Python is in TypeScript. */

import type { BlobRef, JobRef, Json, QueryRef, TriggerInput } from 'durably-py'
import { expectTypeOf } from 'vitest'
import * as jobs from './features.py'

type Takes<Ref> = Ref extends JobRef<string, infer Input, unknown> ? Input : never
type Gives<Ref> = Ref extends JobRef<string, infer _, infer Output> ? Output : never
type Asks<Ref> = Ref extends QueryRef<string, infer Input, unknown> ? Input : never
type Answers<Ref> = Ref extends QueryRef<string, infer _, infer Output> ? Output : never

// Needed, optional, default, literal, enum, int enum, Any, limited.
expectTypeOf<Takes<typeof jobs.fields>>().toEqualTypeOf<{
  needed: string
  optional?: number | null
  default?: boolean
  literal?: 'a' | 'b'
  color?: 'red' | 'green'
  level?: 1 | 2
  anything?: unknown
  limited?: number[]
}>()
// What is given has its defaults, too.
expectTypeOf<Required<Gives<typeof jobs.fields>>>().toEqualTypeOf<Gives<typeof jobs.fields>>()

type Cat = { kind: 'cat'; lives: number }
type Dog = { kind: 'dog'; name: string }
expectTypeOf<Gives<typeof jobs.discriminated>>().toEqualTypeOf<(Cat | Dog)[]>()
expectTypeOf<{ kind: 'cat'; lives: 9 }>().toExtend<Takes<typeof jobs.discriminated>>()
expectTypeOf<{ kind: 'cat'; name: '' }>().not.toExtend<Takes<typeof jobs.discriminated>>()

expectTypeOf<Gives<typeof jobs.recursive>['children'][0]['children'][0]['value']>().toBeNumber()
expectTypeOf<Takes<typeof jobs.tuples>>().toEqualTypeOf<[number, string]>()
expectTypeOf<Gives<typeof jobs.tuples>>().toEqualTypeOf<boolean[]>()
expectTypeOf<Takes<typeof jobs.dicts>>().toEqualTypeOf<{ [k: string]: number }>()
expectTypeOf<Gives<typeof jobs.dicts>>().toEqualTypeOf<{ [k: string]: string[] }>()
expectTypeOf<Gives<typeof jobs.times>>().toEqualTypeOf<{
  day: string
  moment: string
  clock: string
  span: string
}>()

expectTypeOf<Takes<typeof jobs.kept>['amount']>().toEqualTypeOf<number | string>()
expectTypeOf<Gives<typeof jobs.kept>['amount']>().toEqualTypeOf<string>()
expectTypeOf<Gives<typeof jobs.kept>['data' | 'id']>().toEqualTypeOf<string>()
expectTypeOf<Takes<typeof jobs.kept>['file']>().toEqualTypeOf<BlobRef>()
// Where a job takes a file, a page may give one.
expectTypeOf<File>().toExtend<TriggerInput<Takes<typeof jobs.kept>>['file']>()

expectTypeOf<Takes<typeof jobs.generic>['items']>().toEqualTypeOf<number[]>()
expectTypeOf<Gives<typeof jobs.generic>['items']>().toEqualTypeOf<Cat[]>()
expectTypeOf<Takes<typeof jobs.aliased>>().toEqualTypeOf<{
  firstName: string
  'my-field': number
}>()
expectTypeOf<Takes<typeof jobs.rootModel>>().toEqualTypeOf<string[]>()
expectTypeOf<Takes<typeof jobs.computed>>().toEqualTypeOf<{ width: number; height: number }>()
expectTypeOf<Gives<typeof jobs.computed>['area']>().toBeNumber()
expectTypeOf<Takes<typeof jobs.closed>>().toEqualTypeOf<{ x: number }>()
expectTypeOf<Gives<typeof jobs.closed>['anything']>().toEqualTypeOf<unknown>()
expectTypeOf<Takes<typeof jobs.fromDataclass>>().toEqualTypeOf<{ x: number; y?: number }>()
expectTypeOf<Gives<typeof jobs.fromDataclass>>().toEqualTypeOf<{ x: number; y: number }>()
expectTypeOf<Takes<typeof jobs.typedDict>>().toEqualTypeOf<{ verbose?: boolean; depth?: number }>()
expectTypeOf<Takes<typeof jobs.namedTuple>>().toEqualTypeOf<[number, string]>()
expectTypeOf<Takes<typeof jobs.plain>>().toBeNumber()
expectTypeOf<Gives<typeof jobs.plain>>().toEqualTypeOf<string | null>()

// A value that would be read as another member of its union says which it is.
expectTypeOf<Gives<typeof jobs.ambiguous>>().toEqualTypeOf<
  string | { $type: 'bytes'; value: string } | { $type: 'str'; value: string }
>()

expectTypeOf(jobs.secret).toEqualTypeOf<JobRef<'secret', string, number>>()
expectTypeOf(jobs.nothing).toEqualTypeOf<JobRef<'nothing', null, null>>()
expectTypeOf(jobs.untyped).toEqualTypeOf<JobRef<'untyped', unknown, Json>>()
expectTypeOf(jobs.withDefault).toEqualTypeOf<JobRef<'has-a-default', number | null, number>>()
expectTypeOf<Asks<typeof jobs.deleteNothing>>().toEqualTypeOf<Takes<typeof jobs.fields>>()
expectTypeOf<Answers<typeof jobs.ask>>().toEqualTypeOf<('red' | 'green')[]>()
