/** Options which `run` and `apply` share: how a run goes from target to target, and what has to be so before it begins. */
import type { Command } from 'commander'
import { parseAmount, parseSerial } from '../../run/rolling.ts'
import { withBecome } from './shared.ts'
import { count, explained } from './values.ts'

/** Adds them, and as whom to act. */
export const withSteps = (command: Command): Command =>
  withBecome(command)
    .option(
      '--serial <sizes>',
      'in batches, one after the other: 1,10%,100%; the last size repeats',
      explained(parseSerial),
    )
    .option(
      '--max-fail <n>',
      'start no more targets once more than so many went wrong: 5, or 10%',
      explained(text => parseAmount(text, 0)),
    )
    .option('--retry <n>', 'try an unreachable target again, so many times, later and later', count)
    .option('--confirm [n]', 'ask before it acts on more than so many targets', countOrBare)
    .option('-y, --yes', 'do not ask')
    .option('--lock', 'not while another run of it on the same targets is going on')

/** The words with a `--confirm` which has no number told from one which has: what comes after it may be the action. */
export const withBareConfirm = (words: readonly string[]): readonly string[] => {
  const end = words.indexOf('--')
  const at = words.indexOf('--confirm')
  const isBare = at >= 0 && (end < 0 || at < end) && !/^\d+$/.test(words[at + 1] ?? '')
  return isBare ? words.with(at, '--confirm=') : words
}

const countOrBare = (text: string): number | true => (text === '' ? true : count(text))
