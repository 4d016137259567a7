/** Where on a form a problem is shown that the engine has told. Pure. */

import type { FieldProblem } from '../../core/index'
import type { Draft } from './draft'
import type { Field } from './schema'

/** Problems by the path of their field, as `keyOf` writes it. */
export type Landed = ReadonlyMap<string, readonly string[]>

export const NOWHERE: Landed = new Map()

export function keyOf(path: FieldProblem['path']): string {
  return JSON.stringify(path)
}

/** Put each problem at the innermost field on its path that the form shows. */
export function landed(field: Field, draft: Draft, problems: readonly FieldProblem[]): Landed {
  const found = new Map<string, readonly string[]>()
  for (const { path, message } of problems) {
    const { shown, rest } = walk(field, draft, path, [])
    const key = keyOf(shown)
    const text = rest.length === 0 ? message : `${rest.join('.')}: ${message}`
    found.set(key, [...(found.get(key) ?? []), text])
  }
  return found
}

type Path = FieldProblem['path']

interface Place {
  readonly shown: Path
  readonly rest: Path
}

function walk(field: Field, draft: Draft, path: Path, shown: Path): Place {
  const [step, ...rest] = path
  if (step === undefined || draft === null || typeof draft !== 'object')
    return { shown, rest: path }
  if (field.kind === 'object' && 'parts' in draft) {
    const part = field.properties().find(({ key }) => key === step)
    if (part === undefined) return { shown, rest: path }
    return walk(part.field, draft.parts[part.key] ?? null, rest, [...shown, part.key])
  }
  if (field.kind === 'list' && 'items' in draft && typeof step === 'number') {
    const item = draft.items[step]
    if (item === undefined) return { shown, rest: path }
    return walk(field.item, item.draft, rest, [...shown, step])
  }
  if (field.kind === 'union' && 'option' in draft) {
    const option = field.options[draft.option]
    if (option === undefined) return { shown, rest: path }
    const inner = option.field()
    const direct = walk(inner, draft.draft, path, shown)
    // pydantic names the member of a union that it tried, which is no part of the input.
    return direct.rest.length === path.length ? walk(inner, draft.draft, rest, shown) : direct
  }
  return { shown, rest: path }
}
