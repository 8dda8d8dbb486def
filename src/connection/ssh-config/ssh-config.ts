/**
 * What the user's ssh_config says about a host. The parts of ssh_config(5) which set where to connect, as whom, with which
 * keys and which host keys; `ssh -G` gives the same answers. Nothing in a configuration is ever executed.
 */
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { agentSocket, type Environment, expandJump, expandPath, expandTokens, type Tokens } from './expand.ts'
import { type Block, type Condition, linesBlock, readBlocks } from './files.ts'
import { localUser } from './local-user.ts'
import type { AlgorithmList, Draft, Jump, Located, SourceLocation } from './options.ts'
import { pattern } from './pattern.ts'

export type { AlgorithmList, Jump } from './options.ts'

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
  /** The hosts to go through, the first hop first. */
  readonly proxyJump: readonly Jump[]
  /** As it stands in the file. It is for the caller to refuse. */
  readonly proxyCommand: string | undefined
  readonly hostKeyAlgorithms: AlgorithmList | undefined
  readonly kexAlgorithms: AlgorithmList | undefined
  readonly ciphers: AlgorithmList | undefined
  readonly macs: AlgorithmList | undefined
  /** Seconds between two questions for a sign of life; 0: none. */
  readonly serverAliveInterval: number | undefined
  readonly serverAliveCountMax: number | undefined
  /** Whether a Host or Match pattern other than `*` fitted the name: somebody has written about this very host. */
  readonly matched: boolean
}

export interface SshConfig {
  /** The settings of a host; `user` comes before what the files say. Throws `CONFIG` when a value cannot be expanded. */
  lookup(name: string, user?: string): HostSettings
}

export interface SshConfigOptions {
  /** Lines which come before those of the files, for every host: what a command line says. */
  readonly lines?: readonly string[]
  /** Default: `~/.ssh/config`. */
  readonly userFile?: string
  /** Default: `/etc/ssh/ssh_config`. */
  readonly systemFile?: string
  /** Where `~` points. Default: the home folder in the password database; like ssh, `$HOME` does not count. */
  readonly home?: string
  /** For `${NAME}` and `SSH_AUTH_SOCK`. Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Called once about each thing in the files which is not followed to the letter. */
  readonly warn: (text: string) => void
}

/** Reads the user's configuration, then the system's. Absent files are empty ones; throws `CONFIG` with file and line. */
export const loadSshConfig = async (options: SshConfigOptions, io: Abortable): Promise<SshConfig> => {
  io.signal.throwIfAborted()
  const user = localUser()
  const local = { ...user, home: options.home ?? user.home }
  const folder = join(local.home, '.ssh')
  const {
    userFile = join(folder, 'config'),
    systemFile = '/etc/ssh/ssh_config',
    env = process.env,
    warn: notice,
  } = options
  const { home } = local
  const blocks = [
    linesBlock(options.lines ?? []),
    ...(await readBlocks(userFile, { kind: 'user', folder, home, warn: notice }, io)),
    ...(await readBlocks(systemFile, { kind: 'system', folder: '/etc/ssh', home, warn: notice }, io)),
  ]
  const warned = new Set<string>()
  const warnOnce = ({ file, line }: SourceLocation, text: string): void => {
    const whole = `${file}:${line}: ${text}`
    if (warned.has(whole)) return
    warned.add(whole)
    notice(whole)
  }
  return {
    lookup: (name, user) =>
      settle(evaluate(blocks, name, user, local.user, warnOnce), name, { ...local, env }, warnOnce),
  }
}

/** A wanted list of algorithms applied to the default one, without those which are not supported. */
export const chooseAlgorithms = (
  wanted: AlgorithmList,
  defaults: readonly string[],
  supported: readonly string[],
): readonly string[] => {
  const named = [...new Set(wanted.names)].filter(name => supported.includes(name))
  switch (wanted.kind) {
    case 'only':
      return named
    case 'append':
      return [...defaults, ...named.filter(name => !defaults.includes(name))]
    case 'prepend':
      return [...named, ...defaults.filter(name => !named.includes(name))]
    case 'remove': {
      const patterns = wanted.names.map(pattern)
      return defaults.filter(name => !patterns.some(matches => matches(name)))
    }
    default:
      throw new Error(`unknown change: ${wanted.kind satisfies never}`)
  }
}

