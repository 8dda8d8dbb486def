/** One site of 10,000 nodes in 300 groups, in a file, a directory and a database: the program answers alike. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PATIENCE } from '../fixtures/patience.ts'
import { stoker } from '../fixtures/program/cli.ts'
import { needMariadb, roundTrips, startMariadb } from '../fixtures/servers/mariadb.ts'
import { BASE, needSlapd, startSlapd } from '../fixtures/servers/slapd.ts'
import { INVENTORY } from '../fixtures/sites/large-site.ts'
import { MACHINE, rfc2307 } from '../fixtures/sites/ldap-site.ts'
import { at, fill, stokerRows } from '../fixtures/sites/mysql-site.ts'

const EXPRESSIONS = [
  '@all',
  '@building2!@rack2-1-1,n00007',
  '@row1-1&@shelf1-1-1-1',
  'n[00100-00200]^@more1',
  '@*!@building1',
]

t.test('the same targets from a file, slapd and MariaDB, in at most three round trips each', async t => {
  if (!needSlapd(t) || !needMariadb(t)) return
  await using slapd = await startSlapd({ ldif: rfc2307(INVENTORY) })
  await using mariadb = await startMariadb()
  await using admin = at(mariadb)
  await fill(mariadb, `${admin.ddl?.()}${stokerRows(INVENTORY)}`)
  const nodes = Object.fromEntries(
    INVENTORY.nodes.map(({ name, addresses, macs, vars }) => [name, { address: addresses, mac: macs, vars }]),
  )
  const groups = Object.fromEntries(Object.entries(INVENTORY.groups).map(([name, members]) => [name, members]))
  const folder = t.testdir({ 'site.yaml': JSON.stringify({ nodes, groups }) })
  const sources = {
    file: { kind: 'file', path: 'site.yaml' },
    ldap: { kind: 'ldap', url: slapd.url, base: BASE, attributes: MACHINE, deadline: PATIENCE },
    mysql: {
      ...{ kind: 'mysql', host: mariadb.host, port: mariadb.port, user: mariadb.user },
      ...{ 'password-file': mariadb.passwordFile, database: mariadb.database, preset: 'stoker', deadline: PATIENCE },
    },
  }
  const resolved = async (source: keyof typeof sources, expression: string) => {
    const config = join(folder, `${source}.yaml`)
    await writeFile(config, JSON.stringify({ warehouses: [{ name: 'site', ...sources[source] }] }))
    const ended = await stoker(['resolve', expression, '--json'], {
      config,
      env: { XDG_CACHE_HOME: join(folder, 'cache') },
    })
    t.match(ended, { code: 0, stderr: /^$/ })
    return ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
      .map(({ name, addresses, macs, vars }) => JSON.stringify([name, addresses, macs, vars.rack]))
      .sort()
  }
  for (const expression of EXPRESSIONS) {
    const expected = await resolved('file', expression)
    t.not(expected.length, 0)
    await slapd.searches()
    t.strictSame(await resolved('ldap', expression), expected)
    t.ok((await slapd.searches()).length <= 3)
    await mariadb.asked()
    t.strictSame(await resolved('mysql', expression), expected)
    t.ok(roundTrips(await mariadb.asked()).length <= 3)
  }
  for (const source of ['file', 'ldap', 'mysql'] as const) {
    const config = join(folder, `${source}.yaml`)
    t.match(await stoker(['resolve', '@loop1'], { config }), { code: 3, stderr: /@loop1 -> @loop2 -> @loop1/ })
  }
})
