declare module '*/scripts/build-assets.mjs' {
  /** Build into *folder*; true when something was written. */
  export function buildAssets(folder?: string): boolean
}
