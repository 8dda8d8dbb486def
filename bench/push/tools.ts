/** The tools which are compared, each told to do the same work on the same targets in its own words. */
import { fold } from '../../src/nodeset/fold.ts'
import { findProgram } from '../../test/fixtures/servers/debian.ts'
import { ansible } from './ansible.ts'
import type { Built } from './build.ts'
import type { Fleet } from './fleet.ts'
import { placeOf, sshOptions, type Tool, type Work } from './work.ts'

/** The tools which are here, stoker first, and those which are not, with their packages. */
export const tools = (built: Built): { present: readonly [Tool, ...Tool[]]; missing: readonly string[] } => {
  const rivals = [pdsh, clush, pssh, ansible]
  const present = rivals.filter(({ program }) => program !== undefined && findProgram(program) !== undefined)
  const missing = rivals.filter(tool => !present.includes(tool))
  return {
    present: [stoker(built), bare(built), ...present],
    missing: missing.map(({ name, debianPackage }) => `${name} (Debian has it in ${debianPackage})`),
  }
}

// A thousand servers which start on the client's own two cores take their time.
const PATIENCE = '120'

const stoker = ({ stoker, cache }: Built): Tool => ({
  name: 'stoker',
  exchanges: ['curve25519'],
  run: ({ fleet, targets, fanout, command, lines }) => {
    const names = fold(fleet.targets.slice(0, targets).map(({ name }) => name))
    const options = ['--config', fleet.config, '-f', `${fanout}`, '-t', PATIENCE]
    return {
      argv: [process.execPath, stoker, 'run', ...options, 'shell', names, '--', command],
      // Its journal is written as ever, but not among the user's own.
      env: { XDG_CACHE_HOME: cache, XDG_STATE_HOME: cache },
      lines: lines * targets,
    }
  },
})

const bare = ({ bare }: Built): Tool => ({
  name: 'bare ssh2',
  exchanges: ['curve25519'],
  run: ({ fleet, targets, fanout, command, lines }) => {
    const { user, port } = placeOf(fleet)
    const where = [fleet.identity, user, `${port}`, `${fanout}`, addresses(fleet, targets).join(',')]
    return { argv: [process.execPath, bare, ...where, command], lines: lines * targets }
  },
})

const pdsh: Tool = {
  name: 'pdsh',
  program: 'pdsh',
  debianPackage: 'pdsh',
  exchanges: ['curve25519', 'default'],
  run: work => ({
    argv: [
      ...(['pdsh', '-R', 'ssh', '-f', `${work.fanout}`, '-t', PATIENCE] as const),
      ...['-w', addresses(work.fleet, work.targets).join(','), work.command],
    ],
    env: { PDSH_SSH_ARGS_APPEND: loginOptions(work) },
    lines: work.lines * work.targets,
  }),
}

const clush: Tool = {
  name: 'clush',
  program: 'clush',
  debianPackage: 'clustershell',
  exchanges: ['curve25519', 'default'],
  run: work => ({
    argv: [
      ...(['clush', '-f', `${work.fanout}`, '-t', PATIENCE, '-o', loginOptions(work)] as const),
      ...['-w', addresses(work.fleet, work.targets).join(','), work.command],
    ],
    lines: work.lines * work.targets,
  }),
}

/** It writes a line of its own about each target. */
const pssh: Tool = {
  name: 'pssh',
  program: 'parallel-ssh',
  debianPackage: 'pssh',
  exchanges: ['curve25519', 'default'],
  run: work => ({
    argv: [
      ...(['parallel-ssh', '-p', `${work.fanout}`, '-t', '0', '-P', '-x', loginOptions(work)] as const),
      ...['-H', addresses(work.fleet, work.targets).join(' '), work.command],
    ],
    lines: (work.lines + 1) * work.targets,
  }),
}

const loginOptions = (work: Work): string => {
  const { user, port } = placeOf(work.fleet)
  return `${sshOptions(work)} -l ${user} -p ${port}`
}

const addresses = (fleet: Fleet, count: number): readonly string[] =>
  fleet.targets.slice(0, count).map(({ address }) => address)
