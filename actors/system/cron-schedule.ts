/** When a cron job runs, crontab(5): five fields, or a name such as `@daily`. Pure. */

const NAMES = ['@reboot', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  /** Words for the numbers from `least` on. */
  readonly words?: readonly string[]
}

const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of the month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, words: MONTHS },
  { name: 'day of the week', least: 0, most: 7, words: DAYS },
]

/** What is wrong with a schedule; `undefined` when nothing is. */
export const scheduleProblem = (schedule: string): string | undefined => {
  if (schedule.startsWith('@'))
    return NAMES.includes(schedule) ? undefined : `expected one of ${NAMES.join(', ')}, or five fields`
  const fields = schedule.split(/[ \t]+/)
  if (fields.length !== FIELDS.length)
    return `expected five fields (minute hour day month weekday) with blanks between, such as "30 4 * * *", or a name such as @daily`
  for (const [index, field] of FIELDS.entries()) {
    const text = fields[index] as string
    if (!text.split(',').every(part => isPart(part, field)))
      return `${field.name} ${JSON.stringify(text)}: expected ${field.least} to ${field.most}${field.words ? ` or ${field.words[0]}, ${field.words[1]}...` : ''}, a range such as 1-5, a list with commas, *, or */5`
  }
  return undefined
}

/** `*`, a number, a range; the first and the last with a step behind, if any. */
const isPart = (part: string, field: Field): boolean => {
  const [, range = '', step] = /^([^/]*)(?:\/(\d{1,2}))?$/.exec(part) ?? []
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.most)) return false
  if (range === '*') return true
  const ends = range.split('-').map(end => numberOf(end, field))
  const [from, to] = ends
  if (from === undefined || ends.length > 2) return false
  // A step without a range is taken by some crons and means different things to them.
  if (ends.length === 1) return step === undefined
  return to !== undefined && from <= to
}

const numberOf = (text: string, { least, most, words }: Field): number | undefined => {
  const word = words?.indexOf(text.toLowerCase()) ?? -1
  if (word >= 0) return word + least
  const number = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return number >= least && number <= most ? number : undefined
}
