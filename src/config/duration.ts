/** Lengths of time as people write them: `10`, `1.5`, `90s`, `5m`, `1h`. Pure. */
import { shown } from '../names.ts'

const DURATION = /^(\d+(?:\.\d+)?)\s*([smh]?)$/
const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600 }
/** What a timer of Node can hold; longer ones would end at once. */
const MAX_MS = 2 ** 31 - 1

/** In milliseconds; a bare number is seconds. Throws a `TypeError` which says what is expected. */
export const parseDuration = (input: string | number): number => {
  const [, number, unit = ''] = DURATION.exec(String(input).trim()) ?? []
  const milliseconds = Math.round(Number(number) * (SECONDS[unit] ?? 1) * 1000)
  if (milliseconds >= 0 && milliseconds <= MAX_MS) return milliseconds
  const given = typeof input === 'number' ? String(input) : shown(input)
  throw new TypeError(`expected seconds, or a time such as 90s, 5m or 1h (at most 24 days), not ${given}`)
}
