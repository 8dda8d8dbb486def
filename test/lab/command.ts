import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { lab } from '../../src/commands/lab.ts'
import { need } from '../fixtures/servers/debian.ts'
import { ssh } from '../fixtures/servers/openssh.ts'

const makeIo = (signal: AbortSignal = new AbortController().signal) => ({
  stdout: new PassThrough(),
  entry: '',
  signal,
})

t.test('without a command it tells how to use it, stays until it is stopped, and removes its folder', async t => {
  const stop = new AbortController()
  const io = makeIo(stop.signal)
  const ended = lab({ count: 2 }, io)
  const text = String((await once(io.stdout, 'data'))[0])
  t.match(text, /^A lab of 2 targets, lab01 to lab02, is up until Ctrl-C/)
  t.match(text, "stoker run -b shell 'lab01,@odd' -- uptime\n")
  const config = /^ {2}export STOKER_CONFIG=(\/\S+)$/m.exec(text)?.[1] ?? ''
  const folder = dirname(config)
  const port = Number(/lab02: .*port: (\d+)/.exec(readFileSync(join(folder, 'nodes.yaml'), 'utf8'))?.[1])
  if (need(t, 'ssh', 'openssh-client')) {
    const site = { knownHosts: join(folder, 'known_hosts'), identity: join(folder, 'id_ed25519') }
    t.equal((await ssh(site, { address: '127.0.0.1', port, user: 'lab' }, ['hostname'])).stdout, 'lab02\n')
  }
  stop.abort()
  t.equal(await ended, 0)
  t.notOk(existsSync(folder))
})

t.test('a folder that was named is kept, and quoted where a shell needs it', async t => {
  const dir = join(t.testdir(), "it's")
  const stop = new AbortController()
  const io = makeIo(stop.signal)
  const ended = lab({ count: 1, dir }, io)
  t.match(String((await once(io.stdout, 'data'))[0]), `one target, lab01, is up`)
  stop.abort()
  await ended
  t.match(readdirSync(dir), ['id_ed25519', 'id_ed25519.pub', 'known_hosts', 'nodes.yaml', 'stoker.yaml', 'targets'])
})

t.test('a command gets the configuration, and its exit code is passed on', async t => {
  const dir = t.testdir()
  const out = join(dir, 'out')
  const command = ['sh', '-c', 'echo "$STOKER_CONFIG" >"$1"; cat "$STOKER_CONFIG" >>"$1"; exit 7', 'sh', out]
  const io = makeIo()
  t.equal(await lab({ count: 1, command }, io), 7)
  const [config = '', ...rest] = readFileSync(out, 'utf8').split('\n')
  t.match(rest.join('\n'), 'warehouses:')
  t.notOk(existsSync(dirname(config)))
  t.equal(io.stdout.read(), null, 'it says nothing of its own')
  t.equal(await lab({ count: 1, command: ['sh', '-c', 'kill -KILL $$'] }, makeIo()), 137)
})

t.test('a command called stoker is this program', async t => {
  const dir = t.testdir({
    'entry.mjs': `import { writeFileSync } from 'node:fs'
    writeFileSync(process.argv[2], JSON.stringify([process.execPath, process.argv.slice(3), process.env.STOKER_CONFIG]))`,
  })
  const out = join(dir, 'out')
  const command = ['stoker', out, 'run', '--', '@all']
  t.equal(await lab({ count: 1, command }, { ...makeIo(), entry: join(dir, 'entry.mjs') }), 0)
  t.match(JSON.parse(readFileSync(out, 'utf8')), [process.execPath, ['run', '--', '@all'], /stoker\.yaml$/])
})

t.test('when the lab is stopped, its command is told to end and is waited for', async t => {
  const dir = t.testdir()
  const out = join(dir, 'out')
  const stop = new AbortController()
  const script = `trap 'echo told >${out}; exit 5' TERM; kill -USR2 ${process.pid}; while :; do sleep 0.02; done`
  const ready = once(process, 'SIGUSR2')
  const ended = lab({ count: 1, command: ['sh', '-c', script] }, makeIo(stop.signal))
  await ready
  stop.abort()
  t.equal(await ended, 5)
  t.equal(readFileSync(out, 'utf8'), 'told\n')
})

t.test('what cannot be done is refused with the thing named', async t => {
  const missing = {
    code: 'USAGE',
    subject: 'no-such',
    message: 'cannot run "no-such" with the lab: there is no such program',
  }
  await t.rejects(lab({ count: 1, command: ['no-such', 'x'] }, makeIo()), missing)
  await t.rejects(lab({ count: 0 }, makeIo()), { code: 'USAGE', subject: 'count' })
})
