/**
 * Convergent actors: what makes one of a definition, and the pieces by which a policy runs many on one connection.
 *
 *     await using connection = withShell(await job.connect(), job)
 *     const resource = await desiredResource(definition, options, materials)
 *     const [result] = await probeAll(connection, [resource.probe({ diff })], io)
 *     const outcome = yield* converge(resource, result, connection, { apply, diff, signal })
 */
import type { Abortable } from '../base/abortable.ts'
import { unifiedDiff } from '../base/diff.ts'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import type { Connection, Output } from '../connection/connection.ts'
import type { Actor } from '../run/actor.ts'
import { parseOptions } from '../run/actor-options.ts'
import type { MadeChange } from '../run/event.ts'
import type { Outcome } from '../run/outcome.ts'
import { applyChanges } from './apply-changes.ts'
import type { Change, Convergent, Materials, ProbeOptions, ProbeResult, TextChange } from './convergent.ts'
import { probeAll } from './probe-all.ts'
import { withShell } from './remote-shell.ts'

/** One thing that is wanted on one target: ready to be probed, as often as need be. */
export interface DesiredResource {
  /** The actor's name. */
  readonly actor: string
  /** A path, a package's name: fit to stand in a line. */
  readonly subject: string
  /** See `Convergent.probe`. */
  probe(options: ProbeOptions): string
  /** See `Convergent.plan`. */
  plan(result: ProbeResult): ReturnType<Convergent<unknown>['plan']>
}

/** How far `converge` goes. */
export interface ConvergeOptions extends ProbeOptions, Abortable {
  /** Called with the changes before they are made. */
  readonly before?: (changes: readonly Change[]) => Promise<void>
  /** `false`: say what would be done. */
  readonly apply: boolean
}

/** An actor which probes, plans and applies as the definition says. */
export const convergent = <O, D>(definition: Convergent<O, D>): Actor<O> => ({
  name: definition.name,
  summary: definition.summary,
  takes: 'options',
  connects: true,
  convergent: definition,
  takesInput: false,
  ...(definition.sources && { sources: definition.sources }),
  parse: argument => parseOptions(definition.name, definition.schema, argument),
  async *act(_target, options, job) {
    await using stack = new AsyncDisposableStack()
    let opened: Promise<Connection> | undefined
    const reach = () => {
      opened ??= job.connect().then(connection => stack.use(withShell(connection, job)))
      return opened
    }
    const resource = await desiredResource(definition, options, job.materials(reach))
    const connection = await reach()
    const [result] = await probeAll(connection, [resource.probe(job)], job)
    return yield* convergeAlone(resource, result as ProbeResult | StokerError, connection, job)
  },
})

/** What the options mean on one target. Reads sources here; throws `ACTOR_OPTION` or `CONFIG`. */
export const desiredResource = async <O, D>(
  definition: Convergent<O, D>,
  options: O,
  materials: Materials,
): Promise<DesiredResource> => {
  const desired = await definition.desiredState(options, materials)
  return {
    actor: definition.name,
    subject: plain(definition.subject(options)),
    probe: options => definition.probe(desired, options),
    plan: result => definition.plan(desired, result),
  }
}

export type Progress =
  /** What a command prints. */
  | { readonly kind: 'output'; readonly output: Output }
  /** A change which was made; without `apply`, one which would be. */
  | { readonly kind: 'change'; readonly change: MadeChange }

/** Plans with what the probe found and applies the plan, or says what would be done. Throws what the connection throws. */
export async function* converge(
  resource: DesiredResource,
  result: ProbeResult | StokerError,
  connection: Connection,
  options: ConvergeOptions,
): AsyncGenerator<Progress, Outcome, void> {
  const name = `${resource.actor} ${resource.subject}`
  const failed = (why: string): Outcome => ({
    kind: 'failed',
    error: new StokerError('ACTOR_FAILED', resource.subject, `${name}: ${why}`),
  })
  const changeMade = ({ what, diff }: Change): Progress => ({
    kind: 'change',
    change: { what: plain(what), ...(options.diff && diff && { diff: difference(diff) }) },
  })
  if (result instanceof StokerError) return failed(`cannot probe it: ${result.message}`)
  const plan = resource.plan(result)
  if (plan.kind === 'impossible') return failed(plan.reason)
  if (plan.kind === 'converged')
    return { kind: 'ok', changed: false, ...(plan.detail !== undefined && { detail: plan.detail }) }
  if (!options.apply) {
    yield* plan.changes.map(changeMade)
    return { kind: 'ok', changed: true }
  }
  await options.before?.(plan.changes)
  const running = applyChanges(name, plan.changes, connection, options)
  for (;;) {
    const step = await running.next()
    if (step.done) return step.value
    yield step.value.kind === 'output' ? step.value : changeMade(step.value.change)
  }
}

/** The same for one resource by itself, with a line for each change: `changed /etc/motd: mode 0644 -> 0600`. */
async function* convergeAlone(
  resource: DesiredResource,
  result: ProbeResult | StokerError,
  connection: Connection,
  options: ConvergeOptions,
): AsyncGenerator<Output, Outcome, void> {
  const verb = options.apply ? 'changed' : 'would change'
  const running = converge(resource, result, connection, options)
  for (;;) {
    const step = await running.next()
    if (step.done) return step.value
    if (step.value.kind === 'output') yield step.value.output
    else {
      const { what, diff = '' } = step.value.change
      yield { stream: 'stdout', data: Buffer.from(`${verb} ${resource.subject}: ${what}\n${diff}`) }
    }
  }
}

const difference = ({ path, before, after, secret }: TextChange): string => {
  const name = plain(path)
  if (secret) return `(${name}: the content is secret; not shown)\n`
  const [old, wanted] = [textOf(before), textOf(after)]
  if (old !== 'binary' && wanted !== 'binary') return unifiedDiff(name, old?.text, wanted?.text)
  return `(${name}: not text; ${before?.length ?? 0} -> ${after?.length ?? 0} bytes)\n`
}

const textOf = (bytes: Uint8Array | undefined): { readonly text: string } | 'binary' | undefined => {
  if (bytes === undefined) return undefined
  const text = Buffer.from(bytes).toString()
  return Buffer.from(text).equals(bytes) ? { text } : 'binary'
}

/** The text as it is where it can stand within a line, else in quotes. */
const plain = (text: string): string => (/^[^\p{Cc}\p{Cf}\u2028\u2029]+$/u.test(text) ? text : shown(text))
