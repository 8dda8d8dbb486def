/**
 * What the agent was ordered to do, and how far it is: written and synced before and after, one file for each action, so
 * that after any kind of end it is known what was never begun, what was done, and what nobody can know.
 */
import * as z from 'zod'
import { type Envelope, envelope } from '../../protocol/envelope.ts'
import { actionReport } from '../../protocol/messages.ts'
import { id, time } from '../../protocol/names.ts'
import type { Folder } from '../state/folder.ts'

const entry = z.strictObject({
  id: id('a'),
  envelope,
  attempt: z.string(),
  taken: time,
  /** As it was signed. */
  expires: time,
  /** `asking`: may it be started? `running`: it has been. `ended`: the result is known here. `told`: and at the server. */
  state: z.enum(['asking', 'running', 'ended', 'told']),
  began: time.optional(),
  result: actionReport.optional(),
  /** Pieces of output which were written here, and how many of them the server has. */
  pieces: z.int().nonnegative(),
  sent: z.int().nonnegative(),
})
export type Entry = z.output<typeof entry>

const FOLDER = 'actions'

export class Journal {
  readonly #folder: Folder

  constructor(folder: Folder) {
    this.#folder = folder
  }

  async entries(): Promise<readonly Entry[]> {
    const names = (await this.#folder.list(FOLDER)).filter(name => name.endsWith('.json'))
    const all = await Promise.all(names.map(name => this.#folder.read(`${FOLDER}/${name}`, entry)))
    return all.filter(one => one !== undefined).sort((a, b) => a.taken - b.taken)
  }

  async has(action: string): Promise<boolean> {
    return (await this.#folder.text(`${FOLDER}/${action}.json`)) !== undefined
  }

  async put(one: Entry): Promise<Entry> {
    await this.#folder.write(`${FOLDER}/${one.id}.json`, one)
    return one
  }

  take(action: string, document: Envelope, attempt: string, expires: number): Promise<Entry> {
    const taken = Date.now()
    return this.put({ id: action, envelope: document, attempt, taken, expires, state: 'asking', pieces: 0, sent: 0 })
  }

  async putPiece(action: string, piece: number, stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> {
    await this.#folder.writeBytes(`${FOLDER}/${action}.${piece}.${stream}`, data)
  }

  async piece(
    action: string,
    piece: number,
  ): Promise<{ readonly stream: 'stdout' | 'stderr'; readonly data: Buffer } | undefined> {
    for (const stream of ['stdout', 'stderr'] as const) {
      const data = await this.#folder.bytes(`${FOLDER}/${action}.${piece}.${stream}`)
      if (data) return { stream, data }
    }
    return undefined
  }

  /** How many pieces of output there are, of which some may have been removed. */
  async pieces(action: string): Promise<number> {
    const own = (await this.#folder.list(FOLDER)).filter(
      name => name.startsWith(`${action}.`) && !name.endsWith('.json'),
    )
    return Math.max(0, ...own.map(name => Number(name.split('.')[1]) + 1))
  }

  async removePiece(action: string, piece: number): Promise<void> {
    for (const stream of ['stdout', 'stderr']) await this.#folder.remove(`${FOLDER}/${action}.${piece}.${stream}`)
  }

  /** Forgets what was reported long ago and has expired long ago; until then an order which comes again is known. */
  async prune(before: number): Promise<void> {
    for (const { id: action, state, taken, expires } of await this.entries())
      if (state === 'told' && Math.max(taken, expires) < before) await this.#folder.remove(`${FOLDER}/${action}.json`)
  }
}
