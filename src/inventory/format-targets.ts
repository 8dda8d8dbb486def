/** How a set of targets is called in output: `web[1-40] (40)`. Pure. */

import { fold } from '../nodeset/fold.ts'
import type { Target } from './target.ts'

/** The folded names, and how many they are when more than one. */
export const formatTargets = (targets: readonly Target[]): string => {
  const names = fold(targets.map(target => target.name))
  return targets.length > 1 ? `${names} (${targets.length})` : names
}
