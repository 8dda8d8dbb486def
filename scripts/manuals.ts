/** The manual pages, made from what the programs say of themselves. */
import { VERSION } from '../src/base/version.ts'
import { commandTree } from '../src/cli/help/command-tree.ts'
import { type Entry, manual } from '../src/cli/help/manual.ts'
import { pulleyProgram } from '../src/cli/pulley/program.ts'
import { stokerProgram } from '../src/cli/stoker/program.ts'

const EXIT: readonly Entry[] = [
  ['0', 'all went well'],
  ['1', 'something failed'],
  ['2', 'the command line or the configuration is wrong'],
  ['3', 'names could not be resolved'],
  ['4', 'nothing failed, but something was unreachable, timed out or never started'],
  ['130', 'it was interrupted'],
]

const FILES: readonly Entry[] = [
  [
    './stoker.yaml, ~/.config/stoker/stoker.yaml, /etc/stoker/stoker.yaml',
    'the configuration, in this order, where neither --config nor STOKER_CONFIG names one',
  ],
  ['~/.ssh/config, /etc/ssh/ssh_config', 'where and how to reach hosts'],
  ['~/.ssh/known_hosts', 'the keys of hosts'],
]

const ENVIRONMENT: readonly Entry[] = [
  ['STOKER_CONFIG', 'the configuration file'],
  ['SSH_AUTH_SOCK', 'the socket of the agent which holds private keys'],
  ['NO_COLOR', 'no colours, when it is set'],
]

/** The day of the build, which a distributor may set (reproducible-builds.org). */
const today = (): string => {
  const seconds = Number(process.env.SOURCE_DATE_EPOCH)
  return (seconds > 0 ? new Date(seconds * 1000) : new Date()).toISOString().slice(0, 10)
}

/** The pages by their file names. */
export const manuals = (date = today()): ReadonlyMap<string, string> => {
  const stoker = commandTree(stokerProgram().program)
  // It is looked at only, and waits for nothing.
  const pulley = commandTree(pulleyProgram({ signal: new AbortController().signal }).program)
  const sections = [
    ['EXIT STATUS', EXIT],
    ['FILES', FILES],
    ['ENVIRONMENT', ENVIRONMENT],
    ['SEE ALSO', [['pulley(1), ssh(1), ssh_config(5), nodeset(1)', '']]],
  ] as const
  const seeAlso = [['SEE ALSO', [['stoker(1)', '']]]] as const
  return new Map([
    ['stoker.1', manual(stoker, { version: VERSION, date, sections })],
    ['pulley.1', manual(pulley, { version: VERSION, date, sections: seeAlso })],
  ])
}
