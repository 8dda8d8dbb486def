/** From what ssh_config files say of a host to what it means: defaults, tokens, `~`, the environment. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { AlgorithmList, Draft, Jump, NotFollowed } from './draft.ts'
import type { Evaluation } from './evaluate.ts'
import { agentSocket, type Environment, expandJump, expandPath, type Tokens } from './expand.ts'
import type { Located, SourceLocation } from './line.ts'
import { lowerCase, pattern } from './pattern.ts'

/** All that is known of how to connect to one host; paths are expanded. */
export interface HostSettings {
  /** The name which was looked up. */
  readonly name: string
  /** What to connect to: `HostName`, else the name itself; lower case. */
  readonly hostName: string
  readonly port: number
  readonly user: string
  /** In the order of the files. `undefined`: none configured, the usual ones count. Empty: `IdentityFile none`. */
  readonly identityFiles: readonly string[] | undefined
  readonly identitiesOnly: boolean
  /** The agent's socket; `undefined` when there is none, or none shall be used. */
  readonly identityAgent: string | undefined
  readonly userKnownHostsFiles: readonly string[]
  readonly globalKnownHostsFiles: readonly string[]
  /** `undefined` when nothing is configured. Never off: `no` counts as `accept-new`, with a notice. */
  readonly strictHostKeyChecking: 'strict' | 'accept-new' | undefined
  readonly hostKeyAlias: string | undefined
  /** Whether the key has to be the one known of the address as well, where one is known. */
  readonly checkHostIp: boolean
  /** Whether names are hidden when keys are written down. */
  readonly hashKnownHosts: boolean
  /** The least bits of an RSA key, the server's or one's own. */
  readonly requiredRsaSize: number
  /** The hosts to go through, the first hop first. */
  readonly proxyJump: readonly Jump[]
  /** As it stands in the file. It is for the caller to refuse. */
  readonly proxyCommand: string | undefined
  /** User certificates, to be used with the keys. */
  readonly certificateFiles: readonly string[]
  /** Signature algorithms for one's own keys. */
  readonly pubkeyAcceptedAlgorithms: AlgorithmList | undefined
  readonly hostKeyAlgorithms: AlgorithmList | undefined
  readonly kexAlgorithms: AlgorithmList | undefined
  readonly ciphers: AlgorithmList | undefined
  readonly macs: AlgorithmList | undefined
  /** Seconds between two questions for a sign of life; 0: none. */
  readonly serverAliveInterval: number | undefined
  readonly serverAliveCountMax: number | undefined
  /** Seconds which the opening may take. */
  readonly connectTimeout: number | undefined
  /** How often to try, a second apart. */
  readonly connectionAttempts: number
  readonly addressFamily: 'any' | 'inet' | 'inet6'
  /** A name or address of this machine to connect from. */
  readonly bindAddress: string | undefined
  /** A network interface of this machine to connect from; BindAddress counts before it. */
  readonly bindInterface: string | undefined
  readonly tcpKeepAlive: boolean
  readonly compression: boolean
  /** The byte for differentiated services in the IP header; `undefined`: the system's own. */
  readonly service: number | undefined
  /** Variables for the target: what SendEnv names and this environment has, and what SetEnv sets. */
  readonly environment: Readonly<Record<string, string>>
  /** What a connection of our own does not follow, in the order in which it is met. */
  readonly notFollowed: readonly NotFollowed[]
  /** Whether a Host or Match pattern other than `*` fitted the name: somebody has written about this very host. */
  readonly matched: boolean
}

/** Who asks. */
export interface Local {
  readonly user: string
  readonly home: string
  readonly uid: number
  readonly env: Environment
}

/** Tells something about a place, once. */
export type WarnOnce = (location: SourceLocation, text: string) => void

