import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { type DialOptions, dial } from '../../src/connection/dial.ts'
import { freePort } from '../fixtures/servers/sshd.ts'

const io = { signal: new AbortController().signal }
const options: DialOptions = {
  ...{ addressFamily: 'any', connectionAttempts: 1, tcpKeepAlive: true, service: undefined },
  ...{ bindAddress: undefined, bindInterface: undefined },
}

t.test('ConnectionAttempts tries again until somebody listens', async t => {
  const port = await freePort()
  const dialing = dial(['127.0.0.1'], port, 'h5', { ...io, options: { ...options, connectionAttempts: 1000 } })
  const server = createServer()
  t.teardown(() => server.close())
  // The first attempt is under way, and nobody is there.
  await new Promise(setImmediate)
  server.listen(port, '127.0.0.1')
  const socket = await dialing
  t.equal(socket.remoteAddress, '127.0.0.1')
  socket.destroy()
})

t.test('a stop ends the attempts; without them one is made', async t => {
  const port = await freePort()
  const reason = new Error('enough')
  const stop = new AbortController()
  const endless = { ...options, connectionAttempts: 1_000_000 }
  const dialing = dial(['127.0.0.1'], port, 'h5', { signal: stop.signal, options: endless })
  stop.abort(reason)
  await t.rejects(dialing, reason)
  for (const connectionAttempts of [0, 1])
    await t.rejects(dial(['127.0.0.1'], port, 'h5', { ...io, options: { ...options, connectionAttempts } }), {
      code: 'CONNECT_FAILED',
      message: 'connection refused',
      detail: `127.0.0.1:${port}`,
    })
})

t.test('AddressFamily leaves out addresses, and looks up names of that family alone', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const inet: DialOptions = { ...options, addressFamily: 'inet' }
  for (const hosts of [['::1', '127.0.0.1'], ['localhost']]) {
    const socket = await dial(hosts, port, 'h5', { ...io, options: inet })
    t.equal(socket.remoteAddress, '127.0.0.1', hosts.join())
    socket.destroy()
  }
  await t.rejects(dial(['127.0.0.1'], port, 'h5', { ...io, options: { ...options, addressFamily: 'inet6' } }), {
    message: 'no address to connect to (AddressFamily inet6 in ssh_config)',
  })
})
