/** Figures as text: tables in Markdown, which people can read as they are. */
import type { Standing } from '../push/rounds.ts'

/** Rows as a table, the first its head; the first column to the left, the others to the right. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows
  const widths = head.map((_, column) => Math.max(3, ...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (column === 0 ? (row[0] ?? '').padEnd(width) : (row[column] ?? '').padStart(width))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...body.map(line)].join('\n')
}

/** What each took, and what the first one takes for each second, or byte, of it. */
export const standingsTable = (standings: readonly Standing[]): string => {
  const withMemory = standings.some(({ memory }) => memory !== undefined)
  const [first] = standings
  const head = ['wall', 'CPU', ...(withMemory ? ['memory'] : [])]
  return table([
    ['', ...head, ...head.map(text => `${text}, ${first?.name} / this`)],
    ...standings.map(({ name, wall, cpu, memory, ratio }) => [
      ...[name, seconds(wall), seconds(cpu), ...(withMemory ? [megabytes(memory)] : [])],
      ...[share(ratio.wall), share(ratio.cpu), ...(withMemory ? [share(ratio.memory)] : [])],
    ]),
  ])
}

/** What each took, and how many times what the first one takes. */
export const multiplesTable = (standings: readonly Standing[]): string => {
  const rows = standings.map(({ name, wall, cpu, ratio }) => [
    ...[name, seconds(wall), seconds(cpu), share(1 / ratio.wall), share(1 / ratio.cpu)],
  ])
  const [first] = standings
  return table([['', 'wall', 'CPU', `wall, this / ${first?.name}`, `CPU, this / ${first?.name}`], ...rows])
}

export const seconds = (value: number): string =>
  Math.abs(value) < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`

export const share = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(2)} x`)

export const percent = (value: number): string => `${(value * 100).toFixed(1)} %`

/** A dash where it was not looked at. */
export const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${(bytes / 1024 ** 2).toFixed(0)} MiB`
