/** What passes between Node's main thread and the one that runs Python. */

import type { SourceFile } from '../files'

/** Where Python sees an app's folder of jobs. */
export const JOBS = '/jobs'

/** A value of JSON Schema, as pydantic writes it. */
export interface Schema {
  readonly [key: string]: unknown
}

export interface Export {
  /** In Python. */
  readonly name: string
  readonly kind: 'job' | 'query'
  /** By which the engine knows it. */
  readonly key: string
  readonly doc: string
  /** Of the function's name in its file, from 1. */
  readonly line: number
  readonly takesInput: boolean
  readonly hasDefault: boolean
  readonly input: Schema
  readonly output: Schema
}

/** A module that has jobs or queries among its names. */
export interface Module {
  /** Dotted. */
  readonly name: string
  /** Relative to the folder of jobs, with forward slashes. */
  readonly file: string
  readonly exports: readonly Export[]
  readonly $defs: Readonly<Record<string, Schema>>
}

export interface Failure {
  /** The exception's class. */
  readonly type: string
  readonly message: string
  readonly traceback: string
  /** Relative to the folder of jobs. */
  readonly file: string
  /** From 1. */
  readonly line: number
}

export type Description =
  | { readonly modules: readonly Module[]; readonly error?: undefined }
  | { readonly error: Failure; readonly modules?: undefined }

/** A package that was found: what Python's own tool says of it. */
export interface Found {
  readonly name: string
  readonly version: string
  readonly file: string
  readonly sha256: string
  readonly from: 'index' | 'pyodide'
}

/** The packages of Pyodide's own lock file, by name. */
export type Distribution = Readonly<Record<string, object>>

export interface Operations {
  /** Put archives where Python imports from. */
  unpack: { params: { readonly archives: readonly ArchiveBytes[] }; result: null }
  describe: { params: { readonly files: readonly SourceFile[] }; result: Description }
  resolve: {
    params: {
      readonly requirements: readonly string[]
      readonly constraints: readonly string[]
      readonly indexes: readonly string[]
      readonly distribution: Distribution
    }
    result: { readonly found: readonly Found[] } | { readonly error: string }
  }
}

export interface ArchiveBytes {
  readonly format: 'wheel' | 'zip'
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Request {
  readonly id: number
  readonly op: keyof Operations
  readonly params: unknown
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  /** A line that Python code printed. */
  | { readonly printed: string }
