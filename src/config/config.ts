/** The configuration: `stoker.yaml`, parsed once, with the place of each part for errors which show later. */
import { basename, dirname, extname, resolve } from 'node:path'
import type * as z from 'zod'
import type { Abortable } from '../base/abortable.ts'
import { homeFolder } from '../base/folders.ts'
import type { BecomeMethod } from '../connection/become/script.ts'
import type { ConnectionKind } from '../connection/choose.ts'
import type { NetworkFacts } from '../inventory/warehouse.ts'
import type { Policy } from '../render/data/problem.ts'
import { readText } from './read-text.ts'
import { resolvePath } from './resolve-path.ts'
import { configSchema } from './schema.ts'
import { parseShape } from './shape.ts'
import { type Path, parseYaml, type YamlSource } from './yaml-source.ts'

/** Code named in the configuration: a file of one's own (absolute path), or a built-in or a package by name. */
export type CodeName =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'name'; readonly name: string }

export interface WarehouseEntry {
  readonly kind: CodeName
  /** Unique; what stands before the colon in `@site:group`. */
  readonly name: string
  /** Milliseconds for which a copy of its answers is as good as asking; absent: what is usual for the kind. */
  readonly cache?: number
  /** Milliseconds for which that copy stands in when the source is down; absent: what is usual for the kind. */
  readonly keep?: number
  /** All other keys, for the warehouse's factory to parse. */
  readonly options: Readonly<Record<string, unknown>>
  /** Where it stands, for `atLocation`. */
  readonly path: Path
}

export interface ActorEntry {
  readonly code: CodeName
  readonly path: Path
}

export interface ActionEntry {
  /** The actor's name; whether there is one is not known here. */
  readonly actor: string
  /** As it stands in the file, for the actor to parse. `undefined` when there is none. */
  readonly argument: string | Readonly<Record<string, unknown>> | undefined
  readonly path: Path
}

/** What counts when the command line says nothing. */
export interface Defaults {
  readonly fanout: number
  /** Milliseconds. */
  readonly connectTimeout: number
  /** Whether somebody has written that down; if not, ssh_config's ConnectTimeout counts before it. */
  readonly ownConnectTimeout: boolean
  /** Milliseconds; 0: no limit. */
  readonly commandTimeout: number
  /** New connections per second; 0: no limit. */
  readonly connectRate: number
  /** Connections in the making at once through one bastion; 0: no limit. */
  readonly perBastion: number
  /** Above how many targets somebody is asked first; `undefined`: nobody is. */
  readonly confirm: number | undefined
  /** `undefined`: as the node's warehouse or ssh_config say. */
  readonly user: string | undefined
}

/** What counts for acting as another user, where that is asked for. */
export interface BecomeSettings {
  readonly user: string
  readonly method: BecomeMethod
  /** Absolute. */
  readonly passwordFile: string | undefined
  /** Program and words; run in `folder`. */
  readonly passwordCommand: readonly string[] | undefined
  readonly folder: string
}

export interface SshSettings {
  /** For nodes which do not say it themselves. */
  readonly connection: ConnectionKind | undefined
  /** Target expressions: what is reached by `openssh` in any case. */
  readonly openssh: readonly string[] | undefined
  /** `undefined`: as ssh_config says, and strict when it says nothing. */
  readonly hostKeys: 'strict' | 'accept-new' | undefined
  /** Which ssh_config counts: the usual files, none at all, or this one. */
  readonly config:
    | { readonly kind: 'usual' }
    | { readonly kind: 'none' }
    | { readonly kind: 'file'; readonly path: string }
  /** Absolute paths; `undefined`: the usual files. */
  readonly knownHosts: readonly string[] | undefined
  /** Absolute paths of private keys; `undefined`: the usual ones. */
  readonly identity: readonly string[] | undefined
}

