import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { initialisable } from '../../../src/commands/inventory/warehouse-init.ts'
import { stokerDdl } from '../../../warehouses/mysql/stoker.ts'
import { needMariadb, startMariadb } from '../../fixtures/servers/mariadb.ts'
import { memory } from '../../fixtures/sites/memory.ts'
import { at, fill } from '../../fixtures/sites/mysql-site.ts'

const root = join(import.meta.dirname, '../../..')

t.test('tables are created, told, and printed on request', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb()
  const { host, port, user, database, passwordFile } = server
  const options = { host, port, user, database, 'password-file': passwordFile, preset: 'stoker' }
  const folder = t.testdir({
    'mysql.ts': `export { mysql as warehouse } from '${root}/warehouses/mysql.ts'\n`,
    'stoker.yaml': JSON.stringify({ warehouses: [{ kind: './mysql.ts', name: 'site', ...options }] }),
  })
  const run = async (flags: object) => {
    const words = JSON.stringify({ config: join(folder, 'stoker.yaml'), ...flags })
    const script = `import { warehouseInit } from '${root}/src/commands/inventory/warehouse-init.ts'
      process.exitCode = await warehouseInit('site', ${words})`
    return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])).stdout
  }
  t.equal(await run({ print: true }), stokerDdl())
  t.equal(await server.sql('SHOW TABLES'), '', 'and nothing was done')
  t.equal(await run({}), 'created: nodes, interfaces, node_groups, group_members, provisioning, networks\n')
  t.equal(await run({}), 'already there: nodes, interfaces, node_groups, group_members, provisioning, networks\n')
  await server.sql('DROP TABLE group_members')
  t.equal(
    await run({}),
    'created: group_members\nalready there: nodes, interfaces, node_groups, provisioning, networks\n',
  )
  await fill(server, 'CREATE TABLE nodes (id INT)')
  t.match(await run({}).catch(thrown => thrown), { stderr: /table nodes of another shape/ })

  await using rocks = at(server, { preset: 'rocks' })
  for (const [name, message] of [
    ['site', /warehouse site has nothing to create; kind mysql with preset stoker/],
    ['sites', /no warehouse is called "sites"; did you mean site\? \(there is: site, memory\)/],
    ['memory', /has nothing to create/],
  ] as const)
    t.throws(() => initialisable([rocks, memory({})], name), { code: 'USAGE', subject: name, message })
})
