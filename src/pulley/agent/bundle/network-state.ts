/**
 * What a bundle's commands did to the network of this machine - packet filter, routes, addresses, interfaces - as far as that
 * can be taken back when it has cost the contact to the server. Only what differed right after the bundle is touched.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import * as z from 'zod'
import { quote } from '../../../base/quote.ts'

/** By part, what its program printed, without what changes by itself. A part is absent where its program is. */
export const networkState = z.record(z.string(), z.string())
export type NetworkState = z.output<typeof networkState>

/** The state now. What cannot be read is absent. */
export const readNetworkState = async (): Promise<NetworkState> => {
  const state: Record<string, string> = {}
  for (const [part, { program, readScript }] of Object.entries(PARTS)) {
    const text = await sh(`command -v ${program} >/dev/null || exit; ${readScript}`)
    if (text !== undefined) state[part] = text
  }
  return state
}

/** Scripts which make `now` what it was before, by part: only of parts which the bundle had changed. Pure. */
export const restoreScripts = (
  before: NetworkState,
  after: NetworkState,
  now: NetworkState,
): ReadonlyMap<string, readonly string[]> => {
  const scripts = Object.entries(PARTS).flatMap(([part, { restore }]) => {
    const [was, became, is] = [before[part], after[part], now[part]]
    if (was === undefined || is === undefined || became === was || is === was) return []
    return [[part, restore(was, is)] as const]
  })
  return new Map(scripts)
}

/** Runs the scripts, in the order of the parts, and returns the parts. What fails is left: the next may help all the same. */
export const restoreNetwork = async (before: NetworkState, after: NetworkState): Promise<readonly string[]> => {
  const scripts = restoreScripts(before, after, await readNetworkState())
  for (const list of scripts.values()) for (const script of list) await sh(script)
  return [...scripts.keys()]
}

interface Part {
  readonly program: string
  readonly readScript: string
  /** `was`, `is`: what `readScript` printed then and now. */
  readonly restore: (was: string, is: string) => readonly string[]
}

/** Tables which this names anew are emptied first: no rule of theirs is in what was saved. */
const filter = (program: string): Part => ({
  program: `${program}-save`,
  // Times and counters change by themselves.
  readScript: `${program}-save | sed -e '/^#/d' -e 's/ \\[[0-9]*:[0-9]*\\]$/ [0:0]/'`,
  restore: (was, is) => {
    const tables = (text: string) => [...text.matchAll(/^\*(\S+)$/gm)].map(([, table = '']) => table)
    const fresh = tables(is).filter(table => !tables(was).includes(table))
    const empty = fresh.map(table => `*${table}\n${policies(is, table)}COMMIT\n`).join('')
    return [`${program}-restore <<'END'\n${empty}${was}\nEND\n`]
  },
})

/** The table's own chains, without rules. */
const policies = (text: string, table: string): string => {
  const own = text.slice(text.indexOf(`*${table}\n`)).split('\nCOMMIT')[0] ?? ''
  return [...own.matchAll(/^:(\S+) (?:ACCEPT|DROP)/gm)].map(([, chain]) => `:${chain} ACCEPT [0:0]\n`).join('')
}

/** Lines which are words of `ip`: those which came are taken away, those which went are added again. */
const lines = (readScript: string, add: (line: string) => string, remove?: (line: string) => string): Part => ({
  program: 'ip',
  readScript,
  restore: (was, is) => {
    const [then, now] = [was.split('\n').filter(Boolean), is.split('\n').filter(Boolean)]
    return [
      ...(remove ? now.filter(line => !then.includes(line)).map(remove) : []),
      ...then.filter(line => !now.includes(line)).map(add),
    ]
  },
})

const words = (line: string): string => line.trim().split(/\s+/).map(quote).join(' ')

const routes = (version: 4 | 6): Part =>
  lines(
    // The kernel's own come and go with addresses; others' times to live run.
    `ip -o -${version} route show table main | sed -e '/ proto kernel /d' -e '/ proto ra /d' -e '/ expires /d' -e 's/ linkdown//g; s/ dead//g; s/\\\\/ /g'`,
    line => `ip -${version} route replace ${words(line)}`,
    line => `ip -${version} route del ${words(line)}`,
  )

/** Interfaces first, then addresses, then routes: each needs those before it. */
const PARTS: Readonly<Record<string, Part>> = {
  interfaces: lines(
    `ip -o link show up | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'`,
    line => `ip link set dev ${words(line)} up`,
  ),
  addresses: lines(
    `ip -o address show scope global | sed -n -e '/ temporary /d' -e 's/^[0-9]*: \\([^ ]*\\) *inet6* \\([^ ]*\\) .*/\\2 dev \\1/p'`,
    line => `ip address add ${words(line)}`,
  ),
  routes: routes(4),
  'IPv6 routes': routes(6),
  iptables: filter('iptables'),
  ip6tables: filter('ip6tables'),
  nftables: {
    program: 'nft',
    // What iptables has made is its own business, and would not be understood here.
    readScript: `nft list tables | grep -vE 'ip6? (filter|nat|mangle|raw|security)$' | while read -r table; do nft -s list $table; done`,
    restore: (was, is) => {
      const flushed = [...is.matchAll(/^table (\S+ \S+) \{$/gm)].map(([, table]) => `delete table ${table}\n`)
      return [`nft -f - <<'END'\n${flushed.join('')}${was}\nEND\n`]
    },
  },
}

const run = promisify(execFile)

/** What it printed; `undefined` when it failed. */
const sh = async (script: string): Promise<string | undefined> => {
  const line = `PATH=$PATH:/usr/sbin:/sbin; export LC_ALL=C; ${script}`
  const options = { timeout: 10_000, maxBuffer: 2 ** 26 }
  const ran = await run('/bin/sh', ['-c', line], options).catch(() => undefined) // no such program, or not for us
  return ran?.stdout
}
