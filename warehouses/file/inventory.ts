/** An inventory file: `nodes:` with ranges in their keys, `groups:` of target expressions, `networks:`. Pure. */
import * as z from 'zod'
import type { StokerError } from '../../src/base/errors.ts'
import { type GroupName, isNodeName, type NodeName, parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { networkFacts, networkShape } from '../../src/config/network.ts'
import { mapping, parseShape, texts, what } from '../../src/config/shape.ts'
import type { Path, YamlSource } from '../../src/config/yaml-source.ts'
import type { Member, NetworkFacts, NodeFacts } from '../../src/inventory/warehouse.ts'
import { expand } from '../../src/nodeset/expand.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { nodeFacts } from './inventory-node.ts'

export interface Inventory {
  /** By name and by alias. */
  readonly nodes: ReadonlyMap<NodeName, NodeFacts>
  readonly groups: ReadonlyMap<GroupName, readonly Member[]>
  readonly networks: readonly NetworkFacts[]
}

const schema = mapping({
  nodes: z.record(z.string(), z.unknown()).nullish(),
  groups: z.record(z.string(), z.unknown()).nullish(),
  networks: z.array(networkShape).nullish(),
})

/** Throws `CONFIG` with the place of what is wrong. */
export const parseInventory = (source: YamlSource): Inventory => {
  const { nodes, groups, networks } = parseShape(schema, source.value ?? {}, ({ path, message, on }) =>
    source.error(path, message, { on }),
  )
  return {
    nodes: readNodes(nodes ?? {}, source),
    groups: readGroups(groups ?? {}, source),
    networks: (networks ?? []).map((one, i) => networkFacts(one, source.formatLocation(['networks', i]))),
  }
}

const readNodes = (entries: Readonly<Record<string, unknown>>, source: YamlSource): Map<NodeName, NodeFacts> => {
  const nodes = new Map<NodeName, NodeFacts>()
  const keys = new Map<NodeName, string>()
  const add = (name: NodeName, facts: NodeFacts, at: Path, on: 'key' | 'value'): void => {
    const [, key = ''] = at as readonly string[]
    const owner = keys.get(name)
    if (owner !== undefined)
      throw source.error(at, `${name} is there already, at ${source.formatLocation(['nodes', owner], 'key')}`, { on })
    nodes.set(name, facts)
    keys.set(name, key)
  }
  for (const [key, value] of Object.entries(entries)) {
    const path = ['nodes', key]
    const names = naming(source, path, 'key', () => (isNodeName(key) ? [key] : expand(key).map(parseNodeName)))
    for (const facts of nodeFacts(names, value, path, source)) {
      add(facts.name, facts, path, 'key')
      if (!facts.aliases) continue
      const at = [...path, Object.hasOwn(value as object, 'aliases') ? 'aliases' : 'alias']
      for (const alias of facts.aliases) add(parseNodeName(alias), facts, at, 'value')
    }
  }
  return nodes
}

const readGroups = (
  entries: Readonly<Record<string, unknown>>,
  source: YamlSource,
): Map<GroupName, readonly Member[]> =>
  new Map(
    Object.entries(entries).map(([key, value]) => {
      const path = ['groups', key]
      const name = naming(source, path, 'key', () => parseGroupName(key))
      return [name, members(value, path, source)] as const
    }),
  )

const members = (value: unknown, path: Path, source: YamlSource): readonly Member[] => {
  const isEmptyMapping = what(value) === 'a mapping' && Object.keys(value as object).length === 0
  if (isEmptyMapping) return []
  if (value === null || value === '') throw source.error(path, 'has no members; write [] for a group which is empty')
  const list = parseShape(texts, value, problem =>
    source.error([...path, ...problem.path], problem.message.replace('text', 'a target expression'), problem),
  )
  const isList = Array.isArray(value)
  return list.map((text, i) => ({
    kind: 'expression',
    expression: naming(source, isList ? [...path, i] : path, 'value', () => parseExpression(text)),
  }))
}

/** What a name or expression is wrong about, told with its place. */
const naming = <T>(source: YamlSource, path: Path, on: 'key' | 'value', parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    throw source.error(path, (cause as StokerError).message, { on, cause })
  }
}
