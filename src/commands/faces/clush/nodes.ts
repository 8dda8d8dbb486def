/** Which nodes `stoker clush` acts on: names, as clush(1) has them, with the groups of the site or of a groups.conf. */
import { access } from 'node:fs/promises'
import type { Abortable } from '../../../base/abortable.ts'
import { reason } from '../../../base/errors.ts'
import { readText } from '../../../config/read-text.ts'
import { readList } from '../../../inventory/read-list.ts'
import { anyWarehouseGroups } from '../../../inventory/warehouse-groups.ts'
import { type Evaluator, evaluator, type Names } from '../../../nodeset/evaluate.ts'
import { expandExpression } from '../../../nodeset/expand.ts'
import type { Groups } from '../../../nodeset/groups.ts'
import { memberships, regroup } from '../../../nodeset/regroup.ts'
import { families } from '../../../nodeset/sets/family.ts'
import { inOrder } from '../../../nodeset/sets/order.ts'
import { parseExpression } from '../../../nodeset/syntax/parse.ts'
import { wordsOf } from '../../../nodeset/syntax/words.ts'
import type { Site } from '../../../site/site.ts'
import { clustershellGroups } from '../../../site/warehouses.ts'
import { clustershellFile } from '../clustershell-files.ts'
import { settingError } from './errors.ts'
import type { ClushOptions } from './options.ts'

export type NodeOptions = Pick<
  ClushOptions,
  'nodes' | 'exclude' | 'all' | 'groups' | 'excludeGroups' | 'hostFiles' | 'pick' | 'groupSource' | 'groupsConf'
>

/** Answers what groups hold. Of the site, where it has a configuration; else of ClusterShell's own. */
export const clushEvaluator = (
  { groupSource, groupsConf }: Pick<NodeOptions, 'groupSource' | 'groupsConf'>,
  site: Pick<Site, 'config' | 'warehouses'>,
  io: Abortable,
): Evaluator => {
  const groups = async (): Promise<Groups> => {
    const isConfigured = site.config.source !== undefined
    const conf = groupsConf ?? (isConfigured ? undefined : await clustershellFile('groups.conf', process.env))
    return conf === undefined ? anyWarehouseGroups(site.warehouses) : await clustershellGroups(conf, io)
  }
  return evaluator({ ...io, groups, source: groupSource, readList: path => readList(path, io) })
}

/** The names, in order. `warn` is told of what looks like a mistake. Throws `EXPRESSION`, and what groups throw. */
export const clushNodes = async (
  options: NodeOptions,
  ask: Evaluator,
  stdin: AsyncIterable<Uint8Array>,
  warn: (text: string) => void,
  io: Abortable,
): Promise<readonly string[]> => {
  if (options.groupSource !== undefined) await ask.sources()
  const read = async (text: string): Promise<Names> => ask.names(parseExpression(text))
  const given = async (flag: 'w' | 'x', text: string): Promise<Names> => {
    const names = await read(text)
    const [name = ''] = names
    if (names.size === 1 && (await exists(name)))
      warn(`Warning: using '-${flag} ${name}' and local path '${name}' exists, was it expanded by the shell?`)
    return names
  }
  let names: Names = new Set()
  for (const text of options.nodes)
    names = names.union(
      text === '-' ? await union(await Array.fromAsync(wordsOf(stdin)), read) : await given('w', text),
    )
  const excluded: Names[] = []
  for (const text of options.exclude) excluded.push(await given('x', text))
  for (const file of options.hostFiles) names = names.union(await union([await hostFile(file, io)], read))
  if (options.all) names = names.union(await ask.all(options.groupSource))
  for (const text of options.groups) names = names.union(await ofGroups(text, read))
  for (const text of options.excludeGroups) excluded.push(await ofGroups(text, read))
  for (const some of excluded) names = names.difference(some)
  const ordered = inOrder(families(names))
  const { pick } = options
  return pick === undefined || pick <= 0 || pick >= ordered.length ? ordered : inOrder(families(picked(ordered, pick)))
}

/** How `-r` writes nodes. */
export const regrouped =
  (ask: Evaluator, { groupSource, groupBase }: Pick<ClushOptions, 'groupSource' | 'groupBase'>) =>
  async (names: readonly string[]): Promise<string> => {
    const set = new Set(names)
    const label = (group: string) => (groupSource === undefined || groupBase ? `@${group}` : `@${groupSource}:${group}`)
    return regroup(set, await memberships(set, ask, groupSource), { label })
  }

const hostFile = async (file: string, io: Abortable): Promise<string> => {
  try {
    return await readText(file, io)
  } catch (cause) {
    io.signal.throwIfAborted()
    throw settingError(reason(cause), { cause })
  }
}

/** Of texts with node sets between blanks. */
const union = async (texts: readonly string[], read: (text: string) => Promise<Names>): Promise<Names> => {
  let names: Names = new Set()
  for (const word of texts.flatMap(text => text.split(/\s+/).filter(word => word !== '')))
    names = names.union(await read(word))
  return names
}

/** Of a list of groups without `@`, in which ranges count. */
const ofGroups = async (text: string, read: (text: string) => Promise<Names>): Promise<Names> => {
  let names: Names = new Set()
  for (const group of expandExpression(parseExpression(text))) names = names.union(await read(`@${group}`))
  return names
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false, // the usual case
  )

const picked = (names: readonly string[], count: number): ReadonlySet<string> => {
  const left = [...names]
  return new Set(Array.from({ length: count }, () => left.splice(Math.floor(Math.random() * left.length), 1)[0] ?? ''))
}
