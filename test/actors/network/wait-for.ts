import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { waitFor } from '../../../actors/network/wait-for.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { localConnection } from '../../../src/connection/local.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { act, target } from '../../fixtures/program/act.ts'

const actor = waitFor as Actor
const here = target('here', { addresses: ['127.0.0.1'] })
const soon = { timeout: '600', interval: '0.02' }
const never = { timeout: '0.2', interval: '0.02' }

const listening = async (port = 0) => {
  const server = createServer(socket => socket.destroy()).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: String((server.address() as AddressInfo).port) }
}

t.test('until a port opens, and until it closes', async t => {
  const { server, port } = await listening()
  t.match(await act(actor, { port, ...soon }, here), {
    outcome: { kind: 'ok', changed: false },
    stdout: new RegExp(`^port ${port} to be open: after [\\d.]+ m?s\n$`),
  })
  t.match((await act(actor, { port, state: 'closed', ...never }, here)).outcome, {
    kind: 'timed-out',
    error: { message: /to be closed: it still answers/ },
  })
  const closing = act(actor, { port, host: '127.0.0.1', state: 'absent', ...soon }, target('elsewhere.invalid'))
  server.close()
  t.match((await closing).outcome, { kind: 'ok' }, 'also of another machine than the target')
  t.match((await act(actor, { port, ...never }, here)).outcome, {
    kind: 'timed-out',
    error: { code: 'TIMED_OUT', message: /waited 200 ms for port \d+ to be open: connection refused/ },
  })
  const opening = act(actor, { port, ...soon }, here)
  const again = await listening(Number(port))
  t.match((await opening).outcome, { kind: 'ok' })
  again.server.close()
})

t.test('until a path is there, and until it is gone', async t => {
  const path = join(t.testdir(), "it's here")
  t.match((await act(actor, { path, ...never }, here)).outcome, {
    kind: 'timed-out',
    error: { message: /to be there: exit code 1/ },
  })
  t.match((await act(actor, { path, state: 'absent', ...soon }, here)).outcome, { kind: 'ok' })
  const waiting = act(actor, { path, ...soon }, here)
  await writeFile(path, '')
  t.match((await waiting).outcome, { kind: 'ok' })
})

t.test('until a command succeeds, or fails', async t => {
  const file = join(t.testdir(), 'count')
  const third = `echo x >>${file}; test $(wc -l <${file}) -ge 3`
  t.match((await act(actor, { command: third, ...soon }, here)).outcome, { kind: 'ok', changed: false })
  t.match((await act(actor, { command: 'false', state: 'absent', ...soon }, here)).outcome, { kind: 'ok' })
  t.match((await act(actor, { command: 'exit 7', ...never }, here)).outcome, {
    kind: 'timed-out',
    error: { message: /waited 200 ms for command to succeed: exit code 7/ },
  })
  t.match((await act(actor, { command: 'sleep 600', ...never }, here)).outcome, { kind: 'timed-out' }, 'it is ended')
})

t.test('a target which cannot be reached yet is waited for; a refused login is not', async t => {
  let tries = 0
  const connect = async () => {
    if (++tries < 3) throw new StokerError('CONNECT_FAILED', 'here', 'connection refused')
    return localConnection('here')
  }
  t.match(await act(actor, soon, here, { connect }), { outcome: { kind: 'ok' }, stdout: /^login: after/ })
  t.equal(tries, 3)
  const refused = async () => {
    throw new StokerError('AUTH_FAILED', 'here', 'login refused')
  }
  await t.rejects(act(actor, soon, here, { connect: refused }), { code: 'AUTH_FAILED' })
  const dead = async () => {
    throw new StokerError('CONNECT_FAILED', 'here', 'no route to host')
  }
  t.match((await act(actor, never, here, { connect: dead })).outcome, {
    kind: 'timed-out',
    error: { message: /waited 200 ms for login: no route to host/ },
  })
})

t.test('a stopped run ends the wait with its reason', async t => {
  const stop = new AbortController()
  const waiting = act(actor, { command: 'false', timeout: '600' }, here, { signal: stop.signal })
  stop.abort(new StokerError('CANCELLED', 'here', 'stopped'))
  await t.rejects(waiting, { code: 'CANCELLED' })
})

t.test('a check waits for nothing', async t => {
  t.match(await act(actor, { port: '1' }, here, { apply: false }), {
    outcome: { kind: 'ok', changed: false },
    stdout: 'would wait for port 1 to be open\n',
  })
})

t.test('wrong options are named, and so are those which do not go together', async t => {
  for (const [options, message] of [
    [{ port: '0' }, /port/],
    [{ path: 'relative' }, /path.*absolute/],
    [{ state: 'maybe', port: '1' }, /state/],
    [{ timeout: 'soon' }, /timeout/],
    [{ port: '1', path: '/x' }, /path.*only one of port, command and path/],
    [{ host: 'x', path: '/x' }, /host.*is for port=/],
    [{ state: 'absent' }, /state.*needs a port, command or path/],
    [{ prot: '1' }, /prot.*did you mean "?port/],
  ] as const)
    t.throws(() => waitFor.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
})
