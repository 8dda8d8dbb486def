/** The warehouses' facts of networks -> networks which make sense together. Pure. */
import { shown } from '../../base/names.ts'
import type { NetworkFacts } from '../../inventory/warehouse.ts'
import {
  addressText,
  type Block,
  compareNumbers,
  contains,
  parseAddress,
  parseBlock,
  parseRange,
  type Span,
} from './address.ts'
import { outerOf, type Placed } from './address-blocks.ts'
import { readBoot } from './boot.ts'
import { readOptions } from './dhcp-options.ts'
import { parseHostName } from './host-name.ts'
import type { Network } from './model.ts'
import { listed, named, originsOf, originsText, type Problems, type Subject, subject } from './problem.ts'

/** What one warehouse says, or the site's own configuration. */
export interface Source<T> {
  readonly warehouse: string
  readonly entries: readonly T[]
}

/**
 * Networks in the order of their addresses. What several sources say of one network is joined: the first one which says
 * something counts.
 */
export const readNetworks = (sources: readonly Source<NetworkFacts>[], problems: Problems): readonly Placed[] => {
  const drafts = new Map<string, Draft[]>()
  for (const { warehouse, entries } of sources)
    for (const facts of entries.toSorted(byText)) {
      const draft = draftOf(facts, warehouse, problems)
      if (!draft) continue
      const same = drafts.get(blockText(draft)) ?? []
      const [first] = same
      // Two of one source are not one network: they overlap.
      const isTwice = same.some(one => originsOf(one).some(origin => origin.warehouse === warehouse))
      if (first && !isTwice) same[0] = filled(first, draft)
      else same.push(draft)
      drafts.set(blockText(draft), same)
    }
  const kept = withoutOverlaps(withoutNamesakes([...drafts.values()].flat(), problems), problems)
  return kept.map(draft => placed(draft))
}

interface Draft extends Omit<Network, 'family' | 'address' | 'prefix' | 'ranges'> {
  readonly block: Block
  readonly ranges: readonly Span[]
  readonly about: Subject
}

const byText = (a: NetworkFacts, b: NetworkFacts): number =>
  compare(a.address, b.address) || compare(a.name, b.name) || compare(a.id ?? '', b.id ?? '')

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const blockText = ({ block }: Pick<Draft, 'block'>): string => `${block.address}/${block.prefix}`

const draftOf = (facts: NetworkFacts, warehouse: string, problems: Problems): Draft | undefined => {
  const origin = { warehouse, id: facts.id ?? facts.name }
  const about = subject(problems, 'network', facts.name, origin)
  const block = about.one('bad-network', 'this network', facts.address, parseBlock)
  if (!block) return undefined
  const { family } = block
  const options = readOptions(facts.options, family, about)
  /** Options which have a field of their own. */
  const take = (name: string): readonly string[] => {
    const value = options.get(name)?.value
    options.delete(name)
    return value?.kind === 'addresses' ? value.addresses : value?.kind === 'text' ? [value.text] : []
  }
  const [routers, dns, [domain], [mask]] = [
    take('routers'),
    take(family === 4 ? 'domain-name-servers' : 'dhcp6.name-servers'),
    take('domain-name'),
    take('subnet-mask'),
  ]
  about.one('bad-option', 'this option', mask, text => sameMask(text, block))
  return {
    name: about.one('bad-network-name', 'this name', facts.name, parseName) ?? blockText({ block }),
    block,
    routers: unique(about.each('bad-router', 'this router', facts.routers ?? routers, text => inside(text, block))),
    dns: unique(about.each('bad-option', 'this DNS server', facts.dns ?? dns, text => ofFamily(text, family))),
    domain: about.one('bad-option', 'this domain', facts.domain ?? domain, parseHostName),
    ranges: about.each('bad-range', 'this range', facts.ranges, text => rangeInside(text, block)),
    leaseTime: about.one('bad-option', 'this lease time', facts.leaseTime?.toString(), parseLeaseTime),
    boot: readBoot(facts.boot, about),
    shared: about.one('bad-network-name', 'this name', facts.shared, parseName),
    options: [...options.values()],
    ...{ origin, about, furtherOrigins: facts.furtherIds?.map(id => ({ warehouse, id })) ?? [] },
  }
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)]

// Names go into comments, labels and titles of many formats: nothing which one of them reads as its own.
const NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N} _.:/+@-]{0,98}[\p{L}\p{N}_])?$/u

const parseName = (text: string): string => {
  if (NAME.test(text)) return text
  throw new TypeError(`${shown(text)} is no name for a network; letters, digits, blanks and _.:/+@- would do`)
}

const parseLeaseTime = (text: string): number => {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds > 0 && seconds < 2 ** 32) return seconds
  throw new TypeError(`${shown(text)} is no lease time; expected whole seconds`)
}

const ofFamily = (text: string, family: 4 | 6): string => {
  const address = parseAddress(text)
  if (address.family === family) return address.text
  throw new TypeError(`${address.text} is no address for a network of IPv${family}`)
}

