/** What a target expression says, before anyone has been asked. Pure data. */

/** A parsed target expression. Operators bind left to right; parentheses become nesting. */
export type Expression =
  /** Plain names, already expanded, in the order written: `web[1-3]`, `host1`. Each may turn out to be a node or a group. */
  | { readonly kind: 'names'; readonly text: string; readonly names: readonly string[] }
  /** `@name` or `@warehouse:name`; ranges in the name are already expanded, one leaf each. `name` `*` is every node. */
  | { readonly kind: 'group'; readonly text: string; readonly warehouse: string | undefined; readonly name: string }
  /** `@@` or `@@warehouse`: the names of all groups, as if they were nodes. */
  | { readonly kind: 'group-names'; readonly text: string; readonly warehouse: string | undefined }
  /** A glob (`web*`, `n?[1-4]`) matched against all nodes the warehouses know; see `globMatcher`. */
  | { readonly kind: 'wildcard'; readonly text: string; readonly pattern: string }
  /** `/regex/` matched against all nodes the warehouses know; see `matchRegex`. */
  | { readonly kind: 'regex'; readonly text: string; readonly source: string }
  /** `^file`: a file with one expression a line. The core reads it; this module does not; see `parseList`. */
  | { readonly kind: 'file'; readonly text: string; readonly path: string }
  /** `@warehouse:(...)`: a query in the words of the warehouse, passed as data, without the outer parentheses. */
  | { readonly kind: 'query'; readonly text: string; readonly warehouse: string; readonly query: string }
  | {
      readonly kind: 'operation'
      readonly operator: Operator
      readonly left: Expression
      readonly right: Expression
    }

/** Union, difference, intersection, symmetric difference. */
export type Operator = ',' | '!' | '&' | '^'
