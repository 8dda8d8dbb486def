/** What is wrong with a site's data: of which kind, what becomes of it, and who said it. Pure. */
import { shown } from '../../base/names.ts'
import { harmlessMessage } from '../../base/printable.ts'
import type { Host, Origin } from './model.ts'

/**
 * What becomes of a problem. `error`: nothing is to be written, the last good files stay. `skip`: what contradicts, or makes
 * no sense, is left out, both sides of it, and the rest goes on. `warn`: it is reported, and taken as it is where that can be
 * done; what no file could hold (a MAC that is none) is left out all the same.
 */
export type Verdict = 'error' | 'skip' | 'warn'

/**
 * The kinds of problems with the verdict of each unless the site says otherwise: what somebody who is woken by it wants.
 *
 * - A bad entry of one host must not keep the others from booting, so it is left out and reported: `skip`. Where two hosts claim
 *   one identity nobody can tell who is right, and a wrong guess gives a machine another one's address: both are left out.
 * - A network is thousands of hosts. Leaving one out is an outage, and so is guessing its mask: `error`, the files which
 *   were good yesterday stay.
 * - A group which is missing makes whoever works on it work on too few: `error`.
 * - What is odd and yet works is reported, no more: `warn`.
 */
export const DEFAULT_POLICY = {
  /** A host's name which is none (RFC 1123). The host is left out. */
  'bad-name': 'skip',
  /** An alias which is none, and so on: what is wrong is left out, the rest of the host stays. */
  'bad-alias': 'skip',
  'bad-address': 'skip',
  'bad-mac': 'skip',
  'bad-duid': 'skip',
  /** A boot file or a next server. */
  'bad-boot': 'skip',
  'bad-host-key': 'skip',
  /** A DHCP option or statement which is not known, or whose value does not fit. It alone is left out. */
  'bad-option': 'skip',
  /** What a warehouse itself finds wrong with a host: a port, a user. The host is left out. */
  'bad-host': 'skip',
  /** A group whose members cannot be known; asked only where groups are wanted. `skip` leaves the group out. */
  'bad-group': 'error',
  /** Two hosts with one name. `warn`: the first one stays. */
  'duplicate-name': 'skip',
  /** An alias of two hosts, or one which is another host's name: it names neither. */
  'duplicate-alias': 'skip',
  'duplicate-mac': 'skip',
  'duplicate-address': 'skip',
  'duplicate-duid': 'skip',
  /** Two warehouses know different machines by one name. `warn`: the first warehouse is believed, as everywhere. */
  contradiction: 'warn',
  /** An address outside every network; asked only where there are networks of its family. `skip` leaves the address out. */
  'address-outside': 'warn',
  /** A host's address inside a range which is given to whoever asks. `skip` leaves the address out. */
  'address-in-range': 'warn',
  /** A network whose address or mask makes no sense. `skip` leaves the network out. */
  'bad-network': 'error',
  /** A network whose name could be read as something else in some file. Its address stands for it. */
  'bad-network-name': 'warn',
  /** Two networks of one name and family. */
  'duplicate-network': 'error',
  /** Two networks which share addresses. */
  'overlapping-networks': 'error',
  /** A router which is no address, or outside its network. `skip` leaves the router out. */
  'bad-router': 'error',
  /** A range which is none, outside its network, or overlaps another one. `skip` leaves the range out. */
  'bad-range': 'error',
  /** A warehouse which cannot list its hosts: what it knows is not among them. */
  'not-listed': 'warn',
} as const satisfies Readonly<Record<string, Verdict>>

export type ProblemKind = keyof typeof DEFAULT_POLICY

/** A verdict for each kind. */
export type Policy = Readonly<Record<ProblemKind, Verdict>>

export interface Problem {
  readonly kind: ProblemKind
  readonly verdict: Verdict
  /** A sentence which stands alone: what is wrong, who says so, what became of it. One line, fit for a terminal. */
  readonly message: string
  readonly origins: readonly Origin[]
}

/** The kinds, for the configuration and for messages about it. */
export const PROBLEM_KINDS = Object.keys(DEFAULT_POLICY) as readonly ProblemKind[]

/** Where problems are collected. */
export interface Problems {
  readonly found: readonly Problem[]
  /**
   * Adds one, and returns whether what is wrong stays: only with `warn`, and only where it can, which `stays` says with what
   * comes of it (`web1 counts`; often nothing). `left` is what is left out otherwise: `both hosts`.
   */
  report(kind: ProblemKind, what: string, origins: readonly Origin[], left: string, stays?: string): boolean
}

