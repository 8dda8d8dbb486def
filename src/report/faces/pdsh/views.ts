/** How pdsh(1) shows a run: lines with their host's name, and what each process of it ended with. */
import type { Target } from '../../../inventory/target.ts'
import type { View } from '../../report.ts'
import type { Sink, Sinks } from '../../sink.ts'
import type { Report } from '../../tally.ts'
import { lines } from '../../views/lines.ts'
import { overSsh } from '../over-ssh.ts'
import { SSH_FAILED, sshEnd } from '../ssh-end.ts'

export interface PdshFormat {
  /** `pdsh@here` */
  readonly self: string
  /** The program which runs for each host: `ssh`, or with `-R exec` the command's own. */
  readonly program: string
  /** `false` (`-N`): no names. */
  readonly labels: boolean
  /** Whether names stay whole (`-K`); else their domain is left out where all have the same. */
  readonly domains: boolean
  /** `-d`: how long it took stands at the end. */
  readonly debug: boolean
}

export const pdshView = (sinks: Sinks, format: PdshFormat, targets: readonly Target[]): View => {
  const labelOf = shortName(targets, format)
  const label = format.labels ? (target: Target) => `${labelOf(target)}: ` : false
  const views = [lines(sinks, { label }), exits(sinks.stderr, format, labelOf)]
  return overSsh(format.debug ? [...views, times(sinks.stderr)] : views, { lineEnds: 'as they are' })
}

/** Without its domain, unless hosts have different ones; addresses stay as they are. */
const shortName = (targets: readonly Target[], { domains }: PdshFormat): ((target: Target) => string) => {
  const found = new Set(targets.map(({ name }) => /\..*$/.exec(name)?.[0]).filter(domain => domain !== undefined))
  const isWhole = domains || found.size > 1
  return ({ name }) => (isWhole || /^\d/.test(name) ? name : name.replace(/\..*$/, ''))
}

const exits = (stderr: Sink, { self, program }: PdshFormat, labelOf: (target: Target) => string): View => ({
  event(event) {
    if (event.kind !== 'finished') return
    const { target, outcome } = event
    const host = labelOf(target)
    const { code = 0 } = sshEnd(outcome)
    if (outcome.kind === 'timed-out') return stderr.write(`${self}: ${host}: command timeout\n`)
    if (program !== 'ssh' && outcome.kind === 'failed' && outcome.signal !== undefined)
      return stderr.write(`${self}: ${host}: ${program} killed by signal ${outcome.signal}\n`)
    if (code > 0) return stderr.write(`${self}: ${host}: ${program} exited with exit code ${code}\n`)
  },
  end: () => stderr.flush(),
})

/** What the exit code is with `-S`: the largest one, or 254 for a command whose time was up. */
export const worstOf = ({ results }: Report, program: string): number =>
  results.reduce((worst, { outcome }) => {
    const late = program === 'ssh' ? SSH_FAILED : SSH_FAILED - 1
    return Math.max(worst, outcome.kind === 'timed-out' ? late : (sshEnd(outcome).code ?? 0))
  }, 0)

const times = (stderr: Sink): View => ({
  event() {},
  async end({ results }) {
    const reached = results.filter(({ outcome }) => outcome.kind === 'ok' || outcome.kind === 'failed')
    const connects = reached.map(({ timing }) => (timing.connect ?? 0) + (timing.auth ?? 0))
    const commands = reached.map(({ timing }) => timing.command ?? 0)
    await stderr.write(`Connect time:  ${spread(connects)}\nCommand time:  ${spread(commands)}\n`)
    await stderr.write(`Failures:      ${results.length - reached.length}\n`)
    await stderr.flush()
  },
})

const spread = (times: readonly number[]): string => {
  if (times.length === 0) return 'no successes'
  const seconds = (ms: number) => `${Math.floor(ms / 1000)} sec`
  const sum = times.reduce((all, one) => all + one, 0)
  return `Avg: ${seconds(sum / times.length)}, Min: ${seconds(Math.min(...times))},  Max: ${seconds(Math.max(...times))}`
}
