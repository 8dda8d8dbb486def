/** Which hosts `stoker pdsh` acts on, in their order, with the groups of the site, or of genders and dsh files. */
import { access, readFile } from 'node:fs/promises'
import type { Abortable } from '../../../base/abortable.ts'
import { reason } from '../../../base/errors.ts'
import type { Target } from '../../../inventory/target.ts'
import { targetsByName } from '../../../inventory/targets-by-name.ts'
import type { Warehouse } from '../../../inventory/warehouse.ts'
import { anyWarehouseGroups } from '../../../inventory/warehouse-groups.ts'
import { evaluator } from '../../../nodeset/evaluate.ts'
import type { Groups } from '../../../nodeset/groups.ts'
import { matchRegex } from '../../../nodeset/match.ts'
import { families } from '../../../nodeset/sets/family.ts'
import { inOrder } from '../../../nodeset/sets/order.ts'
import type { Expression } from '../../../nodeset/syntax/expression.ts'
import type { Site } from '../../../site/site.ts'
import { gendersWarehouse } from '../../../site/warehouses.ts'
import { dshGroups } from './dsh-groups.ts'
import { pdshError, self } from './errors.ts'
import { parseQuery } from './genders-query.ts'
import { expandHosts, hostsIn } from './host-list.ts'
import type { HostItem, HostSource, PdshOptions } from './options.ts'

export interface PdshHosts {
  /** In their order; a name may come twice. */
  readonly names: readonly string[]
  /** Who to log in as, where the list says so. */
  readonly users: ReadonlyMap<string, string>
}

type Who = Pick<
  PdshOptions,
  'hosts' | 'fallback' | 'groups' | 'excludeGroups' | 'all' | 'groupFiles' | 'translate' | 'user'
>

/** Throws for lists, files and groups which cannot be read, and for nobody. */
export const pdshHosts = async (
  who: Who,
  { warehouses, groups }: GroupSource,
  stdin: AsyncIterable<Uint8Array>,
  io: Abortable,
): Promise<PdshHosts> => {
  if (who.all !== 'none' && who.groups.length > 0) throw pdshError(`${self()}: Do not specify -A or -a with -g`)
  const users = new Map<string, string>()
  const listed = await list(
    who.hosts.filter(({ excluded }) => !excluded),
    users,
    stdin,
    io,
  )
  const ask = evaluator({ ...io, groups: async () => groups, readList: noFiles })
  const ofQueries = async (queries: readonly string[]): Promise<ReadonlySet<string>> => {
    let names: ReadonlySet<string> = new Set()
    for (const query of queries) names = names.union(await ask.names(parseQuery(query)))
    return names
  }
  const isListed = who.hosts.some(({ excluded, kind }) => !excluded && kind !== 'regex')
  const chosen = await ofQueries(who.groups)
  let names: readonly string[] = isListed ? listed : inOrder(families(who.all === 'none' ? chosen : await ask.all()))
  if (isListed && who.groups.length > 0) names = names.filter(name => chosen.has(name))
  const isChosen = isListed || who.all !== 'none' || who.groups.length > 0
  if (!isChosen && who.fallback !== undefined)
    names = await hostsOf({ kind: 'file', path: who.fallback }, users, stdin, io)
  const excluded = new Set(
    await list(
      who.hosts.filter(({ excluded }) => excluded),
      new Map(),
      stdin,
      io,
    ),
  )
  for (const name of await ofQueries(who.excludeGroups)) excluded.add(name)
  if (who.all === 'without pdsh_all_skip') for (const name of await skipped(groups, ask.names, io)) excluded.add(name)
  names = filtered(
    names.filter(name => !excluded.has(name)),
    who.hosts,
  )
  // As genders has it: who is chosen by attributes is called by the other name, unless -i asks for the node's own.
  if ((!isListed && isChosen) !== who.translate) names = await otherNames(names, warehouses, io)
  if (names.length === 0) throw pdshError(`${self()}: no remote hosts specified`)
  return { names, users }
}

/** Where groups and the facts of hosts come from. */
export interface GroupSource {
  readonly warehouses: readonly Warehouse[]
  readonly groups: Groups
}

