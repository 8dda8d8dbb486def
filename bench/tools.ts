/** The tools which are compared, each told to do the same work on the same targets in its own words. */
import { fold } from '../src/nodeset/fold.ts'
import { findProgram } from '../test/fixtures/debian.ts'
import type { Fleet } from '../test/fixtures/sshd.ts'
import type { Built } from './build.ts'
import type { Program } from './measure.ts'

/** One command on the first so many targets of a fleet. */
export interface Work {
  readonly fleet: Fleet
  readonly targets: number
  readonly fanout: number
  readonly command: string
  /** How many lines the command writes on each target. */
  readonly lines: number
  /** `curve25519`: all tools use that key exchange. `default`: each its own. */
  readonly exchange: KeyExchange
}

export type KeyExchange = 'curve25519' | 'default'

export type ToolName = 'stoker' | 'bare ssh2' | 'pdsh' | 'clush'

export interface Tool {
  readonly name: ToolName
  program(work: Work): Program
}

/** The tools which are here, and the names of those which are not. */
export const tools = (built: Built): { present: readonly Tool[]; missing: readonly string[] } => {
  const rivals = [pdsh, clush]
  const present = rivals.filter(({ name }) => findProgram(name) !== undefined)
  const missing = rivals.filter(tool => !present.includes(tool)).map(({ name }) => name)
  return { present: [stokerTool(built), bareTool(built), ...present], missing }
}

// A thousand servers which start on the client's own two cores take their time.
const PATIENCE = '120s'

// ssh2 prefers this key exchange by itself.
const stokerTool = ({ stoker, cache }: Built): Tool => ({
  name: 'stoker',
  program: ({ fleet, targets, fanout, command, lines }) => {
    const names = fold(fleet.targets.slice(0, targets).map(({ name }) => name))
    const options = ['--config', fleet.config, '-f', `${fanout}`, '-t', PATIENCE]
    return {
      argv: [process.execPath, stoker, 'run', ...options, 'shell', names, '--', command],
      env: { XDG_CACHE_HOME: cache },
      lines: lines * targets,
    }
  },
})

const bareTool = ({ bare }: Built): Tool => ({
  name: 'bare ssh2',
  program: ({ fleet, targets, fanout, command, lines }) => {
    const { user, port } = placeOf(fleet)
    const where = [fleet.identity, user, `${port}`, `${fanout}`, addresses(fleet, targets)]
    return { argv: [process.execPath, bare, ...where, command], lines: lines * targets }
  },
})

const pdsh: Tool = {
  name: 'pdsh',
  program: work => ({
    argv: [
      ...(['pdsh', '-R', 'ssh', '-f', `${work.fanout}`] as const),
      ...['-w', addresses(work.fleet, work.targets), work.command],
    ],
    env: { PDSH_SSH_ARGS_APPEND: sshOptions(work) },
    lines: work.lines * work.targets,
  }),
}

const clush: Tool = {
  name: 'clush',
  program: work => ({
    argv: [
      ...(['clush', '-f', `${work.fanout}`, '-o', sshOptions(work)] as const),
      ...['-w', addresses(work.fleet, work.targets), work.command],
    ],
    lines: work.lines * work.targets,
  }),
}

/** For OpenSSH's client: the key, the known hosts and the login of the fleet, and nobody's configuration. */
const sshOptions = ({ fleet, exchange }: Work): string => {
  const { user, port } = placeOf(fleet)
  return [
    `-F /dev/null -i ${fleet.identity} -l ${user} -p ${port}`,
    `-o IdentitiesOnly=yes -o UserKnownHostsFile=${fleet.knownHosts}`,
    ...(exchange === 'curve25519' ? ['-o KexAlgorithms=curve25519-sha256'] : []),
  ].join(' ')
}

const placeOf = (fleet: Fleet) => {
  const [first] = fleet.targets
  if (!first) throw new Error('a fleet without targets')
  return first
}

const addresses = (fleet: Fleet, count: number): string =>
  fleet.targets
    .slice(0, count)
    .map(({ address }) => address)
    .join(',')
