/** Options which `run` and `apply` share: how a run goes from target to target, and what has to be so before it begins. */
import { type Command, InvalidArgumentError } from 'commander'
import { parseAmount, parseSerial } from './rolling.ts'

/** Adds them. */
export const addRolling = (command: Command): Command =>
  command
    .option('--serial <sizes>', 'in batches, one after the other: 1,10%,100%; the last size repeats', by(parseSerial))
    .option(
      '--max-fail <n>',
      'start no more targets once more than so many went wrong: 5, or 10%',
      by(text => parseAmount(text, 0)),
    )
    .option('--retry <n>', 'try an unreachable target again, so many times, later and later', by(count))
    .option('--per-bastion <n>', 'connections in the making at once through one ProxyJump host; 0: no limit', by(count))
    .option('--confirm [n]', 'ask before it acts on more than so many targets', by(countOrBare))
    .option('-y, --yes', 'do not ask')
    .option('--lock', 'not while another run of it on the same targets is going on')

/** The words with a `--confirm` which has no number told from one which has: what comes after it may be the action. */
export const withBareConfirm = (words: readonly string[]): readonly string[] => {
  const end = words.indexOf('--')
  const at = words.indexOf('--confirm')
  const isBare = at >= 0 && (end < 0 || at < end) && !/^\d+$/.test(words[at + 1] ?? '')
  return isBare ? words.with(at, '--confirm=') : words
}

const by =
  <T>(parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text)
    } catch (cause) {
      throw new InvalidArgumentError(`${(cause as Error).message}.`)
    }
  }

const count = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new TypeError('expected a whole number')
}

const countOrBare = (text: string): number | true => (text === '' ? true : count(text))
