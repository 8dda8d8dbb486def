/** Output formats and separators of `stoker nodes`, as nodeset(1) reads them. */
import { StokerError } from '../../base/errors.ts'

const CONVERSION = /%(?:%|(-?)(0?)(\d*)(?:\.(\d+))?([sd]))/g

/** A function which puts a value into a format such as `%s-ib0` or `%-10s`. Throws `CONFIG` when there is not one place for it. */
export const formatter = (format: string): ((value: string | number) => string) => {
  if (format === '%s') return String
  const fail = (problem: string) => new StokerError('CONFIG', format, `${problem}: -O '${format}'; write one %s`)
  if (format.replaceAll(CONVERSION, '').includes('%')) throw fail('unsupported format character')
  const places = [...format.matchAll(CONVERSION)].filter(([whole]) => whole !== '%%')
  if (places.length > 1) throw fail('not enough arguments for format string')
  if (places.length === 0) throw fail('not all arguments converted during string formatting')
  return value =>
    format.replaceAll(CONVERSION, (whole, left: string, zero: string, width: string, digits: string, type: string) => {
      if (whole === '%%') return '%'
      if (type === 'd' && typeof value !== 'number') throw fail('%d format: a real number is required, not str')
      const text = String(value).slice(0, digits && type === 's' ? Number(digits) : undefined)
      if (left) return text.padEnd(Number(width))
      return text.padStart(Number(width), zero && typeof value === 'number' ? '0' : ' ')
    })
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** The separator with escapes such as `\n` resolved; unknown ones stay as they are. */
export const separatorOf = (text: string): string =>
  text.replaceAll(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (whole, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? whole) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
