/** React 19: one provider and one family of hooks, over any transport. */

export {
  DurablyProvider,
  type DurablyProviderProps,
  type UseDurablyResult,
  useDurably,
} from './durably-provider'
export { type UseJobResult, useJob } from './use-job'