/** From what the files say to what it means: defaults, tokens, `~`, and notices of what is not followed. */
export const settle = (
  { draft, hostName, matched }: Evaluation,
  name: string,
  local: Local,
  warnOnce: WarnOnce,
): HostSettings => {
  const port = draft.port ?? 22
  const user = draft.user ?? local.user
  // All tokens but %C, which is made for the names of control sockets.
  const hostKeyAlias = draft.hostKeyAlias === undefined ? undefined : lowerCase(draft.hostKeyAlias.text)
  const tokens: Tokens = {
    d: local.home,
    h: hostName,
    i: String(local.uid),
    k: hostKeyAlias ?? name,
    get l() {
      return hostname()
    },
    get L() {
      return hostname().split('.')[0] ?? ''
    },
    n: name,
    p: String(port),
    r: user,
    u: local.user,
  }
  const path = (value: Located): string => expandPath(value, local.home, local.env, tokens)
  const strictness = draft.strictHostKeyChecking
  if (strictness?.value === 'off')
    warnOnce(strictness.location, 'host keys are checked all the same: StrictHostKeyChecking no counts as accept-new')
  const { proxyCommand: command } = draft
  return {
    name,
    hostName,
    port,
    user,
    identityFiles: draft.identityFiles.length === 0 ? undefined : withoutNone(draft.identityFiles).map(path),
    certificateFiles: withoutNone(draft.certificateFiles).map(path),
    identitiesOnly: draft.identitiesOnly ?? false,
    identityAgent: agentSocket(draft.identityAgent, local.env, path),
    userKnownHostsFiles: draft.userKnownHostsFiles?.map(path) ?? [
      join(local.home, '.ssh/known_hosts'),
      join(local.home, '.ssh/known_hosts2'),
    ],
    globalKnownHostsFiles: draft.globalKnownHostsFiles?.map(({ text }) => text) ?? [
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
    strictHostKeyChecking: strictness?.value === 'off' ? 'accept-new' : strictness?.value,
    hostKeyAlias,
    checkHostIp: draft.checkHostIp ?? false,
    hashKnownHosts: draft.hashKnownHosts ?? false,
    requiredRsaSize: draft.requiredRsaSize ?? RSA_SIZE,
    proxyJump: jumpsOf(draft, { h: hostName, n: name, p: String(port), r: user }),
    proxyCommand: command === 'none' ? undefined : command?.command,
    hostKeyAlgorithms: draft.hostKeyAlgorithms,
    kexAlgorithms: draft.kexAlgorithms,
    ciphers: draft.ciphers,
    macs: draft.macs,
    pubkeyAcceptedAlgorithms: draft.pubkeyAcceptedAlgorithms,
    serverAliveInterval: draft.serverAliveInterval,
    serverAliveCountMax: draft.serverAliveCountMax,
    connectTimeout: draft.connectTimeout,
    connectionAttempts: draft.connectionAttempts ?? 1,
    addressFamily: draft.addressFamily ?? 'any',
    bindAddress: draft.bindAddress,
    bindInterface: draft.bindInterface,
    tcpKeepAlive: draft.tcpKeepAlive ?? true,
    compression: draft.compression ?? false,
    service: draft.ipQos?.byte,
    environment: environmentOf(draft, local.env),
    notFollowed: [...draft.notFollowed.values(), ...proxyNotFollowed(draft)].filter(
      ({ weight }) => weight !== 'silent',
    ),
    matched,
  }
}

/** What OpenSSH requires where nothing is said. */
const RSA_SIZE = 1024

const withoutNone = (files: readonly Located[]): readonly Located[] =>
  files.filter(({ text }) => lowerCase(text) !== 'none')

const environmentOf = ({ sendEnv, setEnv }: Draft, env: Environment): Readonly<Record<string, string>> => {
  const patterns = sendEnv.map(pattern)
  const sent = patterns.length === 0 ? [] : Object.entries(env).filter(([name]) => patterns.some(fits => fits(name)))
  const present = sent.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
  return Object.fromEntries([...present, ...(setEnv ?? [])])
}

const jumpsOf = ({ proxyJump = 'none' }: Draft, tokens: Tokens): readonly Jump[] =>
  proxyJump === 'none' ? [] : proxyJump.jumps.map(jump => expandJump(jump, proxyJump.location, tokens))

const proxyNotFollowed = ({ proxyCommand: command = 'none' }: Draft): readonly NotFollowed[] =>
  command === 'none' ? [] : [{ keyword: 'ProxyCommand', location: command.location, weight: 'refuse' }]
