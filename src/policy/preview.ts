/** What a policy asks of a target, as far as it can be said without asking the target. */
import type { Abortable } from '../base/abortable.ts'
import { type Facts, TYPICAL_FACTS } from '../converge/facts.ts'
import type { Target } from '../inventory/target.ts'
import { type Resource, valueAtLocation } from './policy.ts'
import type { PreparedPolicy } from './prepare-policy.ts'

/** One resource of one target. */
export interface PlannedResource {
  /** Its place in the order of application, from 0. */
  readonly place: number
  /** As reports show it. */
  readonly resource: string
  readonly actor: string
  /** As the actor gets them; facts stand as `<facts.os.id>`, secrets as `<secret.db>`. */
  readonly options: Readonly<Record<string, unknown>>
  /** Templates which are read for it, by name, with the text that each makes. */
  readonly texts: Readonly<Record<string, string>>
  /** When it is done, where that cannot be said now: `facts.memory > 8GiB`. */
  readonly when?: string
  /** What calls it: then it is only done when one of these changes something. */
  readonly calledBy?: readonly string[]
}

/** In the order of application, what runs when it is notified last. */
export async function* preview(
  prepared: PreparedPolicy,
  target: Target,
  io: Abortable,
): AsyncGenerator<PlannedResource, void, void> {
  const { policy } = prepared
  for (const [position, index] of [...policy.order, ...policy.handlers].entries()) {
    const resource = policy.entries[index]
    if (resource?.kind !== 'resource' || !prepared.appliesTo(resource, target) || !prepared.isSelected(resource))
      continue
    for (const instance of prepared.instances(index, target, UNKNOWN_FACTS)) {
      const holds = prepared.holds(resource, target, undefined, instance.item)
      if (holds === false) continue
      const { subject, options, texts } = await prepared.preview(instance, target, UNKNOWN_FACTS, io)
      const callers = resource.calledBy.map(one => (policy.entries[one] as Resource).id)
      yield {
        place: position,
        resource: labelOf(resource, subject),
        actor: resource.actor.name,
        options,
        texts: Object.fromEntries(texts),
        ...(holds === undefined && { when: String(valueAtLocation(resource.at, 'when')) }),
        ...(callers.length > 0 && { calledBy: callers }),
      }
    }
  }
}

const labelOf = ({ id, named, actor }: Resource, subject: string | undefined): string =>
  named || subject === undefined ? id : `${actor.name} ${subject}`.trim()

const unknown = (value: unknown, path: string): unknown => {
  if (Array.isArray(value)) return [`<${path}>`]
  if (typeof value !== 'object' || value === null) return `<${path}>`
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unknown(one, `${path}.${key}`)]))
}

/** What stands for each fact until the target is asked. */
const UNKNOWN_FACTS = unknown(TYPICAL_FACTS, 'facts') as Facts
