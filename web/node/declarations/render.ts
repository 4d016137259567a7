/** Write the TypeScript of one module: its types, and a reference for each of its jobs and queries. */

import { compile, type JSONSchema } from 'json-schema-to-typescript'
import type { Export, Module, Schema } from '../python/protocol'
import { type Named, nameAll } from './names'
import { isBlob, prepare } from './prepare'

/** Where a name of Python's is found in the text that was written for it; lines count from 1, columns from 0. */
export interface Place {
  readonly line: number
  readonly column: number
  readonly pythonLine: number
  readonly name: string
}

export interface Rendered {
  readonly text: string
  readonly places: readonly Place[]
}

/** `declaration`: types and names alone, for a file beside the module. `source`: a file that can be imported. */
export type Kind = 'declaration' | 'source'

/** Begins the name of each property that stands for what a job takes or gives. */
const MARK = '__'

export async function render(module: Module, kind: Kind): Promise<Rendered> {
  const named = nameAll(module.exports)
  const { types, declarations } = await typesOf(module, named)
  const lines = [`// Made by durably-py from ${module.file}: edit that file, not this one.`]
  const places: Place[] = []
  const imported = importsOf(named, types, declarations)
  if (imported.length > 0) {
    lines.push(
      kind === 'declaration'
        ? `import type { ${imported.join(', ')} } from 'durably-py'`
        : `import { ${withDefiners(named, imported).join(', ')} } from 'durably-py'`,
    )
  }
  for (const { name, exported } of named) {
    const { input, output } = types(name)
    const ref = exported.kind === 'job' ? 'JobRef' : 'QueryRef'
    const type = `<${quoted(exported.key)}, ${input}, ${output}>`
    lines.push('', ...comment(exported.doc))
    const before = kind === 'declaration' ? 'export declare const ' : 'export const '
    places.push({
      line: lines.length + 1,
      column: before.length,
      pythonLine: exported.line,
      name: exported.name,
    })
    const rest =
      kind === 'declaration' ? `: ${ref}${type}` : ` = define${ref}${type}(${quoted(exported.key)})`
    lines.push(...`${before}${name}${rest}`.split('\n'))
  }
  return { text: `${[...lines, ...declarations].join('\n')}\n`, places }
}

/** What the importing page gets at run time: the references and nothing else. */
export function runtimeCode(module: Module): string {
  const named = nameAll(module.exports)
  const definers = [...new Set(named.map(({ exported }) => definerOf(exported)))].sort()
  const lines = named.map(
    ({ name, exported }) =>
      `export const ${name} = /* @__PURE__ */ ${definerOf(exported)}(${quoted(exported.key)})`,
  )
  const from = definers.length > 0 ? [`import { ${definers.join(', ')} } from 'durably-py'`] : []
  return `${[...from, ...lines].join('\n')}\n`
}

const definerOf = ({ kind }: Export): string => (kind === 'job' ? 'defineJobRef' : 'defineQueryRef')

interface InAndOut {
  readonly input: string
  readonly output: string
}

async function typesOf(module: Module, named: readonly Named[]) {
  const properties: Record<string, Schema> = {}
  for (const { name, exported } of named) {
    if (exported.takesInput) properties[`${MARK}${name}${MARK}in`] = bare(exported.input)
    properties[`${MARK}${name}${MARK}out`] = bare(exported.output)
  }
  const { root, declarations } = await compileAll(properties, module.$defs)
  const types = (name: string): InAndOut => {
    const { exported } = named.find((one) => one.name === name) as Named
    const given = root.get(`${MARK}${name}${MARK}in`)
    const taken = plainInput(given, exported)
    const output = root.get(`${MARK}${name}${MARK}out`) ?? 'unknown'
    return { input: taken, output: output === 'unknown' ? 'Json' : output }
  }
  return { types, declarations }
}

function plainInput(given: string | undefined, { hasDefault }: Export): string {
  if (given === undefined) return 'null'
  return hasDefault && given !== 'unknown' ? `${given} | null` : given
}

/** Without what would be a comment at a property that is never shown. */
function bare({ description: _, default: __, ...schema }: Schema): Schema {
  return schema
}

