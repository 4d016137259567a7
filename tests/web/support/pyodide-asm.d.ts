declare module 'pyodide/pyodide.asm.mjs' {
  const create: (settings: object) => Promise<never>
  export default create
}
