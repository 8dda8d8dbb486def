/** `@stoker-pulley/stoker/warehouse`: all that the author of a warehouse needs beside `names` and `errors`. */
export type { Abortable } from '../base/abortable.ts'
export type { GroupName, NodeName } from '../base/names.ts'
export type {
  DhcpStatement,
  Member,
  NetworkFacts,
  NodeFacts,
  NodeRecord,
  Warehouse,
  WarehouseContext,
  WarehouseFactory,
} from '../inventory/warehouse.ts'
export type { Expression, Operator } from '../nodeset/syntax/expression.ts'
