/** Figures as text: columns for people. */
import type { Standing } from './rounds.ts'

/** Rows as aligned columns, the first to the left, the others to the right. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
  return rows.map(row => `  ${line(row).join('  ')}`.trimEnd()).join('\n')
}

/** What each took, and what the first one takes for each second, or byte, of it. */
export const standingsTable = (standings: readonly Standing[]): string => {
  const withMemory = standings.some(({ memory }) => memory !== undefined)
  const [first] = standings
  const head = ['wall', 'CPU', ...(withMemory ? ['memory'] : [])]
  return table([
    ['', ...head, ...head.map(text => `${text}, ${first?.name}/this`)],
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
  return table([['', 'wall', 'CPU', `wall, this/${first?.name}`, `CPU, this/${first?.name}`], ...rows])
}

export const seconds = (value: number): string =>
  value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`

export const share = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(2)} x`)

/** A dash where it was not looked at. */
export const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${(bytes / 1024 ** 2).toFixed(0)} MiB`