const inside = (text: string, block: Block): string => {
  const address = parseAddress(text)
  // Machines find a router of IPv6 at its link-local address, too (RFC 4861 section 4.2).
  if (address.family === block.family && (contains(block, address.number) || /^fe[89ab]/.test(address.text)))
    return address.text
  throw new TypeError(`the router ${address.text} is outside ${blockText({ block })}`)
}

const rangeInside = (text: string, block: Block): Span => {
  const { family, from, to } = parseRange(text)
  if (family === block.family && contains(block, from) && contains(block, to)) return { from, to }
  throw new TypeError(`the range ${shown(text)} is outside ${blockText({ block })}`)
}

const sameMask = (text: string, block: Block): void => {
  if (parseBlock(`${block.address}/${text}`).prefix !== block.prefix)
    throw new TypeError(`the option subnet-mask ${text} is not the mask of ${blockText({ block })}`)
}

/** The first one, with what it lacks from the other. */
const filled = (first: Draft, more: Draft): Draft => {
  const list = <T>(mine: readonly T[], theirs: readonly T[]) => (mine.length > 0 ? mine : theirs)
  const names = new Set(first.options.map(({ name }) => name))
  return {
    ...first,
    routers: list(first.routers, more.routers),
    dns: list(first.dns, more.dns),
    domain: first.domain ?? more.domain,
    ranges: list(first.ranges, more.ranges),
    leaseTime: first.leaseTime ?? more.leaseTime,
    boot: { file: first.boot.file ?? more.boot.file, nextServer: first.boot.nextServer ?? more.boot.nextServer },
    shared: first.shared ?? more.shared,
    options: [...first.options, ...more.options.filter(({ name }) => !names.has(name))],
    furtherOrigins: [...first.furtherOrigins, more.origin, ...more.furtherOrigins],
  }
}

const label = (draft: Draft): string => named('', draft.name, ...originsOf(draft))

/** A name may stand for a network of each family. */
const withoutNamesakes = (drafts: readonly Draft[], problems: Problems): readonly Draft[] => {
  const wrong = new Set<Draft>()
  for (const same of Map.groupBy(drafts, ({ name, block }) => `${block.family} ${name}`).values()) {
    const [first] = same
    if (!first || same.length === 1) continue
    const what = `${same.length} networks are called ${shown(first.name)}: ${listed(same.map(one => `${blockText(one)} (${originsText(originsOf(one))})`))}`
    if (
      !problems.report(
        'duplicate-network',
        what,
        same.map(one => one.origin),
        'all of them',
        '',
      )
    )
      for (const one of same) wrong.add(one)
  }
  return drafts.filter(draft => !wrong.has(draft))
}

/** In the order of addresses, the wider one first. */
const withoutOverlaps = (drafts: readonly Draft[], problems: Problems): readonly Draft[] => {
  const sorted = drafts.toSorted(
    (a, b) => compareNumbers(a.block.from, b.block.from) || a.block.prefix - b.block.prefix,
  )
  const wrong = new Set<Draft>()
  for (const [i, at] of outerOf(sorted).entries()) {
    const [one, outer] = [sorted[i], sorted[at]]
    if (!one || !outer) continue
    const what = `the networks ${label(outer)} and ${label(one)} share addresses: ${blockText(outer)} and ${blockText(one)}`
    if (problems.report('overlapping-networks', what, [outer.origin, one.origin], 'both networks', '')) continue
    wrong.add(one).add(outer)
  }
  return sorted.filter(draft => !wrong.has(draft))
}

const placed = ({ block, ranges, about, ...rest }: Draft): Placed => {
  const { family, address, prefix } = block
  const kept = withoutSharedRanges(withoutRouters(ranges, rest.routers, about), family, about)
  const spelled = kept.map(({ from, to }) => ({ from: addressText(from, family), to: addressText(to, family) }))
  return { network: { ...rest, family, address, prefix, ranges: spelled }, block, ranges: kept }
}

const withoutRouters = (ranges: readonly Span[], routers: readonly string[], about: Subject): readonly Span[] =>
  ranges.filter(range => {
    const router = routers.find(one => contains(range, parseAddress(one).number))
    if (router === undefined) return true
    return about.report(
      'bad-range',
      `the router ${router} is in a range which is given to whoever asks`,
      'this range',
      '',
    )
  })

const withoutSharedRanges = (ranges: readonly Span[], family: 4 | 6, about: Subject): readonly Span[] => {
  const kept: Span[] = []
  for (const range of ranges.toSorted((a, b) => compareNumbers(a.from, b.from) || compareNumbers(a.to, b.to))) {
    const before = kept.at(-1)
    if (!before || range.from > before.to) kept.push(range)
    // The same one twice says nothing new: a service and a pool may both have it.
    else if (range.from !== before.from || range.to !== before.to) {
      const [mine, theirs] = [range, before].map(
        ({ from, to }) => `${addressText(from, family)} ${addressText(to, family)}`,
      )
      about.report('bad-range', `the ranges ${theirs} and ${mine} share addresses`, 'the second one')
    }
  }
  return kept
}