/** Of the site, where it has a configuration; else of genders or, where there is no such file, of dsh. */
export const groupSource = async (
  { groupFiles }: Pick<Who, 'groupFiles'>,
  { config, warehouses }: Pick<Site, 'config' | 'warehouses'>,
  io: Abortable,
): Promise<GroupSource> => {
  const { genders, isGiven, module, dshFolders } = groupFiles
  if (config.source !== undefined && !isGiven && module === undefined)
    return { warehouses, groups: anyWarehouseGroups(warehouses) }
  if (module === 'dshgroup' || (!isGiven && module === undefined && !(await isThere(genders))))
    return { warehouses, groups: dshGroups(dshFolders, text => hostsIn(text), io) }
  const warehouse = await gendersWarehouse(genders)
  return { warehouses: [warehouse, ...warehouses], groups: anyWarehouseGroups([warehouse]) }
}

/** The hosts as targets: each once, with the user and the port which the command line says. */
export const pdshTargets = async (
  { names, users }: PdshHosts,
  { user, port }: { readonly user: string | undefined; readonly port: number | undefined },
  { warehouses }: GroupSource,
  notify: (notice: string) => void,
  io: Abortable,
): Promise<readonly Target[]> => {
  const { targets, notices } = await targetsByName([...new Set(names)], warehouses, io)
  for (const notice of notices) notify(notice)
  return targets.map(target => {
    const login = users.get(target.name) ?? user
    const { pdsh_rcmd_type: rcmd } = target.vars
    if (typeof rcmd === 'string' && rcmd !== 'ssh' && rcmd !== 'exec')
      notify(`${target.name}: pdsh_rcmd_type=${rcmd} has no meaning here: it is reached by ssh`)
    return { ...target, ...(login !== undefined && { user: login }), ...(port !== undefined && { port }) }
  })
}

const list = async (
  items: readonly HostItem[],
  users: Map<string, string>,
  stdin: AsyncIterable<Uint8Array>,
  io: Abortable,
): Promise<readonly string[]> => {
  const names: string[] = []
  for (const item of items) names.push(...(await hostsOf(item, users, stdin, io)))
  return names
}

const hostsOf = async (
  source: HostSource,
  users: Map<string, string>,
  stdin: AsyncIterable<Uint8Array>,
  { signal }: Abortable,
): Promise<readonly string[]> => {
  switch (source.kind) {
    case 'regex':
      return []
    case 'hosts': {
      const names = expandHosts(source.text)
      for (const name of names) if (source.user !== undefined) users.set(name, source.user)
      return names
    }
    case 'file': {
      const { path } = source
      if (path === '-') return hostsIn(Buffer.concat(await Array.fromAsync(stdin)).toString())
      return hostsIn(
        await readFile(path, { encoding: 'utf8', signal }).catch(cause => {
          throw pdshError(`${self()}: ${path}: ${reason(cause)}`, { cause })
        }),
      )
    }
    default:
      throw new Error(`unknown source: ${source satisfies never}`)
  }
}

/** Regular expressions choose from all hosts, wherever those come from. */
const filtered = (names: readonly string[], items: readonly HostItem[]): readonly string[] =>
  items.reduce((left, item) => {
    if (item.kind !== 'regex') return left
    const found = new Set(matchRegex(item.source, left))
    return left.filter(name => found.has(name) !== item.excluded)
  }, names)

const skipped = async (
  groups: Groups,
  names: (expression: Expression) => Promise<ReadonlySet<string>>,
  io: Abortable,
): Promise<ReadonlySet<string>> => {
  const [source = ''] = groups.sources
  const isKnown = (await groups.list(source, io))?.includes(SKIP)
  return isKnown ? await names({ kind: 'group', text: `@${SKIP}`, warehouse: undefined, name: SKIP }) : new Set()
}

const SKIP = 'pdsh_all_skip'

/** The attribute `altname` of each, where it has one. */
const otherNames = async (
  names: readonly string[],
  warehouses: readonly Warehouse[],
  io: Abortable,
): Promise<readonly string[]> => {
  const { targets } = await targetsByName([...new Set(names)], warehouses, io)
  const other = new Map(targets.map(({ name, vars }) => [name as string, vars.altname]))
  return names.map(name => {
    const altname = other.get(name)
    return typeof altname === 'string' && altname !== '' ? altname : name
  })
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false, // then there are no groups of this kind
  )

const noFiles = (path: string): never => {
  throw pdshError(`${self()}: ^${path}: a file cannot be named here`)
}
