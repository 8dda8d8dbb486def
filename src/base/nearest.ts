/** "Did you mean": the known words closest to a mistyped one. */

/** Up to `most` of the known words within a third of the word's length in edits, closest first. */
export const nearest = (word: string, known: Iterable<string>, most = 3): readonly string[] => {
  const limit = Math.max(1, Math.floor(word.length / 3))
  const close: { readonly text: string; readonly distance: number }[] = []
  for (const text of new Set(known)) {
    if (Math.abs(text.length - word.length) > limit) continue
    const distance = editDistance(word.toLowerCase(), text.toLowerCase())
    if (distance <= limit) close.push({ text, distance })
  }
  close.sort((a, b) => a.distance - b.distance || (a.text < b.text ? -1 : 1))
  return close.slice(0, most).map(one => one.text)
}

/** Optimal string alignment: insertions, deletions, substitutions, and two neighbours swapped, which typists do. */
const editDistance = (a: string, b: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(cell(last, j) + 1, cell(row, j - 1) + 1, cell(last, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, cell(beforeLast, j - 2) + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return cell(last, b.length)
}

const cell = (row: readonly number[], j: number): number => row[j] ?? Number.POSITIVE_INFINITY
