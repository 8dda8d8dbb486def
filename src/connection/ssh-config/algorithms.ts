/** Lists of algorithms as ssh_config(5) writes them: whole lists, changes to the usual one, wildcards. Pure. */
import type { AlgorithmList } from './draft.ts'
import { pattern } from './pattern.ts'

/**
 * A wanted list applied to the usual one, each algorithm once and none which is not supported. Empty where nothing of what
 * is wanted is supported.
 */
export const chooseAlgorithms = (
  { kind, names }: Pick<AlgorithmList, 'kind' | 'names'>,
  usual: readonly string[],
  supported: readonly string[],
): readonly string[] => {
  const named = names.map(pattern)
  const wanted = named.flatMap(matches => supported.filter(matches))
  switch (kind) {
    case 'only':
      return [...new Set(wanted)]
    case 'append':
      return [...new Set([...usual, ...wanted])]
    case 'prepend':
      return [...new Set([...wanted, ...usual])]
    case 'remove':
      return usual.filter(name => !named.some(matches => matches(name)))
    default:
      throw new Error(`unknown change: ${kind satisfies never}`)
  }
}
