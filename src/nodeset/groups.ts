/** What the calculator needs to know about groups. */
import type { Abortable } from '../base/abortable.ts'
import type { Expression } from './syntax/expression.ts'

/**
 * Group sources, each under a name. `undefined` from a method means that the source cannot answer such questions at all;
 * it then is done without, or named in an error. A throw means that the source is broken.
 */
export interface Groups {
  /** The names of all sources, the default one first. */
  readonly sources: readonly string[]
  /** What a group holds; its groups without a source are looked up in the same source. Throws when there is no such group. */
  map(source: string, group: string, io: Abortable): Promise<Expression>
  /** All nodes. */
  all(source: string, io: Abortable): Promise<Expression | undefined>
  /** The names of all groups; ranges and wildcards in them are expanded. */
  list(source: string, io: Abortable): Promise<readonly string[] | undefined>
  /** The groups of each node, for many nodes at once. */
  reverse(
    source: string,
    nodes: readonly string[],
    io: Abortable,
  ): Promise<ReadonlyMap<string, readonly string[]> | undefined>
  /** What a query in the source's own words matches. */
  query(source: string, query: string, io: Abortable): Promise<Expression | undefined>
}
