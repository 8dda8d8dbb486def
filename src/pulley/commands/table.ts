/** Rows with columns of equal width, for people. */
import { harmlessMessage } from '../../base/printable.ts'

/** Cells hold what nodes say: nothing of it reaches the terminal as anything but text. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [head, ...rows.map(row => row.map(harmlessMessage))]
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(
      row =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
