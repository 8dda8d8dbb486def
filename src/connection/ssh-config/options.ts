/** The options of ssh_config(5) which we follow: one line of text in, what it sets out. Pure. */
import type { Draft, Setter } from './draft.ts'
import { notFollowed, presentName } from './keywords.ts'
import type { ConfigLine } from './line.ts'
import { lowerCase, pattern, patternList } from './pattern.ts'
import {
  isNone,
  isWhollyNone,
  oneOf,
  parseAlgorithms,
  parseCount,
  parseEnvironment,
  parseEnvironmentNames,
  parseFiles,
  parseFlag,
  parseJumps,
  parsePort,
  parseSeconds,
  parseService,
  placed,
  single,
} from './values.ts'

/**
 * What the line sets, or that it is not followed; `undefined` for an option which does not concern us. Throws `CONFIG` for a
 * bad value. `origin`: whose file it stands in.
 */
export const parseOption = (line: ConfigLine, origin: 'user' | 'system'): Setter | undefined => {
  const keyword = presentName(line.keyword)
  if (Object.hasOwn(OPTIONS, keyword)) return OPTIONS[keyword]?.(line)
  const lost = notFollowed(line, origin)
  if (lost === undefined) return undefined
  return draft => {
    const isIgnored = lost.weight === 'unknown' && patternList(lowerCase(draft.ignoreUnknown ?? ''))(line.keyword)
    if (!isIgnored && !draft.notFollowed.has(lost.keyword)) draft.notFollowed.set(lost.keyword, lost)
  }
}

/** The setter of an option which holds one value. */
const first =
  <K extends keyof Draft>(key: K, parse: (line: ConfigLine) => NonNullable<Draft[K]>) =>
  (line: ConfigLine): Setter => {
    const value = parse(line)
    return draft => {
      draft[key] ??= value
    }
  }

/** The setter of an option whose values add up, each once. */
const adding =
  (key: 'identityFiles' | 'certificateFiles') =>
  (line: ConfigLine): Setter => {
    const file = placed(line)
    return draft => {
      if (!draft[key].some(({ text }) => text === file.text)) draft[key].push(file)
    }
  }

const STRICTNESS = {
  yes: 'strict',
  true: 'strict',
  ask: 'strict',
  'accept-new': 'accept-new',
  no: 'off',
  off: 'off',
  false: 'off',
} as const

const FAMILIES = { any: 'any', inet: 'inet', inet6: 'inet6' } as const

const OPTIONS: Readonly<Record<string, (line: ConfigLine) => Setter | undefined>> = {
  hostname: first('hostName', placed),
  user: first('user', single),
  port: first('port', line => parsePort(line, single(line))),
  addressfamily: first('addressFamily', line => oneOf(line, FAMILIES)),
  bindaddress: first('bindAddress', single),
  bindinterface: first('bindInterface', single),
  // As to ssh, `none` is no value, and a later one counts.
  connecttimeout: line => (isNone(line) ? undefined : first('connectTimeout', parseSeconds)(line)),
  connectionattempts: first('connectionAttempts', parseCount),
  tcpkeepalive: first('tcpKeepAlive', parseFlag),
  compression: first('compression', line => oneOf(line, { yes: true, no: false })),
  ipqos: first('ipQos', parseService),
  identityfile: adding('identityFiles'),
  certificatefile: adding('certificateFiles'),
  identitiesonly: first('identitiesOnly', parseFlag),
  identityagent: first('identityAgent', placed),
  pubkeyacceptedalgorithms: first('pubkeyAcceptedAlgorithms', parseAlgorithms),
  userknownhostsfile: first('userKnownHostsFiles', parseFiles),
  globalknownhostsfile: first('globalKnownHostsFiles', parseFiles),
  stricthostkeychecking: first('strictHostKeyChecking', line => ({
    value: oneOf(line, STRICTNESS),
    location: line.location,
  })),
  hostkeyalias: first('hostKeyAlias', placed),
  checkhostip: first('checkHostIp', parseFlag),
  hashknownhosts: first('hashKnownHosts', parseFlag),
  requiredrsasize: first('requiredRsaSize', parseCount),
  proxyjump: line => {
    if (isWhollyNone(line)) return first('proxyJump', () => 'none')(line)
    const jump = { jumps: parseJumps(line), location: line.location }
    return draft => {
      if (draft.proxyJump !== undefined || draft.proxyCommand !== undefined) return
      draft.proxyJump = jump
      draft.proxyCommand = 'none'
    }
  },
  proxycommand: first('proxyCommand', line =>
    isWhollyNone(line) ? 'none' : { command: line.rest.replace(/^[ \t=]+/, ''), location: line.location },
  ),
  hostkeyalgorithms: first('hostKeyAlgorithms', parseAlgorithms),
  kexalgorithms: first('kexAlgorithms', parseAlgorithms),
  ciphers: first('ciphers', parseAlgorithms),
  macs: first('macs', parseAlgorithms),
  serveraliveinterval: line => (isNone(line) ? undefined : first('serverAliveInterval', parseSeconds)(line)),
  serveralivecountmax: first('serverAliveCountMax', parseCount),
  sendenv: line => {
    const names = parseEnvironmentNames(line)
    return draft => {
      for (const name of names) {
        if (!name.startsWith('-')) draft.sendEnv.push(name)
        else draft.sendEnv.splice(0, Infinity, ...draft.sendEnv.filter(taken(name.slice(1))))
      }
    }
  },
  setenv: line => {
    const variables = parseEnvironment(line)
    return variables.size === 0 ? undefined : first('setEnv', () => variables)(line)
  },
  ignoreunknown: first('ignoreUnknown', single),
}

/** The keywords, in lower case, which set something. */
export const OPTION_KEYWORDS: readonly string[] = Object.keys(OPTIONS)

// The names may have wildcards themselves; they are compared as they are written.
const taken = (text: string): ((name: string) => boolean) => {
  const matches = pattern(text)
  return name => !matches(name)
}
