/** What the tools are told to do, and what a tool is. */

import type { Program } from '../common/measure.ts'
import type { Fleet } from './fleet.ts'

/** One command on the first so many targets of a fleet. */
export interface Work {
  readonly fleet: Fleet
  readonly targets: number
  readonly fanout: number
  readonly command: string
  /** How many lines the command writes on each target. */
  readonly lines: number
  readonly exchange: KeyExchange
}

/** `curve25519`: all tools use that key exchange. `default`: each its own. */
export type KeyExchange = 'curve25519' | 'default'

export interface Tool {
  readonly name: 'stoker' | 'bare ssh2' | 'pdsh' | 'clush' | 'pssh' | 'ansible'
  /** What has to be installed; without it, it is always there. */
  readonly program?: string
  readonly debianPackage?: string
  /** The key exchanges with which it is measured; ssh2 uses curve25519 by itself. */
  readonly exchanges: readonly KeyExchange[]
  /** With more targets it is left out. */
  readonly limit?: { readonly targets: number; readonly why: string }
  run(work: Work): Program
}

/** For OpenSSH's client: the key and the known hosts of the fleet, and nobody's configuration. */
export const sshOptions = ({ fleet, exchange }: Work): string =>
  [
    `-F /dev/null -i ${fleet.identity}`,
    `-o IdentitiesOnly=yes -o UserKnownHostsFile=${fleet.knownHosts}`,
    ...(exchange === 'curve25519' ? ['-o KexAlgorithms=curve25519-sha256'] : []),
  ].join(' ')

/** Where the targets of a fleet have their login and port, which are the same for all. */
export const placeOf = (fleet: Fleet) => {
  const [first] = fleet.targets
  if (!first) throw new Error('a fleet without targets')
  return first
}