interface Local {
  readonly user: string
  readonly home: string
  readonly uid: number
  readonly env: Environment
}

type WarnOnce = (location: SourceLocation, text: string) => void

interface Evaluation {
  readonly draft: Draft
  readonly hostName: string
  readonly matched: boolean
}

/** Goes through the blocks: the first value of each option stays. `Match final` has them read a second time. */
const evaluate = (
  blocks: readonly Block[],
  name: string,
  user: string | undefined,
  localUser: string,
  warnOnce: WarnOnce,
): Evaluation => {
  const draft: Draft = { identityFiles: [], notFollowed: new Map() }
  if (user !== undefined) draft.user = user
  let host = name // what Host patterns see: the name, in the second reading what it stands for
  let final = false
  let wantsFinal = false
  let matched = false

  const holds = (condition: Condition): boolean => {
    switch (condition.kind) {
      case 'always':
        return true
      case 'never':
        return false
      case 'host': {
        const hits = condition.patterns.filter(({ matches }) => matches(host))
        if (hits.length === 0 || hits.some(({ negated }) => negated)) return false
        matched ||= !final && hits.some(({ any }) => !any)
        return true
      }
      case 'match': {
        wantsFinal ||= condition.wantsFinal
        const seen = {
          host: final ? host : expandHostName(draft, host),
          originalhost: name,
          user: draft.user ?? localUser,
          localuser: localUser,
        }
        for (const { attribute, negated, matches } of condition.criteria)
          if ((attribute === 'final' ? final : matches(seen[attribute])) === negated) return false
        if (condition.skipped !== undefined) {
          warnOnce(condition.location, `Match ${condition.skipped} is not evaluated: what it says is left out`)
          return false
        }
        matched ||= condition.criteria.some(
          ({ attribute, negated, any }) => !negated && !any && (attribute === 'host' || attribute === 'originalhost'),
        )
        return true
      }
      default:
        throw new Error(`unknown condition: ${condition satisfies never}`)
    }
  }
  const apply = (list: readonly Block[]): void => {
    for (const { condition, items } of list) {
      if (!holds(condition)) continue
      for (const item of items) {
        if (typeof item === 'function') item(draft)
        else apply(item)
      }
    }
  }

  apply(blocks)
  host = expandHostName(draft, name)
  if (wantsFinal) {
    final = true
    apply(blocks)
  }
  return { draft, hostName: host, matched }
}

const expandHostName = ({ hostName }: Draft, name: string): string => {
  const expanded = hostName === undefined ? name : expandTokens(hostName, { h: name })
  return isIP(expanded) === 0 ? expanded.toLowerCase() : expanded
}

/** From what the files say to what it means: defaults, tokens, `~`, and notices of what is not followed. */
const settle = (
  { draft, hostName, matched }: Evaluation,
  name: string,
  local: Local,
  warnOnce: WarnOnce,
): HostSettings => {
  const port = draft.port ?? 22
  const user = draft.user ?? local.user
  // All tokens but %C, which is made for the names of control sockets.
  const hostKeyAlias = draft.hostKeyAlias?.text.toLowerCase()
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
  for (const [option, location] of draft.notFollowed) warnOnce(location, `${option} is not followed`)
  const strictness = draft.strictHostKeyChecking
  if (strictness?.value === 'off')
    warnOnce(strictness.location, 'host keys are checked all the same: StrictHostKeyChecking no counts as accept-new')
  const proxy = draft.proxy
  return {
    name,
    hostName,
    port,
    user,
    identityFiles:
      draft.identityFiles.length === 0
        ? undefined
        : draft.identityFiles.filter(({ text }) => text.toLowerCase() !== 'none').map(path),
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
    proxyJump:
      proxy?.kind === 'jump'
        ? proxy.jumps.map(jump => expandJump(jump, proxy.location, { h: hostName, n: name, p: String(port), r: user }))
        : [],
    proxyCommand: proxy?.kind === 'command' ? proxy.command : undefined,
    hostKeyAlgorithms: draft.hostKeyAlgorithms,
    kexAlgorithms: draft.kexAlgorithms,
    ciphers: draft.ciphers,
    macs: draft.macs,
    serverAliveInterval: draft.serverAliveInterval,
    serverAliveCountMax: draft.serverAliveCountMax,
    matched,
  }
}
