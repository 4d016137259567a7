/** What a job of Python is called in TypeScript. */

import type { Export } from '../python/protocol'

/** Words that no binding may have; from ECMA-262, with those that only modules and strict code reserve. */
const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval ' +
    'export extends false finally for function if implements import in instanceof interface let new null ' +
    'package private protected public return static super switch this throw true try typeof var void ' +
    'while with yield'
  ).split(' '),
)

export interface Named {
  /** In TypeScript. */
  readonly name: string
  readonly exported: Export
}

/** `monthly_report` is `monthlyReport`. */
function camelCase(name: string): string {
  return name
    .replace(/^_+/, '')
    .replace(/_+([^_])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/_+$/, '')
}

/** Name the exports of one module; says what is wrong where two would share a name, or one has none. */
export function nameAll(exports: readonly Export[]): Named[] {
  const taken = new Map<string, string>()
  const shown = exports.filter(({ name }) => !name.startsWith('_'))
  return shown.map((exported) => {
    const name = camelCase(exported.name)
    const other = taken.get(name)
    if (other !== undefined) {
      throw new NameProblem(
        exported,
        `${other} and ${exported.name} would both be ${name} in TypeScript: rename one of them`,
      )
    }
    if (RESERVED.has(name)) {
      throw new NameProblem(
        exported,
        `${exported.name} would be ${name} in TypeScript, where that is a reserved word: rename it`,
      )
    }
    taken.set(name, exported.name)
    return { name, exported }
  })
}

export class NameProblem extends Error {
  override readonly name = 'NameProblem'
  readonly line: number

  constructor(exported: Export, message: string) {
    super(message)
    this.line = exported.line
  }
}