/** One service's configuration which `stoker render` makes. */
export interface RenderEntry {
  /** The service's name; whether there is one is not known here. */
  readonly service: string
  /** The names of the warehouses which are asked; `undefined`: all of them. */
  readonly warehouses: readonly string[] | undefined
  /** Milliseconds for all of it, the daemon's own check included. */
  readonly deadline: number
  /** The share of hosts, or of networks, which may be gone at once: 0 to 1. */
  readonly maxShrink: number
  /** What becomes of problems, where it is not the usual. */
  readonly policy: Partial<Policy>
  /** Whether the daemons check the files. */
  readonly check: boolean
  /** Files of the site in place of the program's templates, by the template's name; `*`: of the only one. Absolute paths. */
  readonly templates: ReadonlyMap<string, string>
  /** All other keys, for the service to parse. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly path: Path
}

export interface Config {
  /** Where it was read from; `undefined` when there is no configuration. */
  readonly source: YamlSource | undefined
  /** Absolute; where relative paths start. */
  readonly folder: string
  /** In the order in which they are asked. */
  readonly warehouses: readonly WarehouseEntry[]
  readonly actors: ReadonlyMap<string, ActorEntry>
  readonly actions: ReadonlyMap<string, ActionEntry>
  /** Networks of the site which no warehouse has to know. */
  readonly networks: readonly NetworkFacts[]
  readonly renders: ReadonlyMap<string, RenderEntry>
  readonly defaults: Defaults
  readonly become: BecomeSettings
  readonly ssh: SshSettings
}

/** Reads a configuration file. Throws `CONFIG` with file, line, column and key, and what was expected. */
export const loadConfig = async (path: string, io: Abortable & { readonly home?: string }): Promise<Config> =>
  parseConfig(await readText(path, io), path, io.home ?? homeFolder())

/** The configuration in a text; `file` is where it comes from. */
export const parseConfig = (text: string, file: string, home: string): Config => {
  const source = parseYaml(text, file)
  const parsed = parseShape(configSchema, source.value ?? {}, ({ path, message, on }) =>
    source.error(path, message, { on }),
  )
  return build(parsed, { folder: dirname(resolve(file)), home, source })
}

/** What counts without any configuration: host names are taken as they are. Relative paths start at `folder`. */
export const defaultConfig = (folder: string): Config => build({}, { folder, home: folder, source: undefined })

interface Where {
  readonly folder: string
  readonly home: string
  readonly source: YamlSource | undefined
}

const build = (parsed: z.output<typeof configSchema>, where: Where): Config => {
  const defaults = parsed.defaults ?? {}
  const ssh = parsed.ssh ?? {}
  const become = parsed.become ?? {}
  const file = (text: string) => resolvePath(text, where.folder, where.home)
  const actors = Object.entries(parsed.actors ?? {}).map(
    ([name, text]) => [name, { code: codeName(text, file), path: ['actors', name] }] as const,
  )
  const actions = Object.entries(parsed.actions ?? {}).map(
    ([name, { actor, argument }]) => [name, { actor, argument, path: ['actions', name] }] as const,
  )
  const config: Config = {
    source: where.source,
    folder: where.folder,
    warehouses: parsed.warehouses ? warehouses(parsed.warehouses, where, file) : [DNS],
    actors: new Map(actors),
    actions: new Map(actions),
    networks: networks(parsed.networks ?? [], where),
    renders: new Map(
      Object.entries(parsed.render ?? {}).map(([name, entry]) => [name, renderEntry(name, entry ?? {}, file)]),
    ),
    defaults: {
      fanout: defaults.fanout ?? 64,
      connectTimeout: defaults['connect-timeout'] ?? 10_000,
      ownConnectTimeout: defaults['connect-timeout'] !== undefined,
      commandTimeout: defaults['command-timeout'] ?? 0,
      connectRate: defaults['connect-rate'] ?? 0,
      perBastion: defaults['per-bastion'] ?? 0,
      confirm: defaults.confirm,
      user: defaults.user,
    },
    become: {
      user: become.user ?? 'root',
      method: become.method ?? 'sudo',
      passwordFile: become['password-file'] === undefined ? undefined : file(become['password-file']),
      passwordCommand: become['password-command'],
      folder: where.folder,
    },
    ssh: {
      connection: ssh.connection,
      openssh: ssh.openssh,
      hostKeys: ssh['host-keys'],
      config: sshConfig(ssh.config, file),
      knownHosts: ssh['known-hosts']?.map(file),
      identity: ssh.identity?.map(file),
    },
  }
  refuseTaken(config, config.actors.keys(), 'is the name of an actor already (under actors:); choose another', [
    'actions',
  ])
  return config
}

