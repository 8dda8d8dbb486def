/** Whether a server's key is to be trusted, and what the administrator reads when it is not. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { fingerprint, type HostIdentity, type KnownHosts, keyType, type Verdict } from './known-hosts.ts'

export interface HostKeyPolicy {
  readonly knownHosts: KnownHosts
  /** `strict`: an unknown key is refused. `accept-new`: it is written down. A changed key is refused by either. */
  readonly hostKeys: 'strict' | 'accept-new'
  /** Where new keys are written. */
  readonly file: string
}

/** What OpenSSH offers to accept, without SHA-1; in its order of preference. */
const ALGORITHMS: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/** The algorithms to ask for, those of keys already known first, or a host with several keys would look changed. */
export const hostKeyAlgorithms = (hosts: readonly HostIdentity[], { knownHosts }: HostKeyPolicy): readonly string[] => {
  const known = hosts.flatMap(host => knownHosts.keyTypes(host)).filter(type => ALGORITHMS.includes(type))
  return [...new Set([...known, ...ALGORITHMS])]
}

/**
 * Accepts the key or throws `HOST_KEY_UNKNOWN` or `HOST_KEY_CHANGED`. `hosts` are the ways to call the machine, the one
 * under which a new key is written first; the first of which anything is known decides.
 */
export const verifyHostKey = async (
  name: string,
  hosts: readonly [HostIdentity, ...HostIdentity[]],
  key: Buffer,
  policy: HostKeyPolicy,
  io: Abortable,
): Promise<void> => {
  const verdicts = hosts.map(host => policy.knownHosts.check(host, key))
  const revoked = verdicts.find(verdict => verdict.kind === 'revoked')
  const verdict = revoked ?? verdicts.find(one => one.kind !== 'unknown') ?? (await learn(hosts[0], key, policy, io))
  switch (verdict.kind) {
    case 'known':
      return
    case 'unknown':
      throw unknown(name, hosts, key, policy)
    case 'changed':
      throw changed(name, key, verdict)
    case 'revoked':
      throw new StokerError(
        'HOST_KEY_CHANGED',
        name,
        'HOST KEY REVOKED: the machine shows a key which must not be trusted; do not log in before you know why',
        { detail: `${described(key)}, revoked in ${verdict.file}:${verdict.line}` },
      )
    default:
      throw new Error(`unknown verdict: ${verdict satisfies never}`)
  }
}

const learn = async (host: HostIdentity, key: Buffer, policy: HostKeyPolicy, io: Abortable): Promise<Verdict> =>
  policy.hostKeys === 'accept-new' ? await policy.knownHosts.append(policy.file, host, key, io) : { kind: 'unknown' }

const unknown = (
  name: string,
  hosts: readonly [HostIdentity, ...HostIdentity[]],
  key: Buffer,
  { knownHosts, file }: HostKeyPolicy,
): StokerError => {
  if (hosts.some(host => knownHosts.authorities(host)))
    return new StokerError(
      'HOST_KEY_UNKNOWN',
      name,
      'the host is known by a certificate authority only, which this connection cannot check; use --connection openssh, or add its plain key to known_hosts',
      { detail: described(key) },
    )
  const [host] = hosts
  const label = host.alias ?? (host.port === 22 ? host.name : `[${host.name}]:${host.port}`)
  return new StokerError(
    'HOST_KEY_UNKNOWN',
    name,
    `host key not known: compare its fingerprint with the machine's own, then run once with --host-keys accept-new, or add the key to ${file}`,
    { detail: `${described(key)}; line to add: ${label} ${keyType(key)} ${key.toString('base64')}` },
  )
}

const changed = (name: string, key: Buffer, verdict: Verdict & { readonly kind: 'changed' }): StokerError =>
  new StokerError(
    'HOST_KEY_CHANGED',
    name,
    `HOST KEY CHANGED: this is not the key in ${verdict.file}; somebody may be listening in, or the machine was installed anew. ` +
      'If you know that it was, remove its old line and try again',
    { detail: `shown: ${described(key)}; known from ${verdict.file}:${verdict.line}: ${verdict.known.join(', ')}` },
  )

const described = (key: Buffer): string => `${keyType(key)} ${fingerprint(key)}`
