import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { openStore } from '../../../src/pulley/store/open-store.ts'
import { sql } from '../../../src/pulley/store/sql.ts'
import { openSqlite } from '../../../src/pulley/store/sqlite.ts'
import { queryPlans } from '../../fixtures/contracts/query-plans.ts'
import { storeContract } from '../../fixtures/contracts/store.ts'
import { Statements } from '../../fixtures/stores/query-plans.ts'
import { neverIssued } from '../../fixtures/stores/templates.ts'

const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'stoker-store-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const statements = new Statements()

t.test('the contract of stores', async t => {
  storeContract(t, async () => {
    await using stack = new AsyncDisposableStack()
    const { path } = stack.use(await folder())
    const a = stack.use(await openStore(statements.through(openSqlite(join(path, 'pulley.db')))))
    // A file is one server's; with SQLite the second is the first.
    const all = stack.move()
    return { a, b: a, [Symbol.asyncDispose]: () => all.disposeAsync() }
  })
})

t.test('no query takes longer with every row which is kept', async t => {
  await using temporary = await folder()
  await queryPlans(t, statements, () => openSqlite(join(temporary.path, 'pulley.db')))
})

t.test('there is no statement which the contract does not make', async t => {
  t.strictSame(neverIssued([...statements.byText.keys()]), [])
})

t.test('the file is for its owner only', async t => {
  await using temporary = await folder()
  const path = join(temporary.path, 'pulley.db')
  await using _store = await openStore(openSqlite(path))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(`${path}-wal`).mode & 0o777, 0o600)
})

t.test('what cannot be opened is told with its path', async t => {
  t.throws(() => openSqlite('/nowhere/pulley.db'), { code: 'STORE_FAILED', message: /\/nowhere\/pulley\.db/ })
})

t.test('a database of a newer version is left alone', async t => {
  await using temporary = await folder()
  const path = join(temporary.path, 'pulley.db')
  {
    await using database = openSqlite(path)
    await using _store = await openStore(database)
    await database.run(sql`UPDATE about SET value = 99 WHERE name = 'schema'`)
  }
  await t.rejects(openStore(openSqlite(path)), { code: 'STORE_FAILED', message: /version 99/ })
})
