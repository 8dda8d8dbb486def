/** Reads journals: what was run, how far each target came, and everything that happened, once more. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Target } from '../inventory/target.ts'
import type { RunEvent } from '../run/event.ts'
import type { Outcome } from '../run/outcome.ts'
import { isAlive } from './author.ts'
import { type Line, parseLine, type RunHead } from './entries.ts'
import { idOfFile, runFile } from './paths.ts'

export interface RunRecord {
  readonly head: RunHead
  /** For every target of the run; where no end was written, `unknown` or `not-started`. */
  readonly endings: ReadonlyMap<Target, Outcome>
  /** `undefined`: it still goes on, or was killed. */
  readonly ended: { readonly at: number; readonly exitCode: number } | undefined
  /** Whether something came through the pipe which it had; also when nobody knows. */
  readonly hadInput: boolean
  /** The process in which it still goes on. */
  readonly goesOnIn: number | undefined
}

/** The ids of all runs, the newest first. */
export const runIds = async (folder: string): Promise<readonly string[]> => {
  const names = await readdir(folder).catch(thrown => {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return []
    throw new StokerError('CONFIG', folder, `cannot read the runs in ${folder}: ${(thrown as Error).message}`, {
      cause: thrown,
    })
  })
  return names
    .flatMap(name => idOfFile(name) ?? [])
    .sort()
    .reverse()
}

/** Reads a run; `watch` sees its events in order, with the time when the target's turn came. Throws `UNKNOWN_NAME` when there is none of this id, `CONFIG` when it cannot be read. */
export const readRun = async (
  folder: string,
  id: string,
  io: Abortable,
  watch: (event: RunEvent, at: number) => void | Promise<void> = () => {},
): Promise<RunRecord> => {
  let head: RunHead | undefined
  let ended: Extract<Line, { readonly kind: 'ended' }> | undefined
  const began = new Map<Target, number>()
  const outcomes = new Map<Target, Outcome>()
  for await (const text of linesOf(folder, id, io)) {
    const line = parseLine(text, head)
    if (!line) continue
    if (line.kind === 'run') head = line.head
    else if (line.kind === 'ended') ended = line
    else if (line.kind === 'began') began.set(head?.targets[line.n] as Target, line.at)
    else if (line.kind === 'event' && head) {
      if (line.event.kind === 'finished') outcomes.set(line.event.target, line.event.outcome)
      const busy = watch(line.event, began.get(line.event.target) ?? head.at)
      if (busy) await busy
    }
  }
  if (!head) throw new StokerError('CONFIG', id, `the journal of run ${id} is damaged, or of another version`)
  const endings = head.targets.map(target => {
    const outcome = outcomes.get(target) ?? (began.has(target) ? unknown(target) : NOT_STARTED)
    return [target, outcome] as const
  })
  const goesOnIn = ended ? undefined : isAlive(head.author)
  return { head, endings: new Map(endings), ended, goesOnIn, hadInput: head.input && !ended?.emptyInput }
}

const NOT_STARTED: Outcome = { kind: 'not-started' }

const unknown = ({ name }: Target): Outcome => ({
  kind: 'unknown',
  error: new StokerError('CONNECTION_LOST', name, 'it had begun, and nobody saw its end'),
})

async function* linesOf(folder: string, id: string, { signal }: Abortable): AsyncGenerator<string, void, void> {
  const file = runFile(folder, id)
  const missing = () =>
    new StokerError('UNKNOWN_NAME', id, `there is no run ${JSON.stringify(id)}; 'stoker runs' lists them`)
  if (file === undefined) throw missing()
  const stream = createReadStream(file, { signal })
  try {
    yield* createInterface({ input: stream })
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw missing()
    throw new StokerError('CONFIG', id, `cannot read run ${id}: ${(cause as Error).message}`, { cause })
  } finally {
    stream.destroy()
  }
}