async function compileAll(
  properties: Readonly<Record<string, Schema>>,
  $defs: Readonly<Record<string, Schema>>,
) {
  const names = Object.keys($defs)
  const blobs = new Set(
    names.filter((name) => isBlob($defs[name] ?? {})).map((name) => `#/$defs/${name}`),
  )
  const schema = {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, one]) => [name, prepare(one, blobs)]),
    ),
    required: Object.keys(properties),
    additionalProperties: false,
    $defs: Object.fromEntries(
      Object.entries($defs).map(([name, one]) => [name, named(name, one, blobs)]),
    ),
  }
  const text = await compile(schema as JSONSchema, ROOT, {
    bannerComment: '',
    additionalProperties: false,
    format: false,
  })
  const [own, declarations] = cutRoot(indented(text.trim().split('\n')))
  return { root: valuesOf(own, Object.keys(properties)), declarations }
}

const ROOT = `${MARK}Root`

/** A type is called by its key, which tells what a model takes from what it gives: `Node-Input`. */
function named(name: string, schema: Schema, blobs: ReadonlySet<string>): Schema {
  const { title } = schema
  // `Page[int]` has the key `Page_int_`.
  const isGeneric = typeof title === 'string' && title.includes('[')
  const words = name.split(isGeneric ? /[^A-Za-z0-9]+/ : /[^A-Za-z0-9_$]+/)
  const called = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')
  return { title: called, ...prepare(schema, blobs) }
}

/** The compiler leaves the lines where they are. */
function indented(lines: readonly string[]): string[] {
  let depth = 0
  return lines.map((line) => {
    const text = line.trim()
    const isComment = /^(\/\*\*|\*)/.test(text)
    if (!isComment && /^[}\])]/.test(text)) depth -= 1
    const made =
      text === ''
        ? ''
        : '  '.repeat(Math.max(depth, 0)) + (text.startsWith('*') ? ` ${text}` : text)
    if (!isComment && /[{[(]$/.test(text)) depth += 1
    return made
  })
}

/** Take the interface that only holds the types of inputs and outputs out of the others. */
function cutRoot(lines: readonly string[]): readonly [readonly string[], readonly string[]] {
  const begin = lines.findIndex((line) => line.startsWith(`export interface ${ROOT}`))
  if (begin < 0) return [[], lines]
  const end = lines.indexOf('}', begin)
  const others = [...lines.slice(0, begin), ...lines.slice(end + 1)]
  return [lines.slice(begin + 1, end), spaced(others)]
}

/** With an empty line before each type and its comment. */
function spaced(lines: readonly string[]): string[] {
  return lines
    .filter((line) => line !== '')
    .flatMap((line, at, all) => {
      const begins = line === '/**' || (line.startsWith('export ') && all[at - 1] !== ' */')
      return begins ? ['', line] : [line]
    })
}

function valuesOf(lines: readonly string[], names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  let current: string | null = null
  for (const line of lines) {
    // A comment of the property itself; what is inside of it stands further to the right.
    if (/^ {2,3}(\/\*\*|\*)/.test(line)) continue
    const name = names.find((one) => line.startsWith(`  ${one}: `))
    if (name !== undefined) {
      current = name
      found.set(name, line.slice(name.length + 4))
    } else if (current !== null) {
      found.set(current, `${found.get(current)}\n${line.slice(2)}`)
    }
  }
  return found
}

function importsOf(
  named: readonly Named[],
  types: (name: string) => InAndOut,
  declarations: readonly string[],
): string[] {
  const found = new Set<string>()
  if (declarations.some((line) => /\bBlobRef\b/.test(line))) found.add('BlobRef')
  for (const { name, exported } of named) {
    found.add(exported.kind === 'job' ? 'JobRef' : 'QueryRef')
    const { input, output } = types(name)
    if (/\bBlobRef\b/.test(input + output)) found.add('BlobRef')
    if (output === 'Json') found.add('Json')
  }
  return [...found].sort()
}

function withDefiners(named: readonly Named[], imported: readonly string[]): string[] {
  const definers = new Set(named.map(({ exported }) => definerOf(exported)))
  const types = imported.filter((name) => !name.endsWith('Ref') || name === 'BlobRef')
  return [...definers].sort().concat(types.map((name) => `type ${name}`))
}

/** *doc* as a comment for editors. */
function comment(doc: string): string[] {
  if (doc === '') return []
  const lines = doc.replaceAll('*/', '* /').split('\n')
  if (lines.length === 1) return [`/** ${lines[0]} */`]
  return ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */']
}

const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
