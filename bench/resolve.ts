/** `node bench/resolve.ts`: how long `stoker resolve @all` takes, cold and whole, on 10,000 nodes in 300 groups of each warehouse. */
import { spawnSync } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMariadb } from '../test/fixtures/servers/mariadb.ts'
import { BASE, startSlapd } from '../test/fixtures/servers/slapd.ts'
import { INVENTORY } from '../test/fixtures/sites/large-site.ts'
import { MACHINE, rfc2307 } from '../test/fixtures/sites/ldap-site.ts'
import { at, fill, stokerRows } from '../test/fixtures/sites/mysql-site.ts'
import { machine, machineText } from './common/machine.ts'
import { seconds, table } from './common/table.ts'
import { build } from './push/build.ts'

const ROUNDS = 7

/** Seconds of wall time and of CPU for one run in a process of its own. */
const once = (words: readonly string[], env: Readonly<Record<string, string>>) => {
  const began = performance.now()
  const { status, stderr } = spawnSync('/bin/sh', ['-c', '"$@" >/dev/null; s=$?; times >&2; exit $s', 'sh', ...words], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`)
  // The last line of `times` is that of the children: user and system time, as 0m0.35s.
  const [user = 0, system = 0] = [...(stderr.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  )
  return { wall: (performance.now() - began) / 1000, cpu: user + system }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const { stoker } = await build()
await using slapd = await startSlapd({ ldif: rfc2307(INVENTORY) })
await using mariadb = await startMariadb()
await using admin = at(mariadb)
await fill(mariadb, `${admin.ddl?.()}${stokerRows(INVENTORY)}`)
await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-bench-'))

const nodes = Object.fromEntries(
  INVENTORY.nodes.map(({ name, addresses, macs, vars }) => [name, { address: addresses, mac: macs, vars }]),
)
await writeFile(join(folder.path, 'site.yaml'), JSON.stringify({ nodes, groups: INVENTORY.groups }))
const { host, port, user, passwordFile, database } = mariadb
const sources = {
  file: { kind: 'file', path: 'site.yaml' },
  ldap: { kind: 'ldap', url: slapd.url, base: BASE, attributes: MACHINE },
  mysql: { kind: 'mysql', host, port, user, 'password-file': passwordFile, database, preset: 'stoker' },
}

process.stdout.write(`${machineText(machine())}\n\n`)
const rows: string[][] = [['resolve @all, 10,000 nodes', 'wall', 'CPU']]
for (const [name, source] of Object.entries(sources)) {
  const config = join(folder.path, `${name}.yaml`)
  await writeFile(config, JSON.stringify({ warehouses: [{ name: 'site', ...source }] }))
  const words = [process.execPath, stoker, '--config', config, 'resolve', '@all']
  const env = { XDG_CACHE_HOME: join(folder.path, 'cache') }
  once(words, env) // the first run keeps the compiled code
  const runs = Array.from({ length: ROUNDS }, () => once(words, env))
  rows.push([name, seconds(median(runs.map(({ wall }) => wall))), seconds(median(runs.map(({ cpu }) => cpu)))])
}
process.stdout.write(`${table(rows)}\n`)
