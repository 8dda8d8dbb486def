/** Ages and limits of copies as people read them. Pure. */
import { formatDuration } from '../../base/duration.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Milliseconds as `35 ms`, `2 h 5 min`, `5 min`, and from two days on as `9 d` or `9 d 4 h`. */
export const age = (milliseconds: number): string => {
  if (milliseconds < 2 * DAY) return formatDuration(Math.max(0, milliseconds)).replace(/ 0 (?:min|s)$/, '')
  const hours = Math.round(milliseconds / HOUR)
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
