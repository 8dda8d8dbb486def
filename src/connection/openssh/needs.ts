/** What only the system's ssh can do for a target, out of all that ssh_config, keys, agents and known hosts ask for. */
import { access } from 'node:fs/promises'
import type { Abortable } from '../../base/abortable.ts'
import type { Target } from '../../inventory/target.ts'
import { jumpsTo } from '../jumps.ts'
import { hostIdentities } from '../known-hosts/identities.ts'
import type { KnownHosts } from '../known-hosts/known-hosts.ts'
import { chooseAlgorithms } from '../ssh-config/algorithms.ts'
import type { HostSettings, NotFollowed, SshConfig } from '../ssh-config/ssh-config.ts'
import type { Unfollowed } from '../unfollowed.ts'
import { keyNeeds } from './key-needs.ts'

export interface NeedOptions {
  readonly config: SshConfig
  /** Key files which the user names for this run. */
  readonly identity: readonly string[]
  /** The user's folder, where `.ssh` with the usual keys is. */
  readonly home: string
  /** Whether there is a Kerberos ticket, as far as one can see. */
  readonly hasTicket: boolean
  readonly knownHosts: (settings: HostSettings) => Promise<KnownHosts>
  /** Who to log in as at a target, where that is known beforehand. */
  readonly userOf: (target: Target) => string | undefined
}

/** For a target, what a connection of our own would not follow; the same answer for the same target. */
export const opensshNeeds = (
  options: NeedOptions,
): ((target: Target, io: Abortable) => Promise<readonly Unfollowed[]>) => {
  const { config } = options
  const keys = keyNeeds(options)

  const ofHop = async (settings: HostSettings, isFirst: boolean, io: Abortable): Promise<readonly Unfollowed[]> => {
    const { needs, hasKey } = await keys(settings, io)
    const lost = settings.notFollowed.filter(({ keyword, weight }) => {
      if (weight === 'keyless') return !hasKey && options.hasTicket
      // Who comes from another stop needs no program to get there.
      return isFirst || keyword !== 'ProxyCommand'
    })
    return [
      ...lost.map(said),
      ...(await algorithmNeeds(settings)),
      ...signatureNeeds(settings),
      ...(await certificateNeeds(settings)),
      ...needs,
    ]
  }

  return async (target, io) => {
    const settings = config.lookup(target.name, options.userOf(target))
    const via = jumpsTo(settings, config)
    const found = [...(await ofHop(settings, via.length === 0, io))]
    for (const [n, { host, user }] of via.entries())
      found.push(...(await ofHop(config.lookup(host, user), n === 0, io)))
    if (await hasAuthorityOnly(target, settings, await options.knownHosts(settings)))
      found.push({ what: 'a certificate authority is all that known_hosts has of it', decides: true })
    return found
  }
}

const said = ({ keyword, location: { file, line }, weight }: NotFollowed): Unfollowed => ({
  what: `${weight === 'unknown' ? 'unknown keyword ' : ''}${keyword} (${file}:${line})`,
  decides: weight !== 'told' && weight !== 'unknown',
})

const algorithmNeeds = async (settings: HostSettings): Promise<readonly Unfollowed[]> => {
  const { kexAlgorithms, ciphers, macs, hostKeyAlgorithms } = settings
  if ([kexAlgorithms, ciphers, macs, hostKeyAlgorithms].every(list => list === undefined)) return []
  const { impossibleList } = await import('../ssh2/algorithms.ts')
  const found = impossibleList(settings)
  if (found === undefined) return []
  const { file, line } = found.list.location
  return [{ what: `${found.keyword} (${file}:${line})`, decides: true }]
}

/** Of the ways in which an RSA key can sign, ssh2 takes the one of its own choice wherever the server knows it. */
const signatureNeeds = ({ pubkeyAcceptedAlgorithms: wanted }: HostSettings): readonly Unfollowed[] => {
  const accepted = wanted && chooseAlgorithms(wanted, RSA.slice(0, 2), RSA)
  if (wanted === undefined || accepted === undefined || accepted.length === 0 || accepted.includes('rsa-sha2-256'))
    return []
  return [{ what: `PubkeyAcceptedAlgorithms (${wanted.location.file}:${wanted.location.line})`, decides: true }]
}

const RSA = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']

const certificateNeeds = async ({ certificateFiles }: HostSettings): Promise<readonly Unfollowed[]> => {
  for (const file of certificateFiles)
    if (await exists(file)) return [{ what: `CertificateFile (${file})`, decides: true }]
  return []
}

const hasAuthorityOnly = async (target: Target, settings: HostSettings, knownHosts: KnownHosts): Promise<boolean> => {
  if (!knownHosts.hasAuthorities) return false
  const [first = settings.hostName, ...others] = target.addresses
  const machine = {
    name: target.name,
    hosts: [first, ...others],
    port: target.port ?? settings.port,
    settings,
  } as const
  const hosts = hostIdentities(machine)
  return !hosts.some(host => knownHosts.isKnown(host)) && hosts.some(host => knownHosts.authorities(host))
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false, // what cannot be seen cannot be used either
  )
