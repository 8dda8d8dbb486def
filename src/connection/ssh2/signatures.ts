/** Which of one's own keys may sign, and how: PubkeyAcceptedAlgorithms and RequiredRSASize of ssh_config(5). Pure. */
import type { ParsedKey } from 'ssh2'
import { rsaBits } from '../known-hosts/public-key.ts'
import { chooseAlgorithms } from '../ssh-config/algorithms.ts'
import type { HostSettings } from '../ssh-config/ssh-config.ts'

export interface Signatures {
  /** Whether the key is to be offered at all. */
  offers(key: ParsedKey): boolean
  /** Whether it may sign with that hash, as ssh2 names it: of RSA keys only, and `undefined` is SHA-1. */
  signs(key: ParsedKey, hash: string | undefined): boolean
  /** Whether `signs` may say no to a key that is offered. */
  readonly restricted: boolean
}

/** ssh2 signs with SHA-1 where an old server knows nothing else; ssh does so only where it is told to. */
const USUAL: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]
const WEAK: readonly string[] = ['ssh-rsa', 'ssh-dss']
const RSA: Readonly<Record<string, string>> = { sha512: 'rsa-sha2-512', sha256: 'rsa-sha2-256', sha1: 'ssh-rsa' }

export const signaturesFor = ({
  pubkeyAcceptedAlgorithms: wanted,
  requiredRsaSize,
}: Pick<HostSettings, 'pubkeyAcceptedAlgorithms' | 'requiredRsaSize'>): Signatures => {
  const accepted = wanted && new Set(chooseAlgorithms(wanted, USUAL, [...USUAL, ...WEAK]))
  const isLong = (key: ParsedKey): boolean => (rsaBits(key.getPublicSSH()) ?? requiredRsaSize) >= requiredRsaSize
  return {
    restricted: accepted !== undefined,
    offers: key =>
      isLong(key) &&
      (accepted === undefined ||
        (key.type === 'ssh-rsa' ? Object.values(RSA).some(name => accepted.has(name)) : accepted.has(key.type))),
    signs: (key, hash = 'sha1') =>
      accepted === undefined || key.type !== 'ssh-rsa' || accepted.has(RSA[hash] ?? 'another'),
  }
}
