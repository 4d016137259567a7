/** The npm package's main entry: the client for any framework, and the start of the engine in a worker. */

export * from './core/index'
export * from './offline/index'
export * from './spa/page/index'
