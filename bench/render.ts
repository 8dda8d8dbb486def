/**
 * `node bench/render.ts [HOSTS...]`: how long the configuration of each service takes to make, by default of 10,000 and of
 * 100,000 hosts, each with an IPv4 and an IPv6 address, a MAC and an alias: from what a warehouse has said to the model with
 * its checks, from there to the files, and beside that the daemon's own check of them.
 */
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NetworkFacts, NodeRecord, Warehouse } from '../src/inventory/warehouse.ts'
import { readSite } from '../src/render/data/site.ts'
import { runCommand } from '../src/render/output/run-command.ts'
import type { RenderedFile } from '../src/render/services/service.ts'
import { SERVICES } from '../src/render/services/services.ts'
import { findProgram } from '../test/fixtures/servers/debian.ts'
import { templates } from '../test/fixtures/sites/render-site.ts'
import { machine, machineText } from './common/machine.ts'
import { seconds, share, table } from './common/table.ts'

const ROUNDS = 3

const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  dnsmasq: { dhcp: true },
  bind: { nameservers: ['n0'], domain: 'example.org' },
  nsd: { nameservers: ['n0'], domain: 'example.org' },
}

const hex = (value: number): string => value.toString(16).padStart(2, '0')

const record = (_: unknown, i: number): NodeRecord => ({
  name: `n${i}`,
  addresses: [
    `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    `fd00::1:${(i >> 8).toString(16)}:${(i & 255).toString(16)}`,
  ],
  macs: [`52:54:00:${[i >> 16, (i >> 8) & 255, i & 255].map(hex).join(':')}`],
  aliases: [`alias${i}`],
  boot: { file: 'pxelinux.0', nextServer: 'n1' },
  vars: { rack: i % 48 },
})

const NETWORKS: readonly NetworkFacts[] = [
  {
    name: 'cluster',
    address: '10.0.0.0/8',
    domain: 'example.org',
    routers: ['10.0.0.1'],
    ranges: ['10.255.0.1 10.255.0.99'],
  },
  { name: 'cluster6', address: 'fd00::/64', domain: 'example.org' },
]

/** A warehouse which has it all at hand. */
const warehouseOf = (records: readonly NodeRecord[]): Warehouse => ({
  name: 'memory',
  members: async () => undefined,
  nodes: async () => new Map(),
  async *records() {
    yield* records
  },
  async *networks() {
    yield* NETWORKS
  },
  async [Symbol.asyncDispose]() {},
})

/** The shortest of the rounds, in seconds, and what came of the last one: the other work of the machine only adds. */
const best = async <T>(work: () => Promise<T>): Promise<{ readonly time: number; readonly result: T }> => {
  let time = Number.POSITIVE_INFINITY
  let result: T | undefined
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    result = await work()
    time = Math.min(time, (performance.now() - began) / 1000)
  }
  return { time, result: result as T }
}

/** The seconds which the daemon's checks of all files take; `undefined` where it is not installed, or has none. */
const checked = async (files: readonly RenderedFile[], folder: string): Promise<number | undefined> => {
  const checks: (readonly string[])[] = []
  for (const [i, { text, check }] of files.entries()) {
    const path = join(folder, `.candidate${i}`)
    await writeFile(path, text)
    if (check) checks.push(check(path))
  }
  if (checks.length === 0 || !findProgram(checks[0]?.[0] ?? '')) return undefined
  const { time } = await best(async () => {
    for (const words of checks) {
      const { code, output } = await runCommand(words, { signal: AbortSignal.timeout(300_000) })
      if (code !== 0) throw new Error(`${words.join(' ')}: ${output}`)
    }
  })
  return time
}

process.stdout.write(`${machineText(machine())}\n`)
const counts = process.argv.slice(2).map(Number)
for (const count of counts.length > 0 ? counts : [10_000, 100_000]) {
  const warehouse = warehouseOf(Array.from({ length: count }, record))
  const io = { signal: new AbortController().signal }
  const { time: model, result } = await best(() => readSite([warehouse], {}, io))
  const rows: string[][] = [
    [`${count.toLocaleString('en')} hosts`, 'model', 'files', 'both', 'check', 'both/check', 'size'],
  ]
  for (const [name, load] of Object.entries(SERVICES)) {
    if (name === 'template') continue
    const service = (await load()).configure(SETTINGS[name] ?? {})
    const { time, result: files } = await best(() => service.files(result.site, templates))
    await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-bench-'))
    const check = await checked(files, folder.path)
    const size = files.reduce((sum, { text }) => sum + text.length, 0) / 1e6
    rows.push([
      ...[name, seconds(model), seconds(time), seconds(model + time)],
      ...(check === undefined ? ['-', '-'] : [seconds(check), share((model + time) / check)]),
      `${size.toFixed(1)} MB`,
    ])
  }
  process.stdout.write(`\n${table(rows)}\n`)
}
