/** Warehouses -> site: the networks and hosts which services get, checked. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError, toStokerError } from '../../base/errors.ts'
import type { NetworkFacts, NodeRecord, Warehouse } from '../../inventory/warehouse.ts'
import { checkSite } from './check-site.ts'
import type { Site } from './model.ts'
import type { Source } from './networks.ts'
import {
  byWeight,
  CONFIGURATION,
  collectProblems as collect,
  DEFAULT_POLICY,
  type Policy,
  type Problem,
} from './problem.ts'
import { readGroups } from './site-groups.ts'

export interface SiteWanted {
  /** Networks of the site's own configuration; they come before those of the warehouses. */
  readonly networks?: readonly NetworkFacts[]
  /** Whether groups are wanted. */
  readonly groups?: boolean
  /** What becomes of each kind of problem, where it is not what `DEFAULT_POLICY` says. */
  readonly policy?: Partial<Policy>
}

export interface CheckedSite {
  readonly site: Site
  /**
   * Those which stop everything first. With an `error` among them nothing is to be written; `site` is then without what is
   * wrong.
   */
  readonly problems: readonly Problem[]
}

/**
 * Everything that the warehouses can list, in one round of questions, joined by name and checked. Warehouses come in the order
 * of the configuration: the first one which says something counts. The same data gives the same site, whatever order it comes
 * in. Throws `WAREHOUSE_FAILED` when one of them is broken: a site is never shorter for that.
 */
export const readSite = async (
  warehouses: readonly Warehouse[],
  wanted: SiteWanted,
  io: Abortable,
): Promise<CheckedSite> => {
  io.signal.throwIfAborted()
  const policy = { ...DEFAULT_POLICY, ...wanted.policy }
  const lists = await Promise.allSettled(warehouses.map(warehouse => listsOf(warehouse, io)))
  const answers = lists.map(list => {
    if (list.status === 'rejected') throw list.reason
    return list.value
  })
  const own = { warehouse: CONFIGURATION, entries: wanted.networks ?? [] }
  const hostLists = answers.map(({ hosts }) => hosts)
  const { networks, hosts, problems } = checkSite(
    { networks: [own, ...answers.map(one => one.networks)], hosts: hostLists },
    policy,
  )
  const more = collect(policy)
  for (const { name } of warehouses.filter(one => !one.records && !one.all && !one.lastResort))
    more.report(
      'not-listed',
      `warehouse ${name} cannot list its hosts`,
      [{ warehouse: name, id: name }],
      NOT_LISTED,
      NOT_LISTED,
    )
  const groups = wanted.groups ? await readGroups(warehouses, hostLists, hosts, more, io) : new Map()
  return { site: { networks, hosts, groups }, problems: [...problems, ...more.found].sort(byWeight) }
}

const NOT_LISTED = 'those which only it knows are not in the site'

interface Lists {
  readonly hosts: Source<NodeRecord>
  readonly networks: Source<NetworkFacts>
}

/** All that it lists; nothing where it cannot. One after the other, because the second question finds the connection open. */
const listsOf = async (warehouse: Warehouse, io: Abortable): Promise<Lists> => {
  const { name } = warehouse
  try {
    const hosts = warehouse.records ? warehouse.records(io) : warehouse.all?.(io)
    return {
      hosts: { warehouse: name, entries: await Array.fromAsync<NodeRecord>(hosts ?? []) },
      networks: { warehouse: name, entries: await Array.fromAsync(warehouse.networks?.(io) ?? []) },
    }
  } catch (thrown) {
    io.signal.throwIfAborted()
    const error = toStokerError(thrown, name, 'WAREHOUSE_FAILED')
    if (error === thrown) throw error
    throw new StokerError('WAREHOUSE_FAILED', name, `warehouse ${name}: ${error.message}`, { cause: thrown })
  }
}
