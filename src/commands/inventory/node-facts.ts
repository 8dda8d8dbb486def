/** What several warehouses say of one node, side by side. Pure. */
import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { NodeFacts } from '../../inventory/warehouse.ts'

export interface Answer {
  readonly warehouse: string
  readonly facts: NodeFacts
}

/** One value, and who says so. */
export interface Fact {
  /** `name`, `id`, `alias`, `address`, `port`, `user`, `mac`, or `vars.rack`. */
  readonly fact: string
  readonly value: unknown
  readonly warehouses: readonly string[]
  /** The warehouse before these which says something else, where both cannot be right. */
  readonly contradicts: string | undefined
}

/** Everything that is said, in the order of the warehouses. */
export const factsOf = (answers: readonly Answer[]): readonly Fact[] => {
  const vars = new Set(answers.flatMap(({ facts }) => Object.keys(facts.vars ?? {})))
  return [
    ...many('name', answers, ({ name }) => [name]),
    ...many('id', answers, ({ id }) => (id === undefined ? [] : [id])),
    ...many('alias', answers, ({ aliases = [] }) => aliases),
    ...many('address', answers, ({ addresses = [] }) => addresses, agreesOnAddress),
    ...many('port', answers, ({ port }) => (port === undefined ? [] : [port]), isDeepStrictEqual),
    ...many('user', answers, ({ user }) => (user === undefined ? [] : [user]), isDeepStrictEqual),
    ...many('mac', answers, ({ macs = [] }) => macs, agreesOnAny),
    ...[...vars]
      .sort()
      .flatMap(key =>
        many(
          `vars.${key}`,
          answers,
          ({ vars = {} }) => (Object.hasOwn(vars, key) ? [vars[key]] : []),
          isDeepStrictEqual,
        ),
      ),
  ]
}

type Values = readonly unknown[]

/** Values of one fact, equal ones together. `agrees` says whether two warehouses' values can both be right. */
const many = (
  fact: string,
  answers: readonly Answer[],
  read: (facts: NodeFacts) => Values,
  agrees: (one: Values, other: Values) => boolean = () => true,
): readonly Fact[] => {
  const answering = answers
    .map(({ warehouse, facts }) => ({ warehouse, values: read(facts) }))
    .filter(({ values }) => values.length > 0)
  const first = answering[0]
  if (!first) return []
  const found: { value: unknown; warehouses: string[]; contradicts: string | undefined }[] = []
  for (const { warehouse, values } of answering) {
    const contradicts = agrees(first.values, values) ? undefined : first.warehouse
    for (const value of values) {
      const known = found.find(one => isDeepStrictEqual(one.value, value) && one.contradicts === contradicts)
      if (known) known.warehouses.push(warehouse)
      else found.push({ value, warehouses: [warehouse], contradicts })
    }
  }
  return found.map(one => ({ fact, ...one }))
}

const agreesOnAny = (one: Values, other: Values): boolean => one.some(value => other.includes(value))

/** As in resolution: host names say nothing about addresses, and one common address is enough. */
const agreesOnAddress = (one: Values, other: Values): boolean => {
  const mine = one.filter(isAddress)
  const theirs = other.filter(isAddress)
  return mine.length === 0 || theirs.length === 0 || agreesOnAny(mine, theirs)
}

const isAddress = (value: unknown): boolean => isIP(String(value)) !== 0
