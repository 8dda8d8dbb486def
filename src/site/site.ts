/** The composition root: configuration and command line -> warehouses, actors, connections. This folder alone names concrete ones. */
import type { Abortable } from '../base/abortable.ts'
import { homeFolder } from '../base/folders.ts'
import { type Config, type Defaults, defaultConfig, loadConfig, refuseBuiltIn } from '../config/config.ts'
import { findConfig } from '../config/find-config.ts'
import type { Connector } from '../connection/connection.ts'
import type { Warehouse } from '../inventory/warehouse.ts'
import type { Actor } from '../run/actor.ts'
import { type Action, actorNames, findAction, findActor, findOrder, type Order } from './actions.ts'
import { ACTORS } from './built-in.ts'
import { openConnections, type ReachingFlags } from './connections.ts'
import { openWarehouse } from './warehouses.ts'
import { withCopy } from './with-copy.ts'

/** The part of the command line which decides what is used. */
export interface SiteFlags extends ReachingFlags {
  readonly config?: string
  /** Whether no answers which were kept may be used. */
  readonly fresh?: boolean
  /** `false`: answers are neither kept nor taken from what was kept. */
  readonly copies?: boolean
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
  order(name: string, words: readonly string[]): Promise<Order>
  /** What reaches the targets; opened once. */
  connector(): Promise<Connector>
}

/** Reads the configuration and makes what it names; asks nobody yet. Throws `CONFIG` with file, line and key. */
export const openSite = async (flags: SiteFlags, warn: (notice: string) => void, io: Abortable): Promise<Site> => {
  const config = await configuration(flags.config, io)
  refuseBuiltIn(config, Object.keys(ACTORS))
  await using opened = new AsyncDisposableStack()
  const connections = openConnections(config, flags, warn, io)
  const warehouses: Warehouse[] = []
  for (const entry of config.warehouses) {
    const warehouse = await openWarehouse(entry, config, connections.sshConfig)
    const settings = { config, fresh: flags.fresh === true, notice: warn }
    warehouses.push(opened.use(flags.copies === false ? warehouse : withCopy(warehouse, entry, settings)))
  }
  let connector: Promise<Connector> | undefined
  const stack = opened.move()
  return {
    config,
    warehouses,
    defaults: config.defaults,
    actions: [...actorNames(config), ...config.actions.keys()],
    actors: actorNames(config),
    actor: name => findActor(config, name),
    action: (name, words) => findAction(config, name, words),
    order: (name, words) => findOrder(config, name, words),
    connector() {
      connector ??= connections.connector(warehouses).then(made => stack.use(made))
      return connector
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const configuration = async (flag: string | undefined, io: Abortable): Promise<Config> => {
  const cwd = process.cwd()
  const path = await findConfig({ flag, env: process.env, cwd, home: homeFolder() }, io)
  return path === undefined ? defaultConfig(cwd) : await loadConfig(path, io)
}
