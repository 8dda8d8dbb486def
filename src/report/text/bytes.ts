/** Sizes as people read them. Pure. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Bytes as `512 B`, `1.9 GB` or `210 MB`: in thousands, as disks and networks are sold. */
export const byteText = (bytes: number): string => {
  let value = Math.max(0, bytes)
  let unit = 0
  // What would be rounded to four digits is one of the next unit.
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000
  const text = unit > 0 && value < 9.95 ? value.toFixed(1) : String(Math.round(value))
  return `${text} ${UNITS[unit]}`
}
