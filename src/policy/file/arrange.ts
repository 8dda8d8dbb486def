/** Resources which call each other by name -> resources in order. Pure. */
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import { type Entry, errorAt, formatLocation, type Policy, type Resource, valueAtLocation } from '../policy.ts'
import { findCycle, type Requirements, stableOrder } from './order.ts'
import type { Draft } from './read-resource.ts'

type DraftResource = Extract<Draft, { readonly kind: 'resource' }>
type Call = 'after' | 'notify' | 'on-change'

/** Throws `CONFIG` for a name which nobody or more than one has, and for resources which wait for each other. */
export const arrange = (drafts: readonly Draft[]): Pick<Policy, 'entries' | 'order' | 'handlers'> => {
  const named = indexNames(drafts)
  const find = (draft: DraftResource, call: Call): readonly number[] =>
    draft.names[call].map((name, i) => {
      const [found, other] = named.get(name) ?? []
      const below = [call, ...(Array.isArray(valueAtLocation(draft.at, call)) ? [i] : [])]
      if (found === undefined) throw errorAt(draft.at, unknownName(name, named), { below })
      if (other === undefined) return found
      const locations = [found, other].map(index => formatLocation((drafts[index] as DraftResource).at)).join(' and ')
      throw errorAt(draft.at, `${shown(name)} may be the one at ${locations}; give them names with name:`, { below })
    })
  const found = drafts.map(draft =>
    draft.kind === 'flush'
      ? { after: [], notify: [], onChange: [] }
      : { after: find(draft, 'after'), notify: find(draft, 'notify'), onChange: find(draft, 'on-change') },
  )
  const calls = found.map(({ notify }, i) => [
    ...new Set([...notify, ...found.flatMap(({ onChange }, other) => (onChange.includes(i) ? [other] : []))]),
  ])
  const handlers = new Set(found.flatMap(({ notify }) => notify))
  const entries = drafts.map((draft, i): Entry => {
    if (draft.kind === 'flush') return draft
    const { names: _, ...rest } = draft
    const { after, onChange } = found[i] as (typeof found)[number]
    const calledBy = calls.flatMap((called, other) => (called.includes(i) ? [other] : []))
    return { ...rest, after, onChange, calls: calls[i] ?? [], calledBy, handler: handlers.has(i) }
  })
  refuseWaitingForHandlers(entries)
  const requirements = requirementsOf(entries)
  refuseCycles(entries, requirements)
  const order = stableOrder(requirements)
  return { entries, order: order.filter(i => !handlers.has(i)), handlers: order.filter(i => handlers.has(i)) }
}

const indexNames = (drafts: readonly Draft[]): ReadonlyMap<string, readonly number[]> => {
  const named = new Map<string, number[]>()
  for (const [i, draft] of drafts.entries()) {
    if (draft.kind === 'flush') continue
    const others = named.get(draft.id) ?? []
    const owner = others.map(index => drafts[index] as DraftResource).find(other => other.named || draft.named)
    if (owner)
      throw errorAt(
        draft.at,
        `there is a resource ${shown(draft.id)} already, at ${formatLocation(owner.at)}; choose another name`,
        {
          below: draft.named ? ['name'] : [],
        },
      )
    named.set(draft.id, [...others, i])
  }
  return named
}

const unknownName = (name: string, named: ReadonlyMap<string, unknown>): string => {
  const near = nearest(name, named.keys())
  const hint = near.length > 0 ? `; did you mean ${near.map(shown).join(' or ')}?` : ''
  return `no resource is called ${shown(name)}${hint}`
}

/** A handler runs at a flush or at the end: nothing in the order can wait for it. */
const refuseWaitingForHandlers = (entries: readonly Entry[]): void => {
  for (const entry of entries) {
    if (entry.kind === 'flush' || entry.handler) continue
    for (const [call, others] of [
      ['after', entry.after],
      ['on-change', entry.onChange],
    ] as const)
      for (const other of others) {
        const called = entries[other]
        if (called?.kind === 'resource' && called.handler)
          throw errorAt(
            entry.at,
            `${shown(called.id)} is notified, so it runs at a flush or at the end; put flush in front of this resource instead`,
            {
              below: [call],
            },
          )
      }
  }
}

/** What each waits for: the ones it calls, those which notify it; and a flush for all resources above it. */
const requirementsOf = (entries: readonly Entry[]): Requirements =>
  entries.map((entry, i): number[] =>
    entry.kind === 'resource'
      ? [...entry.after, ...entry.calledBy]
      : entries.slice(0, i).flatMap((other, k) => (other.kind === 'flush' || !other.handler ? [k] : [])),
  )

const refuseCycles = (entries: readonly Entry[], requirements: Requirements): void => {
  const cycle = findCycle(requirements)
  if (!cycle) return
  const resources = cycle.map(i => entries[i] as Resource)
  const path = resources.map(({ id }) => id).join(' -> ')
  throw errorAt((resources[0] as Resource).at, `resources wait for each other: ${path} (each needs the next one first)`)
}
