/** What the blocks of ssh_config files say about one host. Pure. */
import { isIP, SocketAddress } from 'node:net'
import { type Draft, emptyDraft } from './draft.ts'
import { expandTokens } from './expand.ts'
import type { Block, Condition } from './files.ts'
import { lowerCase } from './pattern.ts'

export interface Evaluation {
  readonly draft: Draft
  /** What to connect to: HostName, else the name itself, as ssh writes it. */
  readonly hostName: string
  /** Whether a pattern other than `*` fitted the name. */
  readonly matched: boolean
}

/** Goes through the blocks: the first value of each option stays. `Match final` has them read a second time. */
export const evaluate = (
  blocks: readonly Block[],
  name: string,
  user: string | undefined,
  localUser: string,
): Evaluation => {
  const draft = emptyDraft()
  if (user !== undefined) draft.user = user
  let host = name // what Host patterns see: the name, in the second reading what it stands for
  let final = false
  let wantsFinal = false
  let matched = false

  const holds = (condition: Condition): boolean => {
    switch (condition.kind) {
      case 'always':
        return true
      case 'never':
        return false
      case 'host': {
        const hits = condition.patterns.filter(({ matches }) => matches(host))
        if (hits.length === 0 || hits.some(({ negated }) => negated)) return false
        matched ||= !final && hits.some(({ any }) => !any)
        return true
      }
      case 'match': {
        wantsFinal ||= condition.wantsFinal
        const seen = {
          host: final ? host : expandHostName(draft, host),
          originalhost: name,
          user: draft.user ?? localUser,
          localuser: localUser,
        }
        for (const { attribute, negated, matches } of condition.criteria)
          if ((attribute === 'final' ? final : matches(seen[attribute])) === negated) return false
        if (condition.skipped !== undefined) {
          const keyword = `Match ${condition.skipped}`
          if (!draft.notFollowed.has(keyword))
            draft.notFollowed.set(keyword, { keyword, location: condition.location, weight: 'openssh' })
          return false
        }
        matched ||= condition.criteria.some(
          ({ attribute, negated, any }) => !negated && !any && (attribute === 'host' || attribute === 'originalhost'),
        )
        return true
      }
      default:
        throw new Error(`unknown condition: ${condition satisfies never}`)
    }
  }
  const apply = (list: readonly Block[]): void => {
    for (const { condition, items } of list) {
      if (!holds(condition)) continue
      for (const item of items) {
        if (typeof item === 'function') item(draft)
        else apply(item)
      }
    }
  }

  apply(blocks)
  host = canonical(expandHostName(draft, name), draft.addressFamily)
  if (wantsFinal) {
    final = true
    apply(blocks)
  }
  return { draft, hostName: host, matched }
}

const expandHostName = ({ hostName }: Draft, name: string): string =>
  hostName === undefined ? name : expandTokens(hostName, { h: name })

/**
 * Lower case; an address in its usual form, as getnameinfo(3) writes it: `::1`, 127.0.0.1 for `127.1`. One which the address
 * family leaves out stays as it is.
 */
const canonical = (host: string, family: Draft['addressFamily'] = 'any'): string => {
  const [address = '', zone] = host.split('%')
  if (family === (isIP(address) === 6 ? 'inet' : 'inet6') && (isIP(address) === 6 || NUMERIC.test(host))) return host
  if (isIP(address) === 6)
    return new SocketAddress({ address, family: 'ipv6' }).address + (zone === undefined ? '' : `%${zone}`)
  return NUMERIC.test(host) && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : lowerCase(host)
}

const NUMERIC = /^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+)){0,3}$/i
