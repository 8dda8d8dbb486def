/** Names of hosts as dshbak(1) writes them above output: `n[1-3,7],web-ib[0-1]`. Pure. */

/** By the number at the end of each, none counting as 0; then by the name. */
export const byNumber = (hosts: Iterable<string>): readonly string[] => {
  const number = (host: string) => BigInt(/\d*$/.exec(host)?.[0] || '0')
  return [...hosts].sort((a, b) => {
    const [one, other] = [number(a), number(b)]
    if (one !== other) return one < other ? -1 : 1
    return a < b ? -1 : a > b ? 1 : 0
  })
}

/** What follows the last digit is the same for all in one pair of brackets; so is what stands before the number. */
export const foldHosts = (hosts: readonly string[]): string => {
  const bySuffix = Map.groupBy(byNumber(hosts), host => /(\D*)$/.exec(host)?.[1] ?? '')
  return [...bySuffix]
    .flatMap(([suffix, some]) =>
      foldNumbers(
        some.map(host => host.slice(0, host.length - suffix.length)),
        suffix,
      ),
    )
    .join(',')
}

const foldNumbers = (hosts: readonly string[], suffix: string): readonly string[] => {
  const byPrefix = Map.groupBy(hosts, host => /^(.*?)\d*$/s.exec(host)?.[1] ?? host)
  return [...byPrefix]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([prefix, some]) => {
      const ranges = rangesOf(some.map(host => host.slice(prefix.length)))
      const [first = ''] = ranges
      const text = ranges.length > 1 || first.includes('-') ? `[${ranges.join(',')}]` : first
      return `${prefix}${text}${suffix}`
    })
}

interface Range {
  readonly first: string
  last: string
}

/** A number goes on where the one before it is there with as many zeros: `9` and `09` both go on with 10, `010` with neither. */
const rangesOf = (numbers: readonly string[]): readonly string[] => {
  const ranges: Range[] = []
  const ends = new Map<string, Range>()
  for (const number of numbers) {
    const before = number === '' ? undefined : String(BigInt(number) - 1n)
    const width = zeroWidth(number)
    const range =
      before === undefined
        ? undefined
        : (ends.get(`${width} ${before}`) ?? (width === 1 ? ends.get(`${number.length} ${before}`) : undefined))
    if (range) range.last = number
    const own = range ?? { first: number, last: number }
    if (!range) ranges.push(own)
    ends.set(`${width} ${number === '' ? '' : BigInt(number)}`, own)
  }
  return ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`))
}

/** As many digits as the zeros at its beginning ask for; 1 without any. */
const zeroWidth = (number: string): number => (/^0/.test(number) && number !== '0' ? number.length : 1)
