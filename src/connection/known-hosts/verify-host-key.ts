/** Whether a server's key is to be trusted, and what the administrator reads when it is not. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { fingerprint, type HostIdentity, type KnownHosts, type Verdict } from './known-hosts.ts'
import { keyType, plainType, rsaBits } from './public-key.ts'

export interface HostKeyPolicy {
  readonly knownHosts: KnownHosts
  /** `strict`: an unknown key is refused. `accept-new`: it is written down. A changed key is refused by either. */
  readonly hostKeys: 'strict' | 'accept-new'
  /** Where new keys are written; `undefined`: nowhere, and then none is accepted either. */
  readonly file: string | undefined
  /** HashKnownHosts: new names are written as hashes. */
  readonly hashed: boolean
  /** RequiredRSASize: RSA keys with fewer bits are refused. */
  readonly rsaBits: number
}

/**
 * The algorithms in the order to ask for them: as they are when the best one fits a key which is known, else those of known
 * keys first, or a host with several keys would look changed. The same order as ssh's, so that both see the same key.
 */
export const knownFirst = (
  algorithms: readonly string[],
  hosts: readonly HostIdentity[],
  { knownHosts }: HostKeyPolicy,
): readonly string[] => {
  const known = new Set(hosts.flatMap(host => knownHosts.keyTypes(host)))
  const fits = (algorithm: string): boolean => known.has(plainType(algorithm))
  const [best] = algorithms
  if (best !== undefined && fits(best)) return algorithms
  return [...algorithms.filter(fits), ...algorithms.filter(algorithm => !fits(algorithm))]
}

/**
 * Accepts the key or throws `HOST_KEY_UNKNOWN`, `HOST_KEY_CHANGED`, or `CONNECT_FAILED` for one which is too short. `hosts` are the ways to call the machine, the one
 * under which a new key is written first; the first of which anything is known decides.
 */
export const verifyHostKey = async (
  name: string,
  hosts: readonly [HostIdentity, ...HostIdentity[]],
  key: Buffer,
  policy: HostKeyPolicy,
  io: Abortable,
): Promise<void> => {
  const bits = rsaBits(key)
  if (bits !== undefined && bits < policy.rsaBits)
    throw new StokerError(
      'CONNECT_FAILED',
      name,
      `its host key is an RSA key of ${bits} bits, and fewer than ${policy.rsaBits} are not safe (RequiredRSASize in ssh_config)`,
      { detail: described(key) },
    )
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
  policy.hostKeys === 'accept-new' && policy.file !== undefined && !UNWRITABLE.test(host.name)
    ? await policy.knownHosts.append(policy.file, host, key, { ...io, hashed: policy.hashed })
    : { kind: 'unknown' }

// As ssh has it; an alias is the user's own affair.
const UNWRITABLE = /[@?*#[\]|'"\\]/

const unknown = (
  name: string,
  hosts: readonly [HostIdentity, ...HostIdentity[]],
  key: Buffer,
  { knownHosts, file, hostKeys }: HostKeyPolicy,
): StokerError => {
  if (hosts.some(host => knownHosts.authorities(host)))
    return new StokerError(
      'HOST_KEY_UNKNOWN',
      name,
      'the host is known by a certificate authority only, which this connection cannot check; use --connection openssh, or add its plain key to known_hosts',
      { detail: described(key) },
    )
  if (hostKeys === 'accept-new' && file === undefined)
    return new StokerError(
      'HOST_KEY_UNKNOWN',
      name,
      'host key not known, and there is no file to write new ones to (UserKnownHostsFile none in ssh_config)',
      { detail: described(key) },
    )
  const [host] = hosts
  const label = host.alias ?? (host.port === 22 ? host.name : `[${host.name}]:${host.port}`)
  return new StokerError(
    'HOST_KEY_UNKNOWN',
    name,
    `host key not known: compare its fingerprint with the machine's own, then run once with --host-keys accept-new, or add the key to ${file ?? 'known_hosts'}`,
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
