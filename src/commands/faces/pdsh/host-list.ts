/** Lists of hosts as pdsh(1) writes them: `n[1-3,7]`, also with two pairs of brackets; the order stays. Pure. */
import { MAX_NAMES } from '../../../nodeset/syntax/limits.ts'
import { countPattern, expandPattern, parsePattern } from '../../../nodeset/syntax/pattern.ts'
import { pdshError, self } from './errors.ts'

/** The items between commas, but for those in brackets. */
export const splitHosts = (text: string): readonly string[] =>
  [...text.matchAll(/(?:\[[^\]]*\]?|[^,[])+/g)].map(([item]) => item).filter(item => item !== '')

/** All hosts of a list. Throws for brackets which make no sense. */
export const expandHosts = (text: string): readonly string[] =>
  splitHosts(text).flatMap(item => {
    try {
      const pattern = parsePattern(item.trim())
      if (countPattern(pattern) <= MAX_NAMES) return expandPattern(pattern)
    } catch (cause) {
      throw pdshError(`${self()}: ${(cause as Error).message}`, { cause })
    }
    throw pdshError(`${self()}: ${item} stands for more than ${MAX_NAMES} hosts`)
  })

/** The hosts of a file, a list on each line; `#` begins a comment. */
export const hostsIn = (text: string): readonly string[] =>
  text
    .split('\n')
    .map(line => line.replace(/#.*/, '').replaceAll(/\s/g, ''))
    .flatMap(expandHosts)

interface Run {
  readonly prefix: string
  readonly first: string
  readonly last: string
}

/** The hosts in their order, with runs of numbers in brackets: `n3,n1,n2` is `n[3,1-2]`. */
export const foldHosts = (hosts: readonly string[]): string => {
  const runs: Run[] = []
  for (const host of hosts) {
    const [, prefix = host, number = ''] = /^(.*?)(\d*)$/s.exec(host) ?? []
    const before = runs.at(-1)
    if (before && before.prefix === prefix && number !== '' && number === after(before.last))
      runs[runs.length - 1] = { ...before, last: number }
    else runs.push({ prefix, first: number, last: number })
  }
  const parts: Run[][] = []
  for (const run of runs) {
    const group = parts.at(-1)
    const isNext = group?.[0]?.prefix === run.prefix && run.first !== '' && group[0].first !== ''
    if (group && isNext) group.push(run)
    else parts.push([run])
  }
  return parts
    .map(group => {
      const ranges = group.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(',')
      const isPlain = group.length === 1 && group[0]?.first === group[0]?.last
      return `${group[0]?.prefix ?? ''}${isPlain ? ranges : `[${ranges}]`}`
    })
    .join(',')
}

/** The number after, as wide as its zeros make it. */
const after = (number: string): string =>
  number === '' ? '' : String(BigInt(number) + 1n).padStart(number.length, '0')
