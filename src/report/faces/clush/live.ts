/** Output which clush(1) gathers line by line (`-bL`): a line is shown once every node has sent its own, or has ended. */
import type { Target } from '../../../inventory/target.ts'
import type { View } from '../../report.ts'
import type { Sink } from '../../sink.ts'
import { type LineBatch, lineBatch } from '../../text/line-batch.ts'
import { type ClushFormat, lineLabel, namesOf } from './format.ts'

export interface LiveOptions {
  /** All targets, in the order of their names. */
  readonly targets: readonly Target[]
  /** Whether standard error belongs to it (`-B`). */
  readonly stderr: boolean
}

/** Which nodes sent which text as their n-th line. Texts are bytes, one in each character. */
type Row = Map<string, Target[]>

export const live = (stdout: Sink, { targets, stderr }: LiveOptions, format: ClushFormat): View => {
  const batches = new Map<Target, LineBatch>()
  const counts = new Map<Target, number>(targets.map(target => [target, 0]))
  const running = new Set(targets)
  const places = new Map(targets.map((target, place) => [target, place]))
  const rows: Row[] = []
  let shown = 0

  const take = (target: Target, lines: Uint8Array): void => {
    if (lines.length === 0) return
    for (const line of Buffer.from(lines).toString('latin1').slice(0, -1).split('\n')) {
      const count = counts.get(target) ?? 0
      counts.set(target, count + 1)
      rows[count - shown] ??= new Map()
      const row = rows[count - shown] as Row
      row.set(line, [...(row.get(line) ?? []), target])
    }
  }
  const show = async (row: Row): Promise<void> => {
    const texts = [...row].map(([line, some]) => ({
      line,
      some: some.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0)),
    }))
    texts.sort((a, b) => b.some.length - a.some.length || ((a.some[0]?.name ?? '') < (b.some[0]?.name ?? '') ? -1 : 1))
    for (const { line, some } of texts) {
      const name = await namesOf(
        some.map(({ name }) => name),
        format,
      )
      const batch = lineBatch({ label: lineLabel(name, 'stdout', format), harmless: stdout.isTerminal })
      await stdout.write(batch.push(Buffer.from(`${line}\n`, 'latin1')))
    }
  }
  const showComplete = async (): Promise<void> => {
    while (rows[0] && running.values().every(target => (counts.get(target) ?? 0) > shown)) {
      shown += 1
      await show(rows.shift() as Row)
    }
  }

  return {
    async event(event) {
      const { target } = event
      if (event.kind === 'output' && (stderr || event.output.stream === 'stdout')) {
        const batch = batches.get(target) ?? lineBatch({ label: '', harmless: false })
        batches.set(target, batch)
        take(target, batch.push(event.output.data))
        await showComplete()
      } else if (event.kind === 'finished') {
        const rest = batches.get(target)?.end()
        if (rest) take(target, rest)
        running.delete(target)
        await showComplete()
      }
    },
    async end() {
      for (const row of rows.splice(0)) await show(row)
      await stdout.flush()
    },
  }
}
