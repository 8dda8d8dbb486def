/** The arguments for the system's ssh: what it gets beside its own configuration. Pure. */

import type { KeepAlive } from '../keep-alive.ts'

/** What all connections of a run have in common. */
export interface OpensshSettings {
  /** Which ssh_config counts: the usual files, none at all, or this one. */
  readonly config:
    | { readonly kind: 'usual' }
    | { readonly kind: 'none' }
    | { readonly kind: 'file'; readonly path: string }
  /** Lines of ssh_config which come before those of the files. */
  readonly lines?: readonly string[]
  /** Private keys beside those of ssh_config. */
  readonly identity: readonly string[]
  /** Instead of ssh_config's files; new keys go into the first. */
  readonly knownHosts?: readonly string[] | undefined
}

/** Where one connection leads. What is absent is for ssh_config to say. */
export interface OpensshDestination {
  /** What ssh_config is asked for. */
  readonly name: string
  readonly address?: string | undefined
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** The name under which known_hosts has it, where that is not what is connected to. */
  readonly hostKeyAlias?: string | undefined
  readonly hostKeys: 'strict' | 'accept-new'
  readonly keepAlive: KeepAlive
}

/** The arguments which open a connection that others can share by the socket, up to the command. */
export const masterArguments = (
  settings: OpensshSettings,
  destination: OpensshDestination,
  socket: string,
): readonly string[] => {
  const { knownHosts } = settings
  const { address, port, user, hostKeyAlias } = destination
  return [
    ...commonArguments(settings),
    ...['-M', '-S', socket],
    ...option('ControlPersist', 'no'),
    ...option('ServerAliveInterval', String(destination.keepAlive.interval)),
    ...option('ServerAliveCountMax', String(destination.keepAlive.maxMissed)),
    ...option('StrictHostKeyChecking', destination.hostKeys === 'strict' ? 'yes' : 'accept-new'),
    ...(hostKeyAlias === undefined ? [] : option('HostKeyAlias', hostKeyAlias)),
    ...(knownHosts === undefined ? [] : option('UserKnownHostsFile', knownHosts.map(inQuotes).join(' '))),
    ...(knownHosts === undefined ? [] : option('GlobalKnownHostsFile', '/dev/null')),
    ...settings.identity.flatMap(file => ['-i', literal(file)]),
    ...(address === undefined ? [] : option('HostName', literal(address))),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...given(settings),
    ...['--', destination.name],
  ]
}

/** The arguments which run a command over such a connection, up to the command. */
export const clientArguments = (
  settings: OpensshSettings,
  { name }: OpensshDestination,
  socket: string,
): readonly string[] => [
  ...commonArguments(settings),
  ...['-S', socket],
  ...option('ControlMaster', 'no'),
  // Without the shared connection ssh would quietly open one of its own.
  ...option('ProxyCommand', 'false'),
  ...given(settings),
  ...['--', name],
]

/** Behind our own: the first value of each keyword counts. */
const given = ({ lines = [] }: OpensshSettings): readonly string[] => lines.flatMap(line => ['-o', line])

const commonArguments = ({ config }: OpensshSettings): readonly string[] => [
  ...(config.kind === 'usual' ? [] : ['-F', config.kind === 'none' ? 'none' : config.path]),
  ...['-T', '-x'],
  ...option('BatchMode', 'yes'),
  // Enough to know why it failed, and nothing that would stand among the command's own words.
  ...option('LogLevel', 'ERROR'),
  ...option('RemoteCommand', 'none'),
  ...option('ClearAllForwardings', 'yes'),
]

const option = (name: string, value: string): readonly string[] => ['-o', `${name}=${value}`]

/** ssh reads percent signs in paths and host names as tokens of its own. */
const literal = (text: string): string => text.replaceAll('%', '%%')

const inQuotes = (path: string): string => `"${literal(path).replaceAll(/["\\]/g, '\\$&')}"`
