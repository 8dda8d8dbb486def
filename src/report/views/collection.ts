/** What targets say, gathered while they run: equal outputs of those which ended alike are kept once. */
import type { Target } from '../../inventory/target.ts'
import { type Gathered, type Gathering, gather } from './gather.ts'
import { spill } from './spill.ts'

/** Targets whose output and end are equal. */
export interface Collected {
  readonly targets: readonly Target[]
  /** One for each stream, in their order; a stream without output is empty. */
  readonly bodies: readonly Gathered[]
  readonly end: string
}

export interface Collection<S extends string> extends AsyncDisposable {
  /** Takes in a piece of output; an empty one is none. */
  add(target: Target, stream: S, data: Uint8Array): Promise<void> | undefined
  /** Whether something has come of this target, which has not ended. */
  has(target: Target): boolean
  /** Those of whom something has come and who have not ended. */
  coming(): Iterable<Target>
  /** The target has ended; `end` is what has to be equal beside the output. */
  finish(target: Target, end: string): Promise<void>
  /** What has ended, in the order in which each variant came up first. */
  groups(): readonly Collected[]
}

export interface CollectionOptions<S extends string> {
  readonly streams: readonly S[]
  /** How many bytes of finished output stay in memory; the rest goes to a temporary file. */
  readonly memory?: number | undefined
  /** Where that file is made, if one is needed. */
  readonly folder?: string | undefined
}

/** Disposing it removes the file. */
export const collection = <S extends string>(options: CollectionOptions<S>): Collection<S> => {
  const { streams, memory = 32 * 1024 * 1024, folder } = options
  const store = spill(folder)
  const coming = new Map<Target, Map<S, Gathering>>()
  const groups = new Map<string, Collected & { readonly targets: Target[] }>()
  let held = 0

  const gatheringOf = (target: Target, stream: S): Gathering => {
    const streams = coming.get(target) ?? new Map<S, Gathering>()
    coming.set(target, streams)
    const gathering = streams.get(stream) ?? gather(store)
    streams.set(stream, gathering)
    return gathering
  }

  return {
    add: (target, stream, data) => (data.length === 0 ? undefined : gatheringOf(target, stream).add(data)),
    has: target => coming.has(target),
    coming: () => coming.keys(),
    async finish(target, end) {
      const bodies: Gathered[] = []
      for (const stream of streams) bodies.push(await (coming.get(target)?.get(stream) ?? gather(store)).close())
      coming.delete(target)
      const key = [end, ...bodies.map(body => body.digest)].join(' ')
      const group = groups.get(key)
      if (group !== undefined) {
        group.targets.push(target)
        for (const body of bodies) body.drop()
        return
      }
      groups.set(key, { targets: [target], bodies, end })
      for (const body of bodies) {
        if (held + body.held > memory) await body.park()
        held += body.held
      }
    },
    groups: () => [...groups.values()],
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
