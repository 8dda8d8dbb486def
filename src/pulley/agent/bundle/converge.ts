/** A bundle's policy on this machine: the code of `stoker apply`, over the local connection. */
import type { Abortable } from '../../../base/abortable.ts'
import { StokerError, toStokerError } from '../../../base/errors.ts'
import type { Connection } from '../../../connection/connection.ts'
import type { Change } from '../../../converge/convergent.ts'
import type { Target } from '../../../inventory/target.ts'
import { applyPolicy } from '../../../policy/apply/apply-policy.ts'
import type { LoadedPolicy } from '../../../policy/load-for-targets.ts'
import type { PreparedPolicy } from '../../../policy/prepare-policy.ts'
import type { ActorLibrary } from '../../../run/actor.ts'
import type { ResourceResult } from '../../../run/event.ts'
import { prepareFor } from '../../bundle/prepare-for.ts'
import { MAX_CHANGE, MAX_CHANGES, MAX_RESULT_NAME, MAX_RESULTS } from '../../protocol/limits.ts'
import type { Report } from '../../protocol/messages.ts'
import { newId } from '../../protocol/names.ts'
import { unseal } from '../../protocol/sealed.ts'
import type { Identity } from '../state/identity-files.ts'
import type { LocalBundle } from './bundles.ts'

export interface ConvergeOptions {
  readonly identity: Identity
  readonly actors: ActorLibrary
  readonly connect: () => Promise<Connection>
  /** Before anything of a resource is changed; see `ApplyOptions`. */
  readonly beforeChange: (changes: readonly Change[], notified: readonly string[]) => Promise<void>
  /** Run these alone, which others notify. */
  readonly only?: readonly string[]
  readonly say: (line: string) => void
}

/** A bundle, ready to be applied again and again. */
export interface PreparedBundle {
  /** `undefined`: the policy is not for this node. */
  readonly prepared: PreparedPolicy | undefined
  readonly target: Target | undefined
}

/** What secrets of one bundle for one node are sealed for. */
export const purposeOf = (vo: string, node: string, serial: number): string => `${vo} ${node} ${serial}`

/** Reads a bundle's policy and all it needs. Throws `CONFIG` and what else is wrong with it. */
export const prepareBundle = async (
  { bundle, folder }: LocalBundle,
  options: ConvergeOptions,
  io: Abortable,
): Promise<PreparedBundle> => {
  const { identity, actors, say } = options
  const secrets = await secretsOf(bundle.sealed[identity.node], bundle.vo, bundle.serial, identity)
  // An administrator may have published before this node was there: it knows itself.
  const known = bundle.nodes.some(one => one.id === identity.node)
  const self = { id: identity.node, name: identity.name, roles: identity.roles }
  const nodes = known ? bundle.nodes : [...bundle.nodes, self]
  const isSelf = (target: Target) => target.vars.id === identity.node
  const secretsFor = async ({ policy }: LoadedPolicy) => {
    if (policy.secrets.size > 0 && bundle.sealed[identity.node] === undefined)
      throw new StokerError(
        'CONFIG',
        `bundle ${bundle.serial}`,
        'its secrets are not sealed for this node, which joined after it was published; publish it again',
      )
    return secrets
  }
  const { prepared, targets } = await prepareFor(
    folder,
    { nodes, roles: bundle.roles },
    actors,
    secretsFor,
    say,
    io,
    isSelf,
  )
  const [target] = targets
  if (!target) return { prepared: undefined, target: undefined }
  return { prepared, target }
}

/** Applies it once and says what came of it. `settled`: everything was as it should be before, so that a change is drift. */
export const applyBundle = async (
  { prepared, target }: PreparedBundle,
  serial: number,
  settled: boolean,
  options: ConvergeOptions,
  io: Abortable,
): Promise<Report> => {
  const began = performance.now()
  const counts = { ok: 0, changed: 0, drift: 0, failed: 0, skipped: 0 }
  const results: Report['results'] = []
  const addResult = ({ resource, state, changes, error, detail }: ResourceResult) => {
    const kind = state === 'changed' && settled ? 'drift' : state
    counts[kind]++
    if (kind === 'ok' || results.length >= MAX_RESULTS) return
    const why = error?.message ?? detail
    const what = [...changes.map(change => change.what), ...(why === undefined ? [] : [why])]
    results.push({
      resource: resource.slice(0, MAX_RESULT_NAME),
      state: kind,
      what: what.slice(0, MAX_CHANGES).map(text => text.slice(0, MAX_CHANGE)),
    })
  }
  if (prepared && target) {
    try {
      const job = { apply: true, diff: false, signal: io.signal, connect: options.connect }
      const { beforeChange, only } = options
      const running = applyPolicy(prepared, target, job, { before: beforeChange, ...(only && { only }) })
      for (;;) {
        const step = await running.next()
        if (!step.done) {
          if ('resource' in step.value) addResult(step.value)
          continue
        }
        // What failed as a whole has no resource to say so.
        if (step.value.kind === 'failed' && counts.failed === 0) {
          counts.failed++
          results.push({ resource: 'policy', state: 'failed', what: [step.value.error.message.slice(0, MAX_CHANGE)] })
        }
        break
      }
    } catch (thrown) {
      io.signal.throwIfAborted()
      counts.failed++
      results.push({
        resource: 'policy',
        state: 'failed',
        what: [toStokerError(thrown, 'policy').message.slice(0, MAX_CHANGE)],
      })
    }
  }
  return {
    id: newId('r'),
    at: Date.now(),
    took: Math.round(performance.now() - began),
    serial,
    counts,
    // Why it failed as a whole stands last.
    results: results.slice(-MAX_RESULTS),
    trouble: [],
  }
}

const secretsOf = async (
  sealed: string | undefined,
  vo: string,
  serial: number,
  { node, sealKey }: Identity,
): Promise<Readonly<Record<string, string>>> => {
  if (sealed === undefined) return {}
  const text = Buffer.from(await unseal(sealKey, purposeOf(vo, node, serial), sealed)).toString()
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || !Object.values(value).every(one => typeof one === 'string'))
    throw new StokerError(
      'UNTRUSTED',
      `bundle ${serial}`,
      `the sealed values of bundle ${serial} are no mapping of texts`,
    )
  return value as Readonly<Record<string, string>>
}
