import { once } from 'node:events'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import ssh2, { type ClientChannel } from 'ssh2'
import t from 'tap'
import { parse } from 'yaml'
import { type Lab, type LabTarget, startLab } from '../../src/lab/lab.ts'
import { processesWith } from '../../src/lab/processes.ts'
import { need } from '../fixtures/servers/debian.ts'
import { openSsh, ssh } from '../fixtures/servers/openssh.ts'

const io = { signal: new AbortController().signal }
const canRun = (t: Parameters<typeof need>[0]) => need(t, 'ssh', 'openssh-client')
const targetOf = (lab: Lab, index = 0) => lab.targets[index] as LabTarget

t.test('sixteen targets start, in groups that can be named together', async t => {
  await using lab = await startLab({ count: 16, folder: join(t.testdir(), 'not', 'there', 'yet') }, io)
  t.strictSame(lab.targets.map(({ name }) => name).slice(8, 11), ['lab09', 'lab10', 'lab11'])
  t.equal(new Set(lab.targets.map(({ port }) => port)).size, 16)
  t.strictSame(parse(readFileSync(lab.inventory, 'utf8')).groups, {
    all: 'lab[01-16]',
    odd: 'lab[01-15/2]',
    even: 'lab[02-16/2]',
    first: 'lab01',
  })
  t.equal(statSync(lab.folder).mode & 0o777, 0o700)
  t.equal(statSync(lab.identity).mode & 0o777, 0o600)
})

t.test('the groups of small labs and the names of big ones are right', async t => {
  const groups = async (count: number) => {
    await using lab = await startLab({ count, folder: join(t.testdir(), String(count)) }, io)
    return parse(readFileSync(lab.inventory, 'utf8')).groups
  }
  t.strictSame(await groups(1), { all: 'lab01', odd: 'lab01', even: [], first: 'lab01' })
  t.strictSame(await groups(2), { all: 'lab[01-02]', odd: 'lab01', even: 'lab02', first: 'lab01' })
  t.match(await groups(101), { all: 'lab[001-101]', odd: 'lab[001-101/2]', even: 'lab[002-100/2]' })
})

t.test('only loopback is listened on', async t => {
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  const { port } = targetOf(lab)
  const outside = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  for (const address of ['127.0.0.2', outside?.address]) {
    if (address === undefined) continue
    const server = createServer().listen(port, address)
    await once(server, 'listening') // would fail if the lab listened everywhere
    server.close()
  }
})

t.test('commands run in a folder of their own, with a name of their own and little else', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 3, folder: t.testdir() }, io)
  process.env.LAB_TEST = 'a secret of ours'
  t.teardown(() => delete process.env.LAB_TEST)
  const names = await Promise.all(lab.targets.map(target => ssh(lab, target, ['hostname; pwd'])))
  t.strictSame(
    names.map(({ stdout }) => stdout),
    lab.targets.map(({ name, folder }) => `${name}\n${folder}\n`),
  )
  const { name, folder } = targetOf(lab, 1)
  const variables = (await ssh(lab, targetOf(lab, 1), ['env'])).stdout.split('\n')
  for (const line of [`HOME=${folder}`, 'USER=lab', 'SHELL=/bin/sh']) t.ok(variables.includes(line), line)
  t.ok(
    variables.some(line => line.startsWith(`PATH=${folder}/bin:/`)),
    name,
  )
  t.notOk(variables.some(line => line.includes('a secret of ours')))
})

t.test('exit code, both outputs and input come through', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  const target = targetOf(lab)
  for (const [line, input, expected] of [
    ['exit 3', '', { code: 3, stdout: '', stderr: '' }],
    ['cat; echo e >&2; exit 255', 'a\nb', { code: 255, stdout: 'a\nb', stderr: 'e\n' }],
    ['no-such-program 2>/dev/null', '', { code: 127, stdout: '', stderr: '' }],
    [`printf '%s|' "$0" 'a  b'`, '', { code: 0, stdout: '/bin/sh|a  b|', stderr: '' }],
    ['exec <&-; echo not read', 'x'.repeat(5_000_000), { code: 0, stdout: 'not read\n', stderr: '' }],
    ['kill -TERM $$', '', { code: 255, stdout: '', stderr: '' }], // ssh's code for an exit signal
    ['kill -BUS $$', '', { code: 135, stdout: '', stderr: '' }], // a signal without a name in SSH
    ['', 'hostname\nexit 4', { code: 4, stdout: 'lab01\n', stderr: '' }], // a login without a command
  ] as const)
    t.strictSame(await ssh(lab, target, line === '' ? [] : [line], input), expected, line)
})

t.test('a target whose folder was removed says so', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  rmSync(targetOf(lab).folder, { recursive: true })
  t.match(await ssh(lab, targetOf(lab), ['true']), { code: 255, stderr: /^lab: cannot start \/bin\/sh: .*ENOENT/ })
})

t.test('much output on both streams at once arrives whole, however slowly it is read', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  // More than the client's window of 2 MB on each stream, so that each has to wait for the other and for the reader.
  const half = 'yes out | head -c 5000000 & yes err | head -c 5000000 >&2; wait'
  const { child, result } = openSsh(lab, targetOf(lab), `${half}; ${half}; exit 7`)
  child.stdin.end()
  const { code, stdout, stderr } = await result
  t.strictSame([code, stdout.length, stderr.length], [7, 10_000_000, 10_000_000])
  const twice = (word: string) => word.repeat(5_000_000 / word.length).concat(word.repeat(5_000_000 / word.length))
  t.ok(stdout.equals(Buffer.from(twice('out\n'))), 'output in order')
  t.ok(stderr === twice('err\n'), 'error output in order')
})

