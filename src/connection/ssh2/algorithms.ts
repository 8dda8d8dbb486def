/** Which algorithms to ask a server for: what ssh_config wants, out of what ssh2 can. */
import constants from 'ssh2/lib/protocol/constants.js'
import { chooseAlgorithms } from '../ssh-config/algorithms.ts'
import type { AlgorithmList, HostSettings } from '../ssh-config/ssh-config.ts'

/** The settings which choose algorithms. */
export type Wanted = Pick<HostSettings, 'kexAlgorithms' | 'ciphers' | 'macs' | 'hostKeyAlgorithms' | 'compression'>

/** What to ask for; `undefined`: what ssh2 asks for by itself. */
export interface Algorithms {
  readonly kex: readonly string[] | undefined
  readonly cipher: readonly string[] | undefined
  readonly hmac: readonly string[] | undefined
  readonly compress: readonly string[] | undefined
  readonly hostKeys: readonly string[]
}

/** What OpenSSH offers to accept, without SHA-1; in its order of preference. */
const HOST_KEYS: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

const LISTS = {
  kexAlgorithms: [constants.DEFAULT_KEX, constants.SUPPORTED_KEX],
  ciphers: [constants.DEFAULT_CIPHER, constants.SUPPORTED_CIPHER],
  macs: [constants.DEFAULT_MAC, constants.SUPPORTED_MAC],
  hostKeyAlgorithms: [HOST_KEYS, constants.SUPPORTED_SERVER_HOST_KEY],
} as const

type Kind = keyof typeof LISTS

export const algorithmsFor = (wanted: Wanted): Algorithms => ({
  kex: chosen('kexAlgorithms', wanted),
  cipher: chosen('ciphers', wanted),
  hmac: chosen('macs', wanted),
  compress: wanted.compression ? ['zlib@openssh.com', 'zlib', 'none'] : undefined,
  hostKeys: chosen('hostKeyAlgorithms', wanted) ?? HOST_KEYS,
})

/** The first list of which ssh2 knows nothing: a server which wants one of those cannot be reached by it. */
export const impossibleList = (
  wanted: Wanted,
): { readonly keyword: string; readonly list: AlgorithmList } | undefined => {
  for (const kind of Object.keys(LISTS) as Kind[]) {
    const list = wanted[kind]
    if (list !== undefined && chosen(kind, wanted)?.length === 0) return { keyword: KEYWORDS[kind], list }
  }
  return undefined
}

const KEYWORDS: Readonly<Record<Kind, string>> = {
  kexAlgorithms: 'KexAlgorithms',
  ciphers: 'Ciphers',
  macs: 'MACs',
  hostKeyAlgorithms: 'HostKeyAlgorithms',
}

const chosen = (kind: Kind, wanted: Wanted): readonly string[] | undefined => {
  const list = wanted[kind]
  return list === undefined ? undefined : chooseAlgorithms(list, ...LISTS[kind])
}
