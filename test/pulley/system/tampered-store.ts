/** Whoever can write the server's database can keep nodes from hearing of something, and can make them do nothing. */
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type Packed, pack } from '../../../src/pulley/bundle/tree.ts'
import { SUCCESSION } from '../../../src/pulley/protocol/documents.ts'
import { type Envelope, seal } from '../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../src/pulley/protocol/keys.ts'
import { newId } from '../../../src/pulley/protocol/names.ts'
import type { Database } from '../../../src/pulley/store/database.ts'
import { sql } from '../../../src/pulley/store/sql.ts'
import { openSqlite } from '../../../src/pulley/store/sqlite.ts'
import { SIGNAL, startPulley } from '../../fixtures/program/pulley.ts'
import { bundleOf, enrolHere, orderOf, textOf } from '../../fixtures/program/pulley-agent.ts'

const io = { signal: SIGNAL }
const stranger = makeSigningKey()

/** Two workers have the second bundle, and have obeyed an order each; an order for later is cancelled, one has expired. */
const ready = async () => {
  await using stack = new AsyncDisposableStack()
  const pulley = stack.use(await startPulley())
  const { admin, key } = await pulley.vo('blue')
  const token = await pulley.token('blue')
  const one = stack.use(await enrolHere(pulley.agents, 'blue', token, 'wn1'))
  const other = stack.use(await enrolHere(pulley.agents, 'blue', token, 'wn2'))
  const agents = [one, other]
  const database1 = { id: newId('n'), name: 'db1', roles: ['db'] }
  const nodes = [database1, ...agents.map(({ identity: { node, name, roles } }) => ({ id: node, name, roles }))]
  const path = (of: typeof one) => join(of.machine, 'greeting')
  /** The same policy for all; what it says is for databases alone lies beside. */
  const content = (text: string): Packed => {
    const resources = agents.flatMap(of => [
      { file: { path: path(of), content: text }, targets: of.identity.name },
      { file: { path: join(of.machine, 'secret'), content: text }, targets: '@db' },
    ])
    return pack(new Map([['policy.yaml', Buffer.from(JSON.stringify({ resources }))]]))
  }
  const ask = (method: 'PUT' | 'POST', below: string, body: unknown) =>
    admin.json({ method, path: `/admin/v1/vos/blue/${below}`, body }, io)
  const upload = (packed: Packed) => ask('PUT', `blobs/${packed.sha256}`, packed.bytes)
  const order = (documents: readonly Envelope[]) =>
    ask('POST', 'actions', { batch: newId('a'), name: 'shell', documents })
  for (const serial of [1, 2]) {
    const packed = content(`bundle ${serial}`)
    await upload(packed)
    await ask('POST', 'bundles', { document: bundleOf(key, serial, packed, { nodes }), note: '' })
    for (const agent of agents) await agent.poll()
  }
  await order(agents.map(({ identity }) => orderOf(key, identity.node, identity.name)))
  for (const agent of agents) await agent.poll()
  const late = orderOf(key, one.identity.node, 'late', { expires: Date.now() - 1 })
  await order([late])
  const evil = content('evil')
  await upload(evil)
  // The expired one is heard of in time.
  for (const agent of agents) await agent.poll()
  const store = join(pulley.folder, 'pulley.db')
  await pulley.restart(() => copyFile(store, `${store}.right`))
  const running = stack.move()
  return {
    ...{ pulley, key, agents, one, other, path, evil, store },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

type Site = Awaited<ReturnType<typeof ready>> & { readonly database: Database }

const insert = ({ database, evil }: Site, serial: number, document: Envelope) =>
  database.run(
    sql`INSERT INTO bundles (vo, serial_number, envelope, content_sha256, created, note, waves)
      SELECT vo, ${serial}, ${JSON.stringify(document)}, ${evil.sha256}, created, note, waves
      FROM bundles WHERE serial_number = 2`,
  )

const insertOrder = (database: Database, node: string, document: Envelope) =>
  database.run(
    sql`INSERT INTO actions (id, vo, node, batch, name, envelope, state, created, expires)
      VALUES (${newId('a')}, 'blue', ${node}, ${newId('a')}, 'shell', ${JSON.stringify(document)}, 'queued', 1,
        ${Date.now() + 3_600_000})`,
  )

const rows: readonly (readonly [string, (site: Site) => Promise<unknown>, RegExp | undefined])[] = [
  [
    'a bundle of its own, with a higher serial',
    site => insert(site, 9, bundleOf(stranger, 9, site.evil)),
    /not by the key of this VO; bundle 2 stays/,
  ],
  [
    'a bundle whose document was exchanged',
    ({ database, evil }) =>
      database.run(
        sql`UPDATE bundles SET envelope = ${JSON.stringify(bundleOf(stranger, 2, evil))} WHERE serial_number = 2`,
      ),
    /not by the key of this VO; bundle 2 stays/,
  ],
  [
    'the earlier bundle as the newest',
    ({ database }) => database.run(sql`DELETE FROM bundles WHERE serial_number = 2`),
    /bundle 1 is older than bundle 2, which was seen before; bundle 2 stays/,
  ],
  [
    'the earlier bundle in the place of the newest',
    async ({ database }) => {
      const [earlier] = await database.all(sql`SELECT envelope FROM bundles WHERE serial_number = 1`)
      await database.run(sql`UPDATE bundles SET envelope = ${earlier?.envelope} WHERE serial_number = 2`)
    },
    /bundle 1 is older than bundle 2/,
  ],
  [
    'the content of another bundle',
    async ({ database, evil }) => {
      await database.run(sql`DELETE FROM blobs WHERE sha256 <> ${evil.sha256}`)
      await database.run(sql`UPDATE blobs SET sha256 = (SELECT content_sha256 FROM bundles WHERE serial_number = 2)`)
    },
    undefined,
  ],
  [
    'other roles and names of its nodes',
    ({ database }) => database.run(sql`UPDATE nodes SET roles = '["db"]', name = 'db-' || name, held_name = NULL`),
    undefined,
  ],
  [
    'an order of its own',
    ({ database, one }) => insertOrder(database, one.identity.node, orderOf(stranger, one.identity.node, 'evil')),
    /a document of type .*order.* is refused: its signature is not by the key of this VO/,
  ],
  [
    'orders which have been obeyed, as if they had not',
    ({ database }) =>
      database.run(
        sql`UPDATE actions SET state = 'queued', started = NULL, attempt = NULL, finished = NULL, result = NULL
          WHERE state = 'done'`,
      ),
    undefined,
  ],
  [
    "each node's order for the other",
    async ({ database, one, other }) => {
      const [a, b] = [one.identity.node, other.identity.node]
      await database.run(sql`UPDATE actions SET node = CASE node WHEN ${a} THEN ${b} ELSE ${a} END, state = 'queued'`)
    },
    /an order is refused: it is for node n-/,
  ],
  [
    'an order whose time is over, with another time',
    ({ database }) =>
      database.run(
        sql`UPDATE actions SET expires = ${Date.now() + 3_600_000}, state = 'queued' WHERE state = 'expired'`,
      ),
    /: expired/,
  ],
  [
    'another key of the VO',
    async site => {
      await site.database.run(sql`UPDATE vos SET public_key = ${stranger.publicKey}`)
      await insert(site, 9, bundleOf(stranger, 9, site.evil))
    },
    /not by the key of this VO; bundle 2 stays/,
  ],
  [
    'a succession to a key of its own',
    async site => {
      const forged = seal(SUCCESSION, { vo: 'blue', successor: stranger.publicKey, issued: Date.now() }, stranger)
      await site.database.run(
        sql`UPDATE vos SET public_key = ${stranger.publicKey}, successions = ${JSON.stringify([forged])}`,
      )
      await insertOrder(site.database, site.one.identity.node, orderOf(stranger, site.one.identity.node, 'evil'))
    },
    /succession.* is refused/,
  ],
  [
    'nodes which say that they have never reported, in waves',
    ({ database }) => database.run(sql`UPDATE nodes SET serial_applied = 0, last_report = NULL, turn = 0`),
    undefined,
  ],
]
/** The database as it was, but for this; the server finds it so. */
const tampered = (site: Awaited<ReturnType<typeof ready>>, tamper: (site: Site) => Promise<unknown>) =>
  site.pulley.restart(async () => {
    await copyFile(`${site.store}.right`, site.store)
    await using database = openSqlite(site.store)
    await tamper({ ...site, database })
    await database.run(sql`UPDATE vos SET revision = revision + 1`)
  })

t.test('whatever stands in a database, no agent does anything but what its VO has signed for it', async t => {
  await using site = await ready()
  const { agents, path } = site
  for (const [what, tamper, said] of rows)
    await t.test(what, async t => {
      const before = agents.map(agent => agent.said.length)
      await tampered(site, tamper)
      for (const agent of agents) {
        await rm(path(agent), { force: true })
        await agent.restart()
        await agent.poll()
        await agent.poll()
        t.strictSame(agent.obeyed, [agent.identity.name], 'only what its VO has ordered, once')
        t.equal(await textOf(path(agent)), 'bundle 2', 'it converges on the last good bundle')
        t.strictSame(await agent.outside(), ['machine', 'machine/greeting'])
        t.match(await agent.progress(), { current: 2, seen: 2 })
      }
      if (said) t.match(agents.flatMap((agent, index) => agent.said.slice(before[index])).join('\n'), said)
    })
  await t.test('what cannot be read is told, and nobody is served', async t => {
    const broken = sql`UPDATE bundles SET envelope = '{' WHERE serial_number = 2`
    await t.rejects(
      tampered(site, ({ database }) => database.run(broken)),
      { code: 'STORE_FAILED', message: /column envelope holds what it cannot/ },
    )
    await rm(path(site.one))
    t.equal(await site.one.poll(), false)
    t.equal(await textOf(path(site.one)), 'bundle 2')
  })
})