t.test('input of any size and bytes comes back unchanged', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  const blob = Buffer.from(Array.from({ length: 9_000_001 }, (_, i) => (i * 7 + (i >> 8)) & 255))
  const { child, result } = openSsh(lab, targetOf(lab), 'cat')
  child.stdin.end(blob)
  t.ok((await result).stdout.equals(blob))
})

t.test('only the lab key opens a target, and only for the lab user', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 1, folder: join(t.testdir(), 'a') }, io)
  await using other = await startLab({ count: 1, folder: join(t.testdirName, 'b') }, io)
  const target = targetOf(lab)
  t.match(await ssh(lab, { ...target, user: 'root' }, ['true']), {
    code: 255,
    stderr: /Permission denied \(publickey\)/,
  })
  t.match(await ssh({ ...lab, identity: other.identity }, target, ['true']), { code: 255, stderr: /Permission denied/ })
  t.match(await ssh({ ...lab, knownHosts: other.knownHosts }, target, ['true']), { code: 255, stderr: /verification/ })
})

t.test(
  'when the client is killed, the command finds the end of its input, also with input still on its way',
  async t => {
    if (!canRun(t)) return
    await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
    const target = targetOf(lab)
    for (const input of ['', 'x'.repeat(3_000_000)]) {
      // It reads only when the pipe is opened, which the test does after the client's end.
      const session = openSsh(
        lab,
        target,
        'rm -f go told; mkfifo go told; echo up; cat go; cat >/dev/null; echo ended >told',
      )
      session.child.stdin.write(input)
      await once(session.child.stdout, 'data')
      session.child.kill('SIGKILL')
      await session.result
      t.equal((await ssh(lab, target, ['echo >go; cat told'])).stdout, 'ended\n')
    }
  },
)

t.test('when the client is killed, a command that writes without end finds nobody there and ends', async t => {
  if (!canRun(t)) return
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  const target = targetOf(lab)
  const session = openSsh(lab, target, 'echo $$ >pid; exec yes')
  await once(session.child.stdout, 'data')
  session.child.kill('SIGKILL')
  await session.result
  const gone = await ssh(lab, target, ['while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.02; done; echo gone'])
  t.equal(gone.stdout, 'gone\n')
})

t.test('a signal sent over the connection reaches the whole process group', async t => {
  await using lab = await startLab({ count: 1, folder: t.testdir() }, io)
  const { port, user } = targetOf(lab)
  const client = new ssh2.Client().connect({
    host: '127.0.0.1',
    port,
    username: user,
    privateKey: readFileSync(lab.identity),
  })
  await once(client, 'ready')
  client.on('error', () => {}) // the lab may be gone before the goodbye is
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec('trap "" USR1; (sleep 1003; echo not) & echo up; sleep 1003', (error, channel) =>
      error ? reject(error) : resolve(channel),
    ),
  )
  await once(channel, 'data')
  for (const name of ['USR1', 'TERM']) channel.signal(name)
  const [code, signal] = await once(channel.resume(), 'exit')
  t.strictSame([code, signal], [null, 'SIGTERM'])
  t.strictSame(await processesWith(`HOME=${lab.folder}/`), [])
  client.end()
})

t.test('nothing is left when the lab stops: not what ignores signals, nor what left its process group', async t => {
  if (!canRun(t)) return
  const lab = await startLab({ count: 2, folder: t.testdir() }, io)
  const line = `trap '' TERM HUP INT; sleep 1002 & setsid sleep 1002 & (setsid sleep 1002 &) ; echo up; cat; wait`
  const sessions = lab.targets.map(target => openSsh(lab, target, line))
  await Promise.all(sessions.map(({ child }) => once(child.stdout, 'data')))
  t.ok((await processesWith(`HOME=${lab.folder}/`)).length >= 8)
  await lab[Symbol.asyncDispose]()
  t.strictSame(await processesWith(`HOME=${lab.folder}/`), [])
  for (const { result } of sessions) t.equal((await result).code, 255)
  const server = createServer().listen(targetOf(lab).port, '127.0.0.1')
  await once(server, 'listening') // the port is free again
  server.close()
})

t.test('a lab may use its folder again, and keeps what its targets wrote', async t => {
  if (!canRun(t)) return
  const folder = t.testdir()
  {
    await using lab = await startLab({ count: 1, folder }, io)
    t.equal((await ssh(lab, targetOf(lab), ['echo kept > file'])).code, 0)
  }
  await using lab = await startLab({ count: 2, folder }, io)
  t.equal((await ssh(lab, targetOf(lab), ['cat file; hostname'])).stdout, 'kept\nlab01\n')
})

t.test('a folder with other things in it, a wrong count and an aborted start are refused', async t => {
  const folder = t.testdir({ 'stoker.yaml': 'warehouses: []\n' })
  await t.rejects(startLab({ count: 1, folder }, io), {
    code: 'USAGE',
    subject: folder,
    message: /something else than a lab/,
  })
  t.equal(readFileSync(join(folder, 'stoker.yaml'), 'utf8'), 'warehouses: []\n')
  for (const count of [0, 1001, 1.5, Number.NaN, -1])
    await t.rejects(startLab({ count, folder: join(folder, 'x') }, io), { code: 'USAGE', message: /1 to 1000 targets/ })
  const reason = new Error('stop')
  await t.rejects(startLab({ count: 1, folder: join(folder, 'x') }, { signal: AbortSignal.abort(reason) }), reason)
})
