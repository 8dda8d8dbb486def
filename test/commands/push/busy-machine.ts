/** The administrator's machine has no time: that is not the targets' fault. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { type Fleet, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

/** So many busy loops beside what is tested, until disposed. */
const busyLoops = (count: number): Disposable => {
  const loops = Array.from({ length: count }, () =>
    spawn('/bin/sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }),
  )
  return {
    [Symbol.dispose]: () => {
      for (const loop of loops) loop.kill('SIGKILL')
    },
  }
}

/** A server on loopback which takes connections, and does this with them. */
const server = async (greet: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> => {
  const sockets = new Set<Socket>()
  const listening = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    greet(socket)
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    port: (listening.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      listening.close()
      await once(listening, 'close')
    },
  }
}

/** The fleet's configuration, with more nodes at these ports of this machine. */
const withNodes = async (fleet: Fleet, ports: Readonly<Record<string, number>>): Promise<string> => {
  const more = `${fleet.folder}/more.yaml`
  const nodes = Object.entries(ports).map(([name, port]) => `${name}: {address: 127.0.0.1, port: ${port}}`)
  await writeFile(more, `nodes: {${nodes.join(', ')}}\n`)
  const path = `${fleet.folder}/with-more.yaml`
  await writeFile(
    path,
    `warehouses: [{kind: file, name: a, path: ${fleet.inventory}}, {kind: file, name: b, path: ${more}}]\n` +
      `ssh: {known-hosts: [${fleet.knownHosts}], identity: [${fleet.identity}], config: none}\n`,
  )
  return path
}

interface Finished {
  readonly kind: string
  readonly node: string
  readonly outcome: string
  readonly error?: { readonly message: string }
}

/** How each node ended, from what `--json` prints. */
const outcomes = (stdout: string): ReadonlyMap<string, Finished> =>
  new Map(
    stdout
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Finished)
      .filter(({ kind }) => kind === 'finished')
      .map(one => [one.node, one]),
  )

for (const more of [[], ['--connection', 'openssh']] as const)
  t.test(
    `with busy loops beside it no healthy target is lost, a dead one is told: ${more.at(-1) ?? 'ssh'}`,
    async t => {
      if (!needFleet(t)) return
      const count = more.length > 0 ? 30 : 100
      await using fleet = await startFleet({
        count,
        groups: { all: `node[${'0'.repeat(String(count).length - 1)}1-${count}]` },
      })
      await using silent = await server(() => {})
      const config = await withNodes(fleet, { silent: silent.port })
      using _busy = busyLoops(6)
      const words = ['run', '-n', '--json', '-f', '1000', '-t', '10', ...more, 'shell', '@all,silent', '--', 'echo in']
      const { code, stdout } = await stoker(words, { config })
      t.equal(code, 4)
      const ended = outcomes(stdout)
      t.equal(ended.size, count + 1)
      t.match(ended.get('silent'), { outcome: 'unreachable' })
      const lost = [...ended.values()].filter(one => one.node !== 'silent' && one.outcome !== 'ok')
      t.strictSame(lost, [])
    },
  )

t.test('a program which was stopped for longer than its limits goes on as if nothing had been', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 8, groups: { all: 'node[1-8]' } })
  const words = ['run', '-n', '--json', '-t', '3', '-u', '3', 'shell', '@all', '--', 'echo begun; sleep 1; echo done']
  for (const when of [/"started"/, /begun/]) {
    const run = startStoker(words, { config: fleet.config })
    await run.says(text => [...text.matchAll(new RegExp(when, 'g'))].length >= 4)
    run.process.kill('SIGSTOP')
    // The stop itself is what is tested: longer than both limits.
    await once(spawn('sleep', ['5']), 'exit')
    run.process.kill('SIGCONT')
    const { code, stdout } = await run.ended
    t.equal(code, 0, String(when))
    t.strictSame(
      [...outcomes(stdout).values()].filter(({ outcome }) => outcome !== 'ok'),
      [],
    )
  }
})

t.test('an sshd which closes before its banner is given up when its time is up', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1 })
  await using closing = await server(socket => void socket.end())
  const config = await withNodes(fleet, { closing: closing.port })
  const run = await stoker(['run', '-n', '--json', '-t', '2', 'shell', 'closing', '--', 'true'], { config })
  t.equal(run.code, 4)
  // Without a limit it would be tried twelve times.
  const ended = outcomes(run.stdout).get('closing')
  t.match(ended, { outcome: 'unreachable', error: { message: /not connected within 2 s/ } })
})