/** What counts for a render; `entry` is empty for a service which the configuration does not speak of. */
export const renderEntry = (
  name: string,
  entry: Partial<ParsedRender>,
  file: (text: string) => string,
): RenderEntry => {
  const { service = name, warehouses, deadline = 5000, 'max-shrink': maxShrink = 0.5, problems = {}, ...others } = entry
  const { check, templates = {}, ...settings } = others
  // For the service `template` it is what the service is about.
  const isOverride = typeof settings.template === 'string' && service !== 'template'
  const texts = isOverride ? { '*': String(settings.template) } : templates
  if (isOverride) delete settings.template
  return {
    ...{ service, warehouses, deadline, maxShrink, policy: problems as Partial<Policy>, check: check !== false },
    templates: new Map(Object.entries(texts).map(([template, path]) => [template, file(path)])),
    settings: { ...settings, ...(typeof check !== 'boolean' && check !== undefined && { check }) },
    path: ['render', name],
  }
}

type ParsedRender = NonNullable<NonNullable<z.output<typeof configSchema>['render']>[string]>
type ParsedNetworks = NonNullable<z.output<typeof configSchema>['networks']>

/** The place in the file is a network's identity: messages about it say where to look. */
const networks = (parsed: ParsedNetworks, { source }: Where): readonly NetworkFacts[] =>
  parsed.map(({ 'lease-time': leaseTime, boot, ...facts }, i) => ({
    ...withoutAbsent(facts),
    name: facts.name,
    address: facts.address,
    ...(source && { id: source.formatLocation(['networks', i]) }),
    ...(leaseTime !== undefined && { leaseTime: leaseTime / 1000 }),
    ...(boot && {
      boot: withoutAbsent({ file: boot.file, nextServer: boot['next-server'] }),
    }),
  }))

/** The same without keys of no value. */
const withoutAbsent = <T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** Throws `CONFIG` when an actor or action of the configuration has the name of a built-in actor: which one runs must be plain. */
export const refuseBuiltIn = (config: Config, builtIn: Iterable<string>): void =>
  refuseTaken(config, builtIn, 'is the name of a built-in actor; choose another', ['actors', 'actions'])

const refuseTaken = (
  config: Config,
  taken: Iterable<string>,
  message: string,
  parts: readonly ('actors' | 'actions')[],
): void => {
  for (const name of taken)
    for (const part of parts) {
      const entry = config[part].get(name)
      if (entry && config.source) throw config.source.error(entry.path, message, { on: 'key' })
    }
}

const DNS: WarehouseEntry = { kind: { kind: 'name', name: 'dns' }, name: 'dns', options: {}, path: [] }

type Entries = NonNullable<z.output<typeof configSchema>['warehouses']>

const warehouses = (entries: Entries, { source }: Where, file: (text: string) => string): readonly WarehouseEntry[] => {
  const owners = new Map<string, Path>()
  return entries.map(({ kind, name: given, cache, keep, ...options }, i) => {
    const path = ['warehouses', i]
    const code = codeName(kind, file)
    const name = given ?? defaultName(code)
    const at = [...path, given === undefined ? 'kind' : 'name']
    const owner = owners.get(name)
    if (source && !/^[A-Za-z0-9_]/.test(name))
      throw source.error(at, 'makes no plain name; give the warehouse one with name:')
    if (source && owner)
      throw source.error(
        at,
        `there is a warehouse ${name} already, at ${source.formatLocation(owner)}; give each its own name:`,
      )
    owners.set(name, at)
    const copies = { ...(cache !== undefined && { cache }), ...(keep !== undefined && { keep }) }
    return { kind: code, name, ...copies, options, path }
  })
}

const defaultName = (code: CodeName): string =>
  code.kind === 'path' ? basename(code.path, extname(code.path)) : code.name.replace(/^.*\//, '')

const codeName = (text: string, file: (text: string) => string): CodeName =>
  /^(?:\.{0,2}\/|~)/.test(text) ? { kind: 'path', path: file(text) } : { kind: 'name', name: text }

const sshConfig = (text: string | undefined, file: (text: string) => string): SshSettings['config'] => {
  if (text === undefined) return { kind: 'usual' }
  return text === 'none' ? { kind: 'none' } : { kind: 'file', path: file(text) }
}
