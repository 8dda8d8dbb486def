/** Options which several commands of either program have: one name, one meaning, one description. */
import { type Command, Option } from 'commander'
import { formerly, valueOption, withDefault, withDefaultText } from './option.ts'
import { aboveZero, age, amount, duration, wholeNumber } from './values.ts'

export const CONFIG = withDefaultText(
  valueOption('--config <file>', 'use this configuration file'),
  '$STOKER_CONFIG, ./stoker.yaml, ...',
)
export const FRESH = new Option('--fresh', 'bypass the cache: ask the warehouses now, even if one is down')

export const NO_STDIN = new Option('-n, --no-stdin', 'do not send standard input to the targets')

export const CHECK = new Option('--check', 'change nothing; show what would be done')
export const DIFF = new Option('--diff', 'show line by line what changes')
export const PRINT = new Option('--print', 'print what would be written, and do nothing')
/** By what a service is started; which kinds there are depends on the command. */
export const KIND = 'use this kind of service start'
export const YES = new Option('-y, --yes', 'do not ask for confirmation')
export const OUT = valueOption('-o, --out <file>', 'write to this file instead')

export const JSON_LINES = new Option('--json', 'print JSON, one object a line')
export const JSON_FILE = new Option('--json-file <file>', 'also write JSON to this file, one event a line')
export const FOLD = new Option('-b, --fold', 'show equal output once, under the folded names')
export const NO_LABEL = new Option('-N, --no-label', 'print no node names in front of lines')
export const VERBOSE = new Option('-v, --verbose', 'show the times of every target')
export const QUIET = new Option('-q, --quiet', 'print no report if all went well')

export const COMMAND_TIMEOUT = valueOption(
  '-u, --command-timeout <time>',
  'end what runs on a target after this time (0: no limit)',
  duration,
)
export const MAX_FAIL = valueOption('--max-fail <n|p%>', 'stop once more than this number or share has failed', amount)
export const EXPIRES = valueOption('--expires <time>', 'expire after this time', aboveZero(age))

/** How many of a list; `most`: how many may be asked for. */
export const withLast = (command: Command, text: string, most?: number): Command => {
  const last = withDefault(
    valueOption('--last <n>', 'show at most this many, newest first', wholeNumber(1, most)),
    text,
  )
  return command.addOption(last).addOption(formerly('--limit <n>', last))
}
