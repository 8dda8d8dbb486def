import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import type { Database } from '../../../../src/pulley/store/database.ts'
import { MIGRATIONS, migrate } from '../../../../src/pulley/store/migrations/migrate.ts'
import { version1 } from '../../../../src/pulley/store/migrations/version-1.ts'
import { openMysql } from '../../../../src/pulley/store/mysql.ts'
import { tablesLockName } from '../../../../src/pulley/store/mysql-lock.ts'
import { openStore } from '../../../../src/pulley/store/open-store.ts'
import { type Sql, sql } from '../../../../src/pulley/store/sql.ts'
import { openSqlite } from '../../../../src/pulley/store/sqlite.ts'
import { needMariadb, startMariadb } from '../../../fixtures/servers/mariadb.ts'
import { rowsOf, shapeOf, versionOf } from '../../../fixtures/stores/tables.ts'

const NEWEST = MIGRATIONS.at(-1)?.version
const STORES = join(import.meta.dirname, '../../../fixtures/stores')
/** A database as version 1 left it, which was written by version 1. */
const version1Text = async (dialect: 'sqlite' | 'mysql'): Promise<string> =>
  (await readFile(join(STORES, `version-1.${dialect}.sql`), 'utf8')) +
  (await readFile(join(STORES, 'version-1.data.sql'), 'utf8'))

interface Place extends AsyncDisposable {
  /** Makes it a new database of this text; opens it as a server does, as often as one likes. */
  renew(version: 'empty' | 1): Promise<void>
  open(): Database
  /** For another process. */
  readonly settings: unknown
}

