/** Whether clush(1) would use colours. Pure, but for the terminals. */
import { isatty } from 'node:tty'
import type { ClushOptions, ClushSettings } from './options.ts'

/** `--color` wins over the environment (NO_COLOR, CLICOLOR_FORCE, CLICOLOR), which wins over `auto` in clush.conf. */
export const useColour = (
  { colour: given, gatherAll }: Pick<ClushOptions, 'colour' | 'gatherAll'>,
  { colour: set }: Pick<ClushSettings, 'colour'>,
  env: Readonly<Record<string, string | undefined>>,
): boolean => {
  if (given === 'auto') return isatty(1) && (gatherAll || isatty(2))
  if (given !== '') return given === 'always'
  if (set !== '' && set !== 'auto') return set === 'always'
  if (env.NO_COLOR !== undefined) return false
  if ((env.CLICOLOR_FORCE ?? '0') !== '0') return true
  return env.CLICOLOR !== '0' && isatty(1)
}
