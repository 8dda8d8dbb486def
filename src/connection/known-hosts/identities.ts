/** Under which names known_hosts may know a machine: those which ssh would look up. Pure. */
import { BlockList, isIP } from 'node:net'
import type { HostSettings } from '../ssh-config/ssh-config.ts'
import type { HostIdentity } from './known-hosts.ts'

/** A machine, and how it is reached. */
export interface Reached {
  readonly name: string
  /** Host names and addresses, the preferred one first. */
  readonly hosts: readonly [string, ...string[]]
  readonly port: number
  readonly settings: Pick<HostSettings, 'hostName' | 'hostKeyAlias' | 'checkHostIp'>
  /** The address which the connection leads to, where it leads there without a detour. */
  readonly address?: string | undefined
}

/**
 * The names to look up, the one under which a new key is written first; the first of which anything is known decides. With
 * HostKeyAlias, and where the name is all that leads to the machine, that is the one name which ssh looks up. An address
 * which a warehouse gives is looked up to the letter, and the name after it.
 */
export const hostIdentities = (machine: Reached): readonly [HostIdentity, ...HostIdentity[]] => {
  const { name, hosts, port, settings } = machine
  const { hostName, hostKeyAlias } = settings
  const address = checkedAddress(machine)
  if (hostKeyAlias !== undefined) return [{ name: hostName, port, alias: hostKeyAlias, address }]
  if (hosts[0].toLowerCase() === hostName) return [{ name: hostName, port, address }]
  const names = [name, hostName].filter(one => !hosts.includes(one))
  const bracketed = names.map(one => `[${one}]:${port}`)
  const [first, ...others] = [...new Set([hosts[0], ...names, ...hosts])].map(
    (one): HostIdentity =>
      isIP(one) === 0 ? { name: one, port, address } : { name: one, port, names: [...names, ...bracketed] },
  )
  return [first as HostIdentity, ...others]
}

/** As ssh has it, this is no use for this machine's own addresses, nor where the address is what was asked for. */
const checkedAddress = ({ hosts, settings, address }: Reached): string | undefined =>
  settings.checkHostIp && address !== undefined && hosts[0] !== address && !isLoopback(address) ? address : undefined

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

const isLoopback = (address: string): boolean => loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
