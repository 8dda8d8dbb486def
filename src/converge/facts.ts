/** Facts: what a target says of itself, gathered in one round trip with plain POSIX sh. */
import { isIP } from 'node:net'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Connection } from '../connection/connection.ts'
import { probeAll } from './probe-all.ts'

/** Every target has all of them; what it does not tell is an empty text, 0, or an empty list. */
export interface Facts {
  readonly os: {
    /** As os-release(5) has it, lower case: `debian`. */
    readonly id: string
    /** `12`, `22.04`; empty for a rolling release. */
    readonly version: string
    /** `bookworm`. */
    readonly codename: string
    /** For people: `Debian GNU/Linux 12 (bookworm)`. */
    readonly name: string
    /** What it is like, itself first: `[ubuntu, debian]`. */
    readonly like: readonly string[]
  }
  /** As uname(1) has it: `x86_64`. */
  readonly architecture: string
  /** The kernel's release: `6.1.0-18-amd64`. */
  readonly kernel: string
  readonly hostname: string
  /** Without those of loopback and link-local ones, in the system's order. */
  readonly addresses: { readonly v4: readonly string[]; readonly v6: readonly string[] }
  /** Bytes. */
  readonly memory: number
  readonly cpus: number
  readonly init: 'systemd' | 'openrc' | 'sysv' | 'other'
  readonly 'package-manager': 'apt' | 'dnf' | 'zypper' | 'apk' | 'other'
  /** Differs after every boot. */
  readonly 'boot-id': string
}

/** Facts such as a target could have: what is checked before any target is asked is checked with these. */
export const TYPICAL_FACTS: Facts = {
  os: { id: 'debian', version: '12', codename: 'bookworm', name: 'Debian GNU/Linux 12 (bookworm)', like: ['debian'] },
  architecture: 'x86_64',
  kernel: '6.1.0-18-amd64',
  hostname: 'node1',
  addresses: { v4: ['192.0.2.1'], v6: ['2001:db8::1'] },
  memory: 8 * 2 ** 30,
  cpus: 4,
  init: 'systemd',
  'package-manager': 'apt',
  'boot-id': '00000000-0000-4000-8000-000000000000',
}

/** Asks the target. Throws `ACTOR_FAILED` when it cannot say, and what the connection throws. */
export const gatherFacts = async (connection: Connection, io: Abortable): Promise<Facts> => {
  const [result] = await probeAll(connection, [FACTS_SCRIPT], io)
  if (!result || result instanceof StokerError) throw cannotGather(result)
  return parseFacts(Buffer.from(result.stdout).toString())
}

/** The error of facts which could not be gathered. */
export const cannotGather = (error: StokerError | undefined): StokerError =>
  new StokerError('ACTOR_FAILED', 'facts', `cannot gather facts: ${error?.message ?? 'no answer'}`, { cause: error })

/** Prints one section for each source of facts. Nothing in it fails: a target without a source has an empty section. */
export const FACTS_SCRIPT = [
  's() { printf \'\\n=%s\\n\' "$1"; }',
  'exec 2>/dev/null',
  's os; cat /etc/os-release || cat /usr/lib/os-release',
  's machine; uname -m; s kernel; uname -r; s hostname; uname -n',
  // One of them is there; the tables of the kernel need no program at all.
  's addresses; ip -o addr show || { cat /proc/net/fib_trie; cat /proc/net/if_inet6; } || hostname -I',
  's memory; grep MemTotal: /proc/meminfo',
  's cpus; getconf _NPROCESSORS_ONLN || grep -c ^processor /proc/cpuinfo',
  's init; if [ -d /run/systemd/system ]; then echo systemd; elif [ -x /sbin/openrc-run ]; then echo openrc; ' +
    'elif [ -d /etc/init.d ]; then echo sysv; else echo other; fi',
  's packages; for p in apt-get dnf zypper apk; do command -v $p >/dev/null && { echo $p; break; }; done',
  's boot; cat /proc/sys/kernel/random/boot_id',
  'exit 0',
].join('\n')

/** What the script printed, as facts. */
export const parseFacts = (text: string): Facts => {
  const sections = new Map(
    text.split(/^=(?=[a-z]+$)/m).map(part => {
      const end = part.indexOf('\n')
      return [part.slice(0, end), part.slice(end + 1).trim()] as const
    }),
  )
  const get = (name: string): string => sections.get(name) ?? ''
  const addresses = addressesIn(get('addresses'))
  return {
    os: osOf(get('os')),
    architecture: get('machine'),
    kernel: get('kernel'),
    hostname: get('hostname'),
    addresses: {
      v4: addresses.filter(one => isIP(one) === 4 && !one.startsWith('127.')),
      v6: addresses.filter(one => isIP(one) === 6 && one !== '::1' && !/^fe[89ab]/i.test(one)),
    },
    memory: Number(/\d+/.exec(get('memory'))?.[0] ?? 0) * 1024,
    cpus: Number(/\d+/.exec(get('cpus'))?.[0] ?? 0),
    init: INITS.find(one => one === get('init')) ?? 'other',
    'package-manager': MANAGERS[get('packages')] ?? 'other',
    'boot-id': get('boot'),
  }
}

const INITS = ['systemd', 'openrc', 'sysv'] as const
const MANAGERS: Readonly<Record<string, Facts['package-manager']>> = {
  'apt-get': 'apt',
  dnf: 'dnf',
  zypper: 'zypper',
  apk: 'apk',
}

/** os-release(5): `KEY=value`, the value quoted as in a shell. */
const osOf = (text: string): Facts['os'] => {
  const values = new Map(
    text.split('\n').flatMap(line => {
      const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? []
      return key === undefined || value === undefined ? [] : [[key, unquoted(value)] as const]
    }),
  )
  const id = (values.get('ID') ?? '').toLowerCase()
  const like = (values.get('ID_LIKE') ?? '').toLowerCase().split(/\s+/)
  return {
    id,
    version: values.get('VERSION_ID') ?? '',
    codename: values.get('VERSION_CODENAME') ?? '',
    name: values.get('PRETTY_NAME') ?? values.get('NAME') ?? '',
    like: [...new Set([id, ...like])].filter(one => one !== ''),
  }
}

const unquoted = (value: string): string => {
  const [, quote, inner] = /^(["'])(.*)\1$/.exec(value) ?? []
  if (inner === undefined) return value
  return quote === '"' ? inner.replaceAll(/\\([\\"$`])/g, '$1') : inner
}

/** From `ip -o addr`, from the kernel's tables, or plain addresses in one line. */
const addressesIn = (text: string): readonly string[] => {
  const found: string[] = []
  let last = ''
  for (const line of text.split('\n')) {
    const [, shown] = /\sinet6?\s+([\da-f.:]+)/i.exec(line) ?? []
    const [, hex, scope] = /^([\da-f]{32}) [\da-f]+ [\da-f]+ ([\da-f]{2}) /i.exec(line) ?? []
    const [, leaf] = /\|-- ([\d.]+)$/.exec(line) ?? []
    if (shown !== undefined) found.push(shown)
    else if (hex !== undefined && scope === '00') found.push(shortened(hex))
    else if (leaf !== undefined) last = leaf
    else if (/\/32 host LOCAL/.test(line)) found.push(last)
    else if (!/[|+]--|\/\d+ /.test(line)) found.push(...line.split(/\s+/).filter(word => isIP(word) !== 0))
  }
  return [...new Set(found)]
}

/** 32 hexadecimal digits as RFC 5952 writes an address; the platform knows how. */
const shortened = (hex: string): string => {
  const groups = hex.match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
