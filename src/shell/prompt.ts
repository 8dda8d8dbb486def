/** The shell's prompt. Pure. */

import type { Target } from '../inventory/target.ts'
import { fold } from '../nodeset/fold.ts'

const MAX_COLUMNS = 40

/** `web[1-40]> `, shortened where the names are many; with how many of them are not connected, when there are any. */
export const promptOf = (targets: readonly Target[], absent: number): string => {
  const names = fold(targets.map(({ name }) => name))
  const short = names.length > MAX_COLUMNS ? `${names.slice(0, MAX_COLUMNS - 3)}... (${targets.length})` : names
  return `${targets.length === 0 ? '(no targets)' : short}${absent > 0 ? `, ${absent} down` : ''}> `
}
