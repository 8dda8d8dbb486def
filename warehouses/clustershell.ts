/** The `clustershell` warehouse: the node groups which clush and nodeset already have. */
import { homedir } from 'node:os'
import type { Abortable } from '../src/abortable.ts'
import { resolvePath } from '../src/config/paths.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import { isNodeName } from '../src/names.ts'
import { evaluator } from '../src/nodeset/evaluate.ts'
import type { Expression } from '../src/nodeset/expression.ts'
import type { Groups } from '../src/nodeset/groups.ts'
import type { GroupName, NodeName } from '../src/names.ts'
import type { Member, Warehouse, WarehouseFactory } from '../src/warehouse.ts'
import { groupsOf, openSources } from './clustershell/groups.ts'
import { sourceNamed } from './clustershell/sources.ts'
import { duration } from './options.ts'
import { asFailure, noFiles, unfitMember, upcallWarehouse } from './upcall/source.ts'

const schema = mapping({
  path: text.default('/etc/clustershell/groups.conf'),
  source: text.optional(),
  deadline: duration.default(30_000),
})

/**
 * One source of a groups.conf, the default one unless `source` names another. Its groups may use all the other sources.
 * The files are read at the first question.
 */
export const clustershell: WarehouseFactory = (options, { name, folder }) => {
  const { path: given, source: wanted, deadline } = parseOptions(schema, options)
  const path = resolvePath(given, folder, homedir())
  let opened: Promise<Warehouse> | undefined
  throw new Error('not yet')
}
