/** What templates and conditions can speak of, apart by their first word: `node`, `facts`, `vars`, `nodes`, `secret`, `item`. Pure. */
import type { Path } from '../config/yaml-source.ts'
import { nodeValues } from '../converge/materials.ts'
import type { Target } from '../inventory/target.ts'

/** The first words of names in conditions. Secrets are not among them: what hangs on a secret tells it. */
export const NAME_ROOTS = ['facts', 'node', 'vars'] as const

/** The values which are the same for all targets of a run. */
export interface SharedValues {
  readonly vars: Readonly<Record<string, unknown>>
  readonly secret: Readonly<Record<string, string>>
  /** All targets of the run, also those which `--limit` leaves out. */
  readonly nodes: readonly ReturnType<typeof nodeValues>[]
}

export const sharedValues = (
  vars: Readonly<Record<string, unknown>>,
  secret: Readonly<Record<string, string>>,
  targets: readonly Target[],
): SharedValues => ({ vars, secret, nodes: targets.map(nodeValues) })

/** Whether a text of the options is rendered before the actor gets it. */
export const isTemplate = (text: string): boolean => text.includes('{{')

/** All texts in a value, with the way to each. */
export const textsIn = (value: unknown, path: Path = []): readonly { readonly path: Path; readonly text: string }[] => {
  if (typeof value === 'string') return [{ path, text: value }]
  if (Array.isArray(value)) return value.flatMap((one, i) => textsIn(one, [...path, i]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => textsIn(one, [...path, key]))
}

/** The value with every template in it replaced by what `render` makes of it. */
export const rendered = async (
  value: unknown,
  render: (text: string, path: Path) => Promise<string>,
  path: Path = [],
): Promise<unknown> => {
  if (typeof value === 'string') return isTemplate(value) ? await render(value, path) : value
  if (Array.isArray(value)) {
    const list: unknown[] = []
    for (const [i, one] of value.entries()) list.push(await rendered(one, render, [...path, i]))
    return list
  }
  if (typeof value !== 'object' || value === null) return value
  const object: Record<string, unknown> = {}
  for (const [key, one] of Object.entries(value)) object[key] = await rendered(one, render, [...path, key])
  return object
}
