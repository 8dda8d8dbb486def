/** A policy as it was read: resources in the order of application, what each waits for, and where everything stands. */

import { StokerError } from '../base/errors.ts'
import type { Path, YamlSource } from '../config/yaml-source.ts'
import type { Convergent } from '../converge/convergent.ts'
import type { Condition } from './condition/condition.ts'
import type { SecretSource } from './file/shape.ts'

/** Where something stands in a policy's files, for errors which show later. */
export interface SourceLocation {
  readonly source: YamlSource
  readonly path: Path
}

export interface Resource {
  readonly kind: 'resource'
  /** What others call it by; two may have the same as long as nobody calls them. */
  readonly id: string
  /** Whether `id` was given with `name:`. */
  readonly named: boolean
  readonly actor: Convergent<unknown, unknown>
  /** As they stand in the file: texts may be templates. */
  readonly options: Readonly<Record<string, unknown>>
  readonly at: SourceLocation
  /** Absolute; its `files/` and `templates/` are those of the resource. */
  readonly folder: string
  /** Target expressions: it is for those which all of them hold. None: for every target. */
  readonly targets: readonly string[]
  readonly when: Condition | undefined
  /** The way to the list: `['vars', 'users']`. */
  readonly each: readonly string[] | undefined
  readonly tags: readonly string[]
  /** The indices in `Policy.entries` of those which must have come before, and not have failed. */
  readonly after: readonly number[]
  /** Those which it watches: they have their turn before it does. */
  readonly onChange: readonly number[]
  /** Those which run when this one changed something, by its `notify` or their `on-change`. */
  readonly calls: readonly number[]
  /** The other way round: when there are any, it runs only when one of them changed something. */
  readonly calledBy: readonly number[]
  /** Somebody notifies it: then it has no place in the order, but runs at a flush or at the end, when it is pending. */
  readonly handler: boolean
}

/** Everything which has been notified so far runs here. */
export interface Flush {
  readonly kind: 'flush'
}

export type Entry = Resource | Flush

export interface Secret {
  readonly source: SecretSource
  readonly at: SourceLocation
  /** Absolute; where relative paths start and its command runs. */
  readonly folder: string
}

export interface Policy {
  readonly name: string
  /** As it was given on the command line. */
  readonly file: string
  /** A target expression: whom it is for when nobody is named. */
  readonly targets: string | undefined
  readonly variables: Readonly<Record<string, unknown>>
  readonly secrets: ReadonlyMap<string, Secret>
  /** As they stand in the files, those of includes first. */
  readonly entries: readonly Entry[]
  /** Indices of `entries`: resources and flushes, in the order of application. Handlers are not among them. */
  readonly order: readonly number[]
  /** Indices of the handlers, in the order in which they run when several are pending. */
  readonly handlers: readonly number[]
}

/** What stands in the file at the place, or below it; `undefined` when there is nothing. */
export const valueAtLocation = ({ source, path }: SourceLocation, ...below: Path): unknown =>
  [...path, ...below].reduce<unknown>(
    (value, step) => (value as Record<string | number, unknown> | null | undefined)?.[step],
    source.value,
  )

/** An error about what stands at the place, or below it. */
export const errorAt = (
  { source, path }: SourceLocation,
  message: string,
  options: { readonly below?: Path; readonly on?: 'key' | 'value'; readonly cause?: unknown } = {},
): StokerError => source.error([...path, ...(options.below ?? [])], message, options)

/** `file:line:column` of the place. */
export const formatLocation = ({ source, path }: SourceLocation): string => source.formatLocation(path)

/** The error, with the place and what it is about in front; other errors than those of people's input come back as they are. */
export const withLocation = (at: SourceLocation, what: string, thrown: unknown): unknown => {
  if (!(thrown instanceof StokerError)) return thrown
  if (thrown.code !== 'CONFIG' && thrown.code !== 'ACTOR_OPTION') return thrown
  return new StokerError('CONFIG', thrown.subject, `${formatLocation(at)}: ${what}: ${thrown.message}`, {
    cause: thrown,
  })
}