const inFile = async (): Promise<Place> => {
  const folder = await mkdtempDisposable(join(tmpdir(), 'stoker-store-'))
  let count = 0
  const path = () => join(folder.path, `${count}.db`)
  return {
    async renew(version) {
      count++
      using database = new DatabaseSync(path())
      if (version === 1) database.exec(await version1Text('sqlite'))
    },
    open: () => openSqlite(path()),
    get settings() {
      return path()
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  }
}

const inMariadb = async () => {
  const server = await startMariadb()
  const { host, port, user, password, database } = server
  const settings = { host, port, socket: undefined, user, password, database, ca: undefined }
  return {
    server,
    settings,
    async renew(version: 'empty' | 1) {
      await server.sql(`DROP DATABASE ${database}; CREATE DATABASE ${database} CHARACTER SET latin1`)
      if (version === 1) await server.sql(`USE ${database}; SET NAMES utf8mb4; ${await version1Text('mysql')}`)
    },
    open: () => openMysql(settings),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Notes what is sent to the database. */
const listening = (database: Database, sent: Sql[]): Database => {
  const note = <T>(statement: Sql, then: () => Promise<T>) => {
    sent.push(statement)
    return then()
  }
  return {
    ...database,
    all: statement => note(statement, () => database.all(statement)),
    run: statement => note(statement, () => database.run(statement)),
  }
}

const migrations = (t: Test, place: Place): void => {
  t.test('a database of version 1 becomes one of today, and nothing is lost', async t => {
    await place.renew('empty')
    const fresh = await place.open()
    await migrate(fresh)
    const shape = await shapeOf(fresh)
    await fresh[Symbol.asyncDispose]()

    await place.renew(1)
    await using database = place.open()
    const before = await rowsOf(database)
    t.ok(
      Object.values(before).every(rows => rows.length > 0),
      'there is something in every table',
    )
    const said: string[] = []
    await migrate(database, { say: line => said.push(line) })
    t.equal(await versionOf(database), NEWEST)
    t.strictSame(await rowsOf(database), before)
    t.strictSame(await shapeOf(database), shape)
    t.match(said, [/^database: from version 1 to 2: /])
  })

  t.test('its store answers with what was in it', async t => {
    await place.renew(1)
    await using store = await openStore(place.open())
    t.strictSame(
      (await store.nodes('blue')).map(({ name, serial, turn, revoked }) => [name, serial, turn, revoked !== undefined]),
      [
        ['wn1-2.blue', 1, 0, false],
        ['wn1.blue', 2, 3, false],
        ['wn2.blue', 0, 0, true],
      ],
    )
    const actions = await store.actions('blue', {})
    t.strictSame(
      actions.map(one => one.state),
      ['cancelled', 'queued', 'started', 'done'],
    )
    const done = actions.find(one => one.state === 'done')
    const [piece] = await store.actionOutput('blue', done?.id ?? '')
    t.equal(Buffer.from(piece?.data ?? []).toString(), 'up\xff 1 day\n')
    t.equal((await store.reports('blue', {})).length, 3)
    t.strictSame(
      (await store.bundles('blue')).map(one => one.note),
      ['né 2', 'né 1'],
    )
  })

  t.test('the first migration makes what version 1 made', async t => {
    await place.renew('empty')
    await using database = place.open()
    const io = { signal: new AbortController().signal }
    const make = async (inside: Pick<Database, 'run' | 'dialect'>) => {
      for (const statement of version1.statements(inside.dialect)) await inside.run(statement)
    }
    await database.changeTables(make, io, () => {})
    const made = (await shapeOf(database)).filter(line => !/ about /.test(line))
    await place.renew(1)
    await using old = place.open()
    t.strictSame(
      made,
      (await shapeOf(old)).filter(line => !/ about /.test(line)),
    )
  })

  t.test('a newer version is refused, and left as it is', async t => {
    await place.renew(1)
    await using database = place.open()
    await database.run(sql`UPDATE about SET value = 99 WHERE name = 'schema'`)
    const [rows, shape] = [await rowsOf(database), await shapeOf(database)]
    const error = {
      code: 'STORE_FAILED',
      message: /is of version 99, and this program knows version \d+; use the pulley/,
    }
    await t.rejects(migrate(database), error)
    t.strictSame([await rowsOf(database), await shapeOf(database)], [rows, shape])
  })

  t.test('nothing is written to a database which is up to date', async t => {
    await place.renew('empty')
    await using database = place.open()
    await migrate(database)
    const sent: Sql[] = []
    await migrate(listening(database, sent))
    t.ok(sent.length > 0)
    t.strictSame(
      sent.filter(({ text }) => !/^SELECT /.test(text)),
      [],
    )
  })

  for (const from of ['empty', 1] as const)
    t.test(`killed before any statement, again and again, from ${from === 1 ? 'version 1' : 'nothing'}`, async t => {
      await place.renew('empty')
      const fresh = place.open()
      await migrate(fresh)
      const shape = await shapeOf(fresh)
      await fresh[Symbol.asyncDispose]()

      await place.renew(from)
      const before = from === 1 ? await withDatabase(place, rowsOf) : undefined
      let killed = 0
      while ((await migrateAndKill(place, killed)) === 'killed') killed++
      t.ok(killed > 10, `${killed} times`)
      await using database = place.open()
      t.strictSame(await shapeOf(database), shape)
      t.equal(await versionOf(database), NEWEST)
      if (before) t.strictSame(await rowsOf(database), before)
      await migrate(database)
    })
}

const withDatabase = async <T>(place: Place, work: (database: Database) => Promise<T>): Promise<T> => {
  await using database = place.open()
  return await work(database)
}

/** Another process migrates, and is killed before the statement with this number. */
const migrateAndKill = async ({ settings }: Place, statement: number): Promise<'killed' | 'done'> => {
  const file = join(STORES, 'migrate-and-hang.ts')
  const child = spawn(process.execPath, [file, JSON.stringify(settings), `${statement}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [line] = await Promise.race([once(child.stdout, 'data'), ended.then(() => ['nothing'])])
  child.kill('SIGKILL')
  await ended
  if (/^(here|done)/.test(String(line))) return String(line).startsWith('here') ? 'killed' : 'done'
  throw new Error(`it printed ${line}`)
}

t.test('every version has its migration, in order', async t => {
  t.strictSame(
    MIGRATIONS.map(({ version }) => version),
    MIGRATIONS.map((_, i) => i + 1),
  )
})

t.test('SQLite', async t => {
  const place = await inFile()
  t.teardown(() => place[Symbol.asyncDispose]())
  migrations(t, place)
})

t.test('MariaDB', async t => {
  if (!needMariadb(t)) return
  const place = await inMariadb()
  t.teardown(() => place[Symbol.asyncDispose]())
  migrations(t, place)

  t.test('several servers start at once', async t => {
    const shapes: (readonly string[])[] = []
    for (const from of ['empty', 1] as const) {
      await place.renew(from)
      const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(place.open())))
      await Promise.all(stores.map(store => store[Symbol.asyncDispose]()))
      await using database = place.open()
      t.equal(await versionOf(database), NEWEST)
      shapes.push(await shapeOf(database))
    }
    t.strictSame(shapes[0], shapes[1])
  })

  t.test('where there is no lock, as in a cluster, what another has made counts as made', async t => {
    await place.renew('empty')
    await using database = place.open()
    await migrate(database)
    const shape = await shapeOf(database)
    await database.run(sql`UPDATE about SET value = 0 WHERE name = 'schema'`)
    await migrate(database)
    t.equal(await versionOf(database), NEWEST)
    t.strictSame(await shapeOf(database), shape)
  })

  /** Somebody else has the lock, and a server starts. */
  const waitingServer = async () => {
    await place.renew(1)
    const other = place.open()
    const lock = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const work = async () => {
      held.resolve()
      await lock.promise
    }
    const holding = other.changeTables(work, { signal: new AbortController().signal }, () => {})
    await held.promise
    const waits = Promise.withResolvers<string>()
    const abort = new AbortController()
    const opening = openStore(place.open(), { signal: abort.signal, say: waits.resolve })
    const said = await waits.promise
    const release = async () => {
      lock.resolve()
      await holding
    }
    return { other, opening, said, abort, release }
  }

  t.test('a server waits for the one which is at it, and says so', async t => {
    const { other, opening, said, release } = await waitingServer()
    await using database = other
    t.match(said, /another server changes the tables/)
    t.equal(await versionOf(database), 1)
    await release()
    await (await opening)[Symbol.asyncDispose]()
    t.equal(await versionOf(database), NEWEST)
  })

  t.test('who is told to end does not wait any longer', async t => {
    const { other, opening, abort, release } = await waitingServer()
    await using database = other
    const reason = new Error('ended')
    abort.abort(reason)
    await t.rejects(opening, reason)
    t.equal(await versionOf(database), 1)
    await release()
  })

  t.test('the lock is one for each database, and its name is short enough', async t => {
    t.not(tablesLockName('a'), tablesLockName('b'))
    t.ok(tablesLockName('x'.repeat(64)).length <= 64)
  })
})
