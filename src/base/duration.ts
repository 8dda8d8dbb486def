/** Lengths of time as people write them (`10`, `1.5`, `90s`, `5m`, `1h`, `7d`) and read them. Pure. */
import { shown } from './names.ts'

const DURATION = /^(\d+(?:\.\d+)?)\s*([smhd]?)$/
const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }
/** What a timer of Node can hold, in milliseconds; longer ones would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1
const TEN_YEARS_MS = 3650 * 86_400_000

/** A time to wait, in milliseconds; a bare number is seconds. Throws a `TypeError` which says what is expected. */
export const parseDuration = (input: string | number): number =>
  parsed(input, MAX_TIMER_MS, 'seconds, or a time such as 90s, 5m or 1h (at most 24 days)')

/** How old something may be, likewise. */
export const parseAge = (input: string | number): number =>
  parsed(input, TEN_YEARS_MS, 'seconds, or a time such as 5m, 12h or 7d (at most ten years)')

/** Milliseconds as `35 ms`, `2.3 s`, `1 min 5 s` or `2 h 10 min`. */
export const formatDuration = (milliseconds: number): string => {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  const tenths = Math.round(milliseconds / 100)
  if (tenths < 600) return `${tenths / 10} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const parsed = (input: string | number, most: number, expected: string): number => {
  const [, number, unit = ''] = DURATION.exec(String(input).trim()) ?? []
  const milliseconds = Math.round(Number(number) * (SECONDS[unit] ?? 1) * 1000)
  if (milliseconds >= 0 && milliseconds <= most) return milliseconds
  const given = typeof input === 'number' ? String(input) : shown(input)
  throw new TypeError(`expected ${expected}, not ${given}`)
}
