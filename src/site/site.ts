/** The composition root: configuration and command line -> warehouses, actors, connections. Only this file names concrete ones. */
import { homedir } from 'node:os'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { atPlace } from '../config/at-location.ts'
import {
  type ActionEntry,
  type Config,
  type Defaults,
  defaultConfig,
  loadConfig,
  refuseBuiltIn,
  type WarehouseEntry,
} from '../config/config.ts'
import { findConfig } from '../config/find.ts'
import { type ConnectionKind, choosingConnector } from '../connection/choose.ts'
import type { Connector } from '../connection/connection.ts'
import type { SshConfig } from '../connection/ssh-config/ssh-config.ts'
import type { Warehouse, WarehouseFactory } from '../inventory/warehouse.ts'
import type { Groups } from '../nodeset/groups.ts'
import type { Actor } from '../run/actor.ts'
import { optionWords } from '../run/actor-options.ts'
import { ACTORS } from './built-in.ts'
import { loadCode } from './load-code.ts'
import { withCopy } from './with-copy.ts'

/** The part of the command line which decides what is used. */
export interface WireFlags {
  readonly config?: string
  readonly user?: string
  readonly identity?: readonly string[]
  readonly hostKeys?: 'strict' | 'accept-new'
  /** By which kind of connection all targets are reached, whatever the configuration says. */
  readonly connection?: ConnectionKind
  /** Milliseconds; what a bastion may take follows from it. */
  readonly connectTimeout?: number
  /** Connections in the making at once through one bastion; 0: no limit. */
  readonly perBastion?: number
  /** Whether no answers which were kept may be used. */
  readonly fresh?: boolean
  /** `false`: answers are neither kept nor taken from what was kept. */
  readonly copies?: boolean
}

/** An actor and the options for it, ready to be scheduled. */
export interface Action {
  readonly actor: Actor
  readonly options: unknown
}

/** Everything that one command works with; disposing it closes what was opened. */
export interface Site extends AsyncDisposable {
  readonly config: Config
  readonly warehouses: readonly Warehouse[]
  readonly defaults: Defaults
  /** The names of all actions and actors, for completion and for "did you mean". */
  readonly actions: readonly string[]
  /** The names of all actors. */
  readonly actors: readonly string[]
  /** The actor of that name. Throws `UNKNOWN_ACTION`, or `CONFIG` when it cannot be loaded. */
  actor(name: string): Promise<Actor>
  /** An actor, or a named action of the configuration, with what stands after `--`. Throws `UNKNOWN_ACTION` or `ACTOR_OPTION`. */
  action(name: string, words: readonly string[]): Promise<Action>
  /** The same for whoever runs it elsewhere: the actor and its argument as it was given. Throws also what `parse` would. */
  order(name: string, words: readonly string[]): Promise<Ordered>
  /** What reaches the targets; opened once. */
  connector(): Promise<Connector>
}

/** An actor and an argument for it which has not been parsed, but can be. */
export interface Ordered {
  readonly name: string
  readonly actor: Actor
  readonly argument: string | Readonly<Record<string, unknown>>
}

