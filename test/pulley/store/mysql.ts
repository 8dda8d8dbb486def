import t from 'tap'
import { openMysql } from '../../../src/pulley/store/mysql.ts'
import { openStore } from '../../../src/pulley/store/open-store.ts'
import { queryPlans } from '../../fixtures/contracts/query-plans.ts'
import { storeContract } from '../../fixtures/contracts/store.ts'
import { needMariadb, startMariadb } from '../../fixtures/servers/mariadb.ts'
import { Statements } from '../../fixtures/stores/query-plans.ts'

t.test('the contract of stores, two servers on one MariaDB', async t => {
  if (!needMariadb(t)) return
  const server = await startMariadb()
  t.teardown(() => server[Symbol.asyncDispose]())
  const { host, port, user, password, database } = server
  const settings = { host, port, socket: undefined, user, password, database, ca: undefined }
  const renew = () => server.sql(`DROP DATABASE ${database}; CREATE DATABASE ${database} CHARACTER SET latin1`)
  const statements = new Statements()
  storeContract(t, async () => {
    await renew()
    const a = await openStore(statements.through(openMysql(settings)))
    const b = await openStore(statements.through(openMysql(settings)))
    const end = async () => {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    }
    return { a, b, [Symbol.asyncDispose]: end }
  })
  t.test('no query takes longer with every row which is kept', async t => {
    await renew()
    await queryPlans(t, statements, () => openMysql(settings))
  })
})

t.test('a server which is not there is told with its place', async t => {
  const settings = {
    host: '127.0.0.1',
    port: 1,
    socket: undefined,
    user: 'x',
    password: 'hush',
    database: 'd',
    ca: undefined,
  }
  await using database = openMysql(settings)
  await t.rejects(openStore(database), { code: 'STORE_FAILED', message: /d at 127\.0\.0\.1:1 cannot be used/ })
})
