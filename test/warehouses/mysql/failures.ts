import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../../src/base/names.ts'
import { stokerDdl } from '../../../warehouses/mysql/stoker.ts'
import { type Mariadb, needMariadb, startMariadb } from '../../fixtures/servers/mariadb.ts'
import { inventory } from '../../fixtures/sites/large-site.ts'
import { at, fill, type Options, rows, stokerRows, targets } from '../../fixtures/sites/mysql-site.ts'

const io = { signal: new AbortController().signal }

t.test('with a server', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb()

  await t.test('a stopped, killed or unwilling server is told within the deadline', async t => {
    await fill(server, stokerDdl() + stokerRows(inventory(3_000)))
    const cases: readonly (readonly [string, Options, RegExp])[] = [
      ['nobody listens', { port: 1 }, /:1: connection refused \(asked for nodes and groups\); is it up/],
      ['no such socket', { host: undefined, socket: '/nosuch/socket' }, /\/nosuch\/socket: there is no such socket/],
      ['no such host', { host: 'nosuch.invalid' }, /nosuch\.invalid:\d+: its name has no address/],
      ['wrong user', { user: 'nobody' }, /access denied to user nobody.*password-file/],
      ['unknown database', { database: 'nosuch' }, /user stoker may not use database nosuch/],
      ['no tables', { preset: 'rocks' }, /is this the database of a ROCKS frontend/],
    ]
    for (const [title, options, message] of cases) {
      await using warehouse = at(server, { preset: 'stoker', deadline: 60, ...options })
      await t.rejects(
        warehouse.nodes([parseNodeName('n1')], io),
        { code: 'WAREHOUSE_FAILED', subject: 'site', message },
        title,
      )
    }
    for (const [mode, message] of [
      [0o644, /mode 0644.*chmod 600/],
      [0o640, /mode 0640/],
    ] as const) {
      const file = join(t.testdir({}), 'password')
      await writeFile(file, 'x', { mode })
      await using warehouse = at(server, { preset: 'stoker', 'password-file': file })
      await t.rejects(warehouse.nodes([parseNodeName('n1')], io), { code: 'CONFIG', subject: 'password-file', message })
    }
  })

  await t.test('a frozen server is told when the deadline is over, and answers when it goes on', async t => {
    await using warehouse = at(server, { preset: 'stoker', deadline: 0.3 })
    server.freeze()
    try {
      const message = /no answer within 0.3 s .*option deadline/
      await t.rejects(warehouse.nodes([parseNodeName('n1')], io), { code: 'WAREHOUSE_FAILED', message })
    } finally {
      server.thaw()
    }
    await using patient = at(server)
    t.equal((await patient.nodes([parseNodeName('n0001')], io)).size, 1)
  })

  await t.test('an abort ends the wait at once, and the process is not held', async t => {
    const stop = new AbortController()
    const warehouse = at(server, { preset: 'stoker', deadline: 60 })
    server.freeze()
    try {
      const waiting = warehouse.nodes([parseNodeName('n0001')], stop)
      const reason = new Error('enough')
      stop.abort(reason)
      t.equal(await waiting.catch(thrown => thrown), reason)
      await warehouse[Symbol.asyncDispose]()
    } finally {
      server.thaw()
    }
  })

  await t.test('a server which dies in the middle of its answer gives no short list', async t => {
    await using half = await cutOff(server, 100_000)
    await using warehouse = at(server, { preset: 'stoker', port: half.port })
    const asked = warehouse.members(parseGroupName('all'), io)
    await t.rejects(asked, { code: 'WAREHOUSE_FAILED', message: /connection lost before the answer was complete/ })
    t.ok(half.passed > 50_000, `after ${half.passed} bytes`)
    await server.start()
    await fill(server, stokerDdl() + stokerRows(inventory(3_000)))
    await using again = at(server)
    t.equal((await targets('@all', again)).length, 3_000, 'and it is asked anew')
  })

  await t.test('a server without TLS does not get the password where TLS is wanted', async t => {
    const connects = async () => (await server.asked()).filter(one => one.command === 'Connect').length
    await connects()
    await using warehouse = at(server, { preset: 'stoker', host: 'localhost', tls: {} })
    await t.rejects(warehouse.nodes([parseNodeName('a')], io), { message: /does not offer TLS/ })
    t.equal(await connects(), 0)
  })
})

t.test('with a server which wants TLS', async t => {
  if (!needMariadb(t)) return
  await using server = await startMariadb({ tls: true })
  await fill(server, stokerDdl() + rows('nodes', [[null, 'a', null, null, null]]))
  const ask = async (tls: Options | undefined) => {
    await using warehouse = at(server, { preset: 'stoker', ...(tls && { tls }) })
    return (await warehouse.nodes([parseNodeName('a')], io)).size
  }
  const servername = 'db.example.org'
  t.equal(await ask({ ca: server.ca, servername }), 1)
  t.match(await server.asked(), [{ command: 'Connect', text: /SSL\/TLS/ }])
  for (const [tls, message] of [
    [undefined, /access denied.*needs the option tls/],
    [{ servername }, /its certificate is not trusted/],
    [{ ca: server.ca, servername: 'other.example.org' }, /its certificate is not for other\.example\.org/],
    [{ ca: server.ca, servername: 'localhost' }, /its certificate is not for localhost/],
  ] as const)
    await t.rejects(ask(tls), { code: 'WAREHOUSE_FAILED', message }, JSON.stringify(tls))
  await t.rejects(ask({ ca: '/nosuch', servername }), { code: 'CONFIG', subject: 'tls.ca', message: /no such file/ })
})

/** A way to the server on which it dies, for real, after so many bytes of its answers. */
const cutOff = async (server: Mariadb, bytes: number) => {
  let passed = 0
  const proxy = createServer(client => {
    const upstream = connect(server.port, server.host)
    client.pipe(upstream)
    client.on('error', () => {})
    upstream.on('error', () => {})
    upstream.on('close', () => client.end())
    upstream.on('data', chunk => {
      client.write(chunk)
      passed += chunk.length
      if (passed < bytes) return
      upstream.pause()
      void server.kill9().then(() => client.end())
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    get passed() {
      return passed
    },
    async [Symbol.asyncDispose]() {
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