export const collectProblems = (policy: Policy): Problems => {
  // What one entry says of many, such as a DHCP service of all its networks, is reported once.
  const found = new Map<string, Problem>()
  return {
    get found() {
      return [...found.values()]
    },
    report(kind, what, origins, left, stays) {
      const verdict = policy[kind]
      const isKept = verdict === 'warn' && stays !== undefined
      const outcome = isKept ? stays : verdict === 'error' ? '' : `left out: ${left}`
      const message = harmlessMessage(outcome === '' ? what : `${what}; ${outcome}`)
      found.set(`${kind} ${message}`, { kind, verdict, message, origins })
      return isKept
    },
  }
}

/** For sorting: what stops everything first, then by text. */
export const byWeight = (a: Problem, b: Problem): number =>
  WEIGHTS[a.verdict] - WEIGHTS[b.verdict] || (a.message < b.message ? -1 : 1)

const WEIGHTS: Readonly<Record<Verdict, number>> = { error: 0, skip: 1, warn: 2 }

/** Problems of one thing that somebody said something about. */
export interface Subject {
  readonly origin: Origin
  report(kind: ProblemKind, what: string, left: string, stays?: string): boolean
  /** What the text means; where `parse` throws, that is reported and there is none. */
  one<T>(kind: ProblemKind, what: string, text: string | undefined, parse: (text: string) => T): T | undefined
  /** What each text means, without those where `parse` throws. */
  each<T>(
    kind: ProblemKind,
    what: string,
    texts: readonly string[] | undefined,
    parse: (text: string) => T,
  ): readonly T[]
  /** The same warehouse's entry with another identity. */
  at(id: string): Subject
}

export const subject = (collectProblems: Problems, noun: string, name: string, origin: Origin): Subject => {
  const report = (kind: ProblemKind, what: string, left: string, stays?: string): boolean =>
    collectProblems.report(kind, `${named(noun, name, origin)}: ${what}`, [origin], left, stays)
  const attempt = <T>(kind: ProblemKind, what: string, text: string, parse: (text: string) => T): readonly T[] => {
    try {
      return [parse(text)]
    } catch (thrown) {
      // Whoever parses says what is wrong by a TypeError; anything else is a fault of ours.
      if (!(thrown instanceof TypeError)) throw thrown
      report(kind, thrown.message, what)
      return NOTHING
    }
  }
  return {
    origin,
    report: report,
    one: (kind, what, text, parse) => (text === undefined ? undefined : attempt(kind, what, text, parse)[0]),
    each: (kind, what, texts, parse) =>
      texts === undefined || texts.length === 0 ? NOTHING : texts.flatMap(text => attempt(kind, what, text, parse)),
    at: id =>
      id === origin.id
        ? subject(collectProblems, noun, name, origin)
        : subject(collectProblems, '', '', { ...origin, id }),
  }
}

const NOTHING: readonly never[] = []

/** A thing in a message, with whoever says so: `host web1 ("cn=web1,ou=hosts,dc=example,dc=org" in ldap)`. */
export const named = (noun: string, name: string, ...origins: readonly Origin[]): string => {
  if (name === '') return originsText(origins)
  return `${noun === '' ? '' : `${noun} `}${PLAIN.test(name) ? name : shown(name)} (${originsText(origins)})`
}

/** All who say something of a host or network. */
export const originsOf = ({ origin, furtherOrigins }: Pick<Host, 'origin' | 'furtherOrigins'>): readonly Origin[] => [
  origin,
  ...furtherOrigins,
]

export const originsText = (origins: readonly Origin[]): string => listed(origins.map(originText))

const PLAIN = /^[\w.:/-]{1,100}$/

/** An origin in a message: the identity in its warehouse, whole, because somebody has to look it up. */
export const originText = ({ warehouse, id }: Origin): string => {
  const text = JSON.stringify(id.length > MAX_ID ? `${id.slice(0, MAX_ID)}...` : id)
  return warehouse === CONFIGURATION ? text : `${text} in ${warehouse}`
}

/** What the site's own configuration has for a warehouse; its identities say the file. */
export const CONFIGURATION = 'stoker.yaml'

const MAX_ID = 300

/** Some texts in one; of many the first ones, and how many more there are. */
export const listed = (texts: readonly string[]): string => {
  if (texts.length > MAX_LISTED) return `${texts.slice(0, MAX_LISTED).join(', ')} and ${texts.length - MAX_LISTED} more`
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`
}

const MAX_LISTED = 8