/** Reads the configuration and makes what it names; asks nobody yet. Throws `CONFIG` with file, line and key. */
export const wire = async (flags: WireFlags, say: (notice: string) => void, io: Abortable): Promise<Site> => {
  const config = await configuration(flags.config, io)
  refuseBuiltIn(config, Object.keys(ACTORS))
  await using opened = new AsyncDisposableStack()
  const ssh = sshParts(config, flags, say, io)
  const warehouses: Warehouse[] = []
  for (const entry of config.warehouses) {
    const warehouse = await openWarehouse(entry, config, ssh)
    const settings = { config, fresh: flags.fresh === true, notice: say }
    warehouses.push(opened.use(flags.copies === false ? warehouse : withCopy(warehouse, entry, settings)))
  }
  let connector: Promise<Connector> | undefined
  const stack = opened.move()
  return {
    config,
    warehouses,
    defaults: config.defaults,
    actions: [...Object.keys(ACTORS), ...config.actors.keys(), ...config.actions.keys()],
    actors: [...Object.keys(ACTORS), ...config.actors.keys()],
    actor: name => findActor(config, name),
    action: (name, words) => findAction(config, name, words),
    order: (name, words) => findOrder(config, name, words),
    connector() {
      connector ??= ssh.connector(warehouses).then(made => stack.use(made))
      return connector
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The groups of a groups.conf of ClusterShell, for the calculator's --groupsconf. */
export const clustershellGroups = async (path: string, io: Abortable): Promise<Groups> => {
  const { groupsOf, openSources } = await import('../../warehouses/clustershell/groups.ts')
  return groupsOf(await openSources({ warehouse: 'clustershell', path, deadline: 30_000 }, io))
}

const configuration = async (flag: string | undefined, io: Abortable): Promise<Config> => {
  const cwd = process.cwd()
  const path = await findConfig({ flag, env: process.env, cwd, home: homedir() }, io)
  return path === undefined ? defaultConfig(cwd) : await loadConfig(path, io)
}

type SshParts = ReturnType<typeof sshParts>

/** ssh_config is read when the first part needs it; the dns warehouse and the connections share it. */
const sshParts = (config: Config, flags: WireFlags, say: (notice: string) => void, io: Abortable) => {
  const { ssh, defaults } = config
  const load = async () => {
    const { loadSshConfig } = await import('../connection/ssh-config/ssh-config.ts')
    const none = ssh.config.kind === 'none'
    return await loadSshConfig(
      {
        ...(ssh.config.kind === 'file' && { userFile: ssh.config.path }),
        ...(none && { userFile: '/dev/null', systemFile: '/dev/null' }),
        notice: say,
      },
      io,
    )
  }
  let loaded: ReturnType<typeof load> | undefined
  const settings = () => {
    loaded ??= load()
    return loaded
  }
  const shared = {
    hostKeys: flags.hostKeys ?? ssh.hostKeys,
    knownHosts: ssh.knownHosts,
    user: flags.user,
    defaultUser: defaults.user,
    perBastion: flags.perBastion ?? defaults.perBastion,
  }
  const parts = {
    async ssh(): Promise<Connector> {
      const [{ sshConnector }, { openIdentities }, { askSecret }] = await Promise.all([
        import('../connection/ssh2/ssh.ts'),
        import('../connection/ssh2/identities.ts'),
        import('../cli/prompts/ask-secret.ts'),
      ])
      const identities = await openIdentities(
        {
          files: [...(flags.identity ?? []), ...(ssh.identity ?? [])],
          askPassphrase: (file, attempt) => askSecret(`${attempt > 1 ? 'Wrong. ' : ''}Passphrase for ${file}: `, io),
          notice: say,
        },
        io,
      )
      return sshConnector({
        ...shared,
        config: await settings(),
        identities,
        connectTimeout: flags.connectTimeout ?? defaults.connectTimeout,
        notice: say,
      })
    },
    async openssh(): Promise<Connector> {
      const { opensshConnector } = await import('../connection/openssh/openssh.ts')
      return opensshConnector({
        ...shared,
        config: ssh.config,
        sshConfig: await settings(),
        identity: [...(flags.identity ?? []), ...(ssh.identity ?? [])],
      })
    },
  }
  return {
    settings,
    connector: async (warehouses: readonly Warehouse[]): Promise<Connector> =>
      choosingConnector({
        asked: flags.connection,
        usual: ssh.connection,
        listed: ssh.openssh && (io => namesOf(ssh.openssh ?? [], warehouses, io)),
        make: kind => (kind === 'ssh' ? parts.ssh() : parts.openssh()),
      }),
  }
}

/** All names of the nodes which the expressions mean. Throws as `resolve` does. */
const namesOf = async (
  expressions: readonly string[],
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<ReadonlySet<string>> => {
  const [{ parseExpression }, { resolve }, { dedup }] = await Promise.all([
    import('../nodeset/syntax/parse.ts'),
    import('../inventory/resolve.ts'),
    import('../inventory/dedup.ts'),
  ])
  const resolution = await resolve(parseExpression(expressions.join(',')), warehouses, { ...io, allowUnknown: false })
  return new Set(dedup(resolution).flatMap(({ names }) => names))
}

const KINDS: Readonly<Record<string, (ssh: SshParts) => Promise<WarehouseFactory>>> = {
  file: async () => (await import('../../warehouses/file.ts')).file,
  ldap: async () => (await import('../../warehouses/ldap.ts')).ldap,
  mysql: async () => (await import('../../warehouses/mysql.ts')).mysql,
  exec: async () => (await import('../../warehouses/exec.ts')).exec,
  clustershell: async () => (await import('../../warehouses/clustershell.ts')).clustershell,
  genders: async () => (await import('../../warehouses/genders.ts')).genders,
  hosts: async () => (await import('../../warehouses/hosts.ts')).hosts,
  pulley: async () => (await import('../../warehouses/pulley.ts')).pulley,
  dns: async ssh => {
    const { dnsWarehouse } = await import('../../warehouses/dns.ts')
    return dnsWarehouse({ settings: async name => nameSettings(name, await ssh.settings()) })
  },
}

/** What the dns warehouse has to know of ssh_config. */
const nameSettings = (name: string, config: SshConfig) => {
  const { hostName, port, matched, proxyJump, proxyCommand } = config.lookup(name)
  return {
    ...(hostName !== name.toLowerCase() && { hostName }),
    ...(matched && { port }),
    matched,
    viaJump: proxyJump.length > 0 || proxyCommand !== undefined,
  }
}

const openWarehouse = async (entry: WarehouseEntry, config: Config, ssh: SshParts): Promise<Warehouse> => {
  const { kind, name, options, path } = entry
  try {
    const builtIn = kind.kind === 'name' ? KINDS[kind.name] : undefined
    const factory = builtIn ? await builtIn(ssh) : await foreignKind(entry, config)
    return factory(options, { name, folder: config.folder })
  } catch (thrown) {
    throw atPlace(config, path, thrown)
  }
}

const foreignKind = async ({ kind }: WarehouseEntry, config: Config): Promise<WarehouseFactory> => {
  const known = Object.keys(KINDS)
  if (kind.kind === 'name') {
    const [near] = nearest(kind.name, known, 1)
    const hint = near ? `did you mean ${near}? ` : ''
    const unknown = (cause: unknown) =>
      new StokerError(
        'CONFIG',
        'kind',
        `no warehouse kind or package ${kind.name}; ${hint}(kinds: ${known.join(', ')}, or a path such as ./mine.ts)`,
        { cause },
      )
    const loaded = await loadCode(kind, 'warehouse', config.folder).catch(cause => Promise.reject(unknown(cause)))
    return loaded as WarehouseFactory
  }
  const factory = await loadCode(kind, 'warehouse', config.folder)
  if (typeof factory === 'function') return factory as WarehouseFactory
  throw new StokerError('CONFIG', 'kind', `${kind.path}: "warehouse" is no function that makes a warehouse`)
}

const findAction = async (config: Config, name: string, words: readonly string[]): Promise<Action> => {
  const named = config.actions.get(name)
  try {
    const { actor, argument } = await findArgument(config, name, named, words)
    return { actor, options: actor.parse(argument) }
  } catch (thrown) {
    throw named ? atPlace(config, named.path, thrown) : thrown
  }
}

const findOrder = async (config: Config, name: string, words: readonly string[]): Promise<Ordered> => {
  const named = config.actions.get(name)
  try {
    const { actor, argument } = await findArgument(config, name, named, words)
    actor.parse(argument)
    if (ACTORS[actor.name] && actor.connects) return { name, actor, argument }
    const why = actor.connects ? 'is not built in, and agents have no others' : 'acts from the machine it is started on'
    throw new StokerError('USAGE', name, `actor ${actor.name} cannot be sent: it ${why}`)
  } catch (thrown) {
    throw named ? atPlace(config, named.path, thrown) : thrown
  }
}

const findArgument = async (
  config: Config,
  name: string,
  named: ActionEntry | undefined,
  words: readonly string[],
): Promise<Pick<Ordered, 'actor' | 'argument'>> => {
  const actor = await findActor(config, named ? named.actor : name)
  if (named?.argument === undefined) return { actor, argument: argumentOf(actor, words) }
  if (words.length > 0)
    throw new StokerError('USAGE', name, `action ${name} has its argument in the configuration; it takes none after --`)
  const { argument } = named
  const asOptions = actor.takes === 'options' && typeof argument === 'string'
  return { actor, argument: asOptions ? optionWords(actor.name, splitWords(argument)) : argument }
}

const splitWords = (text: string): readonly string[] => text.split(/\s+/).filter(word => word !== '')

const argumentOf = (actor: Actor, words: readonly string[]): Ordered['argument'] =>
  actor.takes === 'options' ? optionWords(actor.name, words) : words.join(' ')

const findActor = async (config: Config, name: string): Promise<Actor> => {
  const builtIn = ACTORS[name]
  if (builtIn) return await builtIn()
  const entry = config.actors.get(name)
  if (!entry) throw unknownAction(config, name)
  try {
    return checked(await loadCode(entry.code, 'actor', config.folder), name)
  } catch (thrown) {
    throw atPlace(config, entry.path, thrown)
  }
}

/** As much of a third party's actor as can be seen without running it. */
const checked = (loaded: unknown, name: string): Actor => {
  const actor = loaded as Partial<Actor> | null
  if (typeof actor === 'object' && typeof actor?.parse === 'function' && typeof actor.act === 'function') {
    return {
      ...(actor as Actor),
      name: actor.name ?? name,
      takes: actor.takes ?? 'text',
      connects: actor.connects ?? true,
    }
  }
  throw new StokerError('CONFIG', name, `actor ${name}: "actor" must be an object with the functions parse and act`)
}

const unknownAction = (config: Config, name: string): StokerError => {
  const known = [...Object.keys(ACTORS), ...config.actors.keys(), ...config.actions.keys()]
  const near = nearest(name, known)
  const hint = near.length > 0 ? `did you mean ${near.join(', ')}? ` : ''
  return new StokerError('UNKNOWN_ACTION', name, `no actor or action ${name}; ${hint}(there is: ${known.join(', ')})`)
}
