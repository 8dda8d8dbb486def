import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import t from 'tap'
import { quote } from '../../../src/base/quote.ts'
import { withDefaults } from '../../fixtures/patience.ts'
import { type Ended, startStoker, stoker } from '../../fixtures/program/cli.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { refusing } from '../../fixtures/servers/faults.ts'
import { type Fleet, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

interface Event {
  readonly kind: string
  readonly node: string
  readonly outcome: string
}

const eventsOf = ({ stdout }: Ended): readonly Event[] =>
  stdout
    .trim()
    .split('\n')
    .map(text => JSON.parse(text))

/** Marks the targets whose commands are to fail. */
const spoil = (fleet: Fleet, numbers: readonly number[]) =>
  Promise.all(numbers.map(n => writeFile(join(fleet.targets[n - 1]?.folder ?? '', 'bad'), '')))

const LINE = 'test ! -e bad'

t.test('rolling', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({
    count: 100,
    mode: 'shared',
    names: n => `n${n}`,
    groups: { all: 'n[1-100]', few: 'n[90-95]' },
  })
  // The first one, and 14 of those of the second batch: with the 11th of them, the limit is passed.
  await spoil(fleet, [1, ...Array.from({ length: 14 }, (_, i) => 3 + i)])
  const rolled = ['--serial', '1,25%,100%', '--max-fail', '10%']

  await t.test(
    'of 100 targets 15 fail: it stops in the batch where more fail than may, and all are in the report',
    async t => {
      const ended = await stoker(['run', 'shell', '@all', ...rolled, '--json', '-n', '--', LINE], fleet)
      t.equal(ended.code, 1)
      const events = eventsOf(ended)
      const kinds = Map.groupBy(
        events.filter(event => event.kind === 'finished'),
        ({ outcome }) => outcome,
      )
      t.equal(new Set(events.filter(({ kind }) => kind === 'finished').map(({ node }) => node)).size, 100)
      const failed = kinds.get('failed')?.length ?? 0
      t.ok(failed >= 11 && failed <= 15, `${failed} failed`)
      const idle = (kinds.get('not-started') ?? []).map(({ node }) => Number(node.slice(1)))
      t.ok(idle.length >= 74)
      t.equal(idle.filter(n => n > 26).length, 74, 'nothing of the third batch')
      t.match(events.at(-1), { kind: 'report', total: 100 })
      t.match(ended.stderr, /batch 1 of 3: n1\n/)
      t.match(ended.stderr, /batch 2 of 3: n\[2-26\] \(25\)\n/)
      t.match(ended.stderr, /11 went wrong, and 10 \(10%\) may: no more targets are started\n/)
      t.notMatch(ended.stderr, /batch 3/)
    },
  )

  await t.test('a batch begins when the one before has ended', async t => {
    const ended = await stoker(['run', 'shell', '@few', '--serial', '1,2', '--json', '-n', '--', 'true'], fleet)
    const order = eventsOf(ended).filter(({ kind }) => kind === 'started' || kind === 'finished')
    let running = 0
    let done = 0
    for (const { kind } of order) {
      if (kind === 'finished') {
        running -= 1
        done += 1
        continue
      }
      running += 1
      t.ok(running <= (done === 0 ? 1 : 2), `${running} at once after ${done}`)
      if (running === 1) t.ok([0, 1, 3, 5].includes(done), `a batch after ${done}`)
    }
    t.equal(done, 6)
  })

  await t.test('a policy is rolled out in the same way', async t => {
    const policy = join(fleet.folder, 'policy.yaml')
    await writeFile(policy, `resources:\n  - command: {command: "${LINE}"}\n`)
    const ended = await stoker(['apply', policy, '@all', ...rolled], fleet)
    t.equal(ended.code, 1, ended.stderr)
    t.match(ended.stderr, /batch 2 of 3: n\[2-26\] \(25\)\n/)
    t.match(ended.stderr, /100 targets: .*1[1-5] failed, .*not-started/)
    t.notMatch(ended.stderr, /batch 3/)
  })

  await t.test('a check shows the batches and what would be done, and does nothing', async t => {
    const line = 'touch checked'
    const ended = await stoker(['run', 'shell', '@few', '--serial', '50%', '--check', '--lock', '--', line], fleet)
    t.match(ended, { code: 0, stdout: /n95: would run: touch checked\n/ })
    t.match(await stoker(['run', 'shell', '@few', '--serial', '1,3', '--check', '--', line], fleet), {
      stderr: /batch 3 of 3: n\[94-95\] \(2\)/,
    })
    t.notOk((await readdir(fleet.targets[94]?.folder ?? '')).includes('checked'))
  })

  await t.test('wrong amounts are refused with what is expected', async t => {
    for (const [option, value] of [
      ['--serial', '0'],
      ['--serial', '1,,2'],
      ['--max-fail', '-1'],
      ['--max-fail', '110%'],
      ['--retry', 'x'],
    ] as const)
      t.match(
        await stoker(['run', 'shell', '@few', option, value, '--', 'true'], fleet),
        { code: 2, stderr: /expected a/ },
        `${option} ${value}`,
      )
  })

  await t.test('one run of an action on the same targets at a time, also after one was killed', async t => {
    const locked = (action: string, on: string, line: string) => [...['run', action, on, '--lock', '-n', '--'], line]
    const first = startStoker(locked('shell', '@few', 'echo up; sleep 600'), fleet)
    await first.says(/up/)
    const second = await stoker(locked('shell', '@few', 'true'), fleet)
    t.equal(second.code, 1)
    t.match(
      second.stderr,
      new RegExp(`"shell" on "@few" is being run already, by process ${first.process.pid} since \\d{4}-`),
    )
    t.match(await stoker(locked('shell', 'n1', 'true'), fleet), { code: 0 }, 'others may')
    first.process.kill('SIGKILL')
    await first.ended
    t.match(await stoker(locked('shell', '@few', 'true'), fleet), { code: 0 }, 'the dead hold nothing')
    t.match(await stoker(locked('shell', '@few', 'true'), fleet), { code: 0 }, 'nor does one which has ended')
  })

  const many = join(fleet.folder, 'many.yaml')
  await writeFile(many, withDefaults(await readFile(fleet.config, 'utf8'), 'confirm: 5'))
  const touch = ['-n', '--', 'touch confirmed']
  const wasTouched = async () => (await readdir(fleet.targets[94]?.folder ?? '')).includes('confirmed')

  await t.test('without a terminal a large run is refused, unless it is said to be meant', async t => {
    for (const [words, config] of [
      [['--confirm', '5'], fleet.config],
      [['--confirm'], fleet.config],
      [[], many],
    ] as const) {
      const ended = await stoker(['run', 'shell', ...words, '@few', ...touch], { config })
      t.match(ended, { code: 2, stderr: /would act on 6 targets.*no terminal.*--yes/ })
    }
    t.equal(await wasTouched(), false)
    for (const words of [['--confirm', '6'], ['--yes'], ['--check']])
      t.match(await stoker(['run', 'shell', '@few', ...words, '-n', '--', 'true'], { config: many }), { code: 0 })
  })

  await t.test('at a terminal it asks, and does nothing without a yes', async t => {
    if (!need(t, 'script', 'util-linux')) return
    for (const [answer, code] of [
      ['n\n', 1],
      ['\n', 1],
      ['yes\n', 0],
    ] as const) {
      const ended = await atTerminal(['run', 'shell', '@few', ...touch], many, answer)
      t.match(ended, { code, shown: /run shell touch confirmed.*on 6 targets: n\[90-95\] \(6\).*Go on\? \[y\/N\]/s })
      t.equal(await wasTouched(), code === 0, `after ${JSON.stringify(answer)}`)
    }
  })

  await t.test('an unreachable target is tried again, and nobody waits for it; a failed one is not', async t => {
    const late = refusing(7)
    const inventory = join(fleet.folder, 'late.yaml')
    const config = join(fleet.folder, 'late-config.yaml')
    const [fine] = fleet.targets.slice(-1)
    if (!fine) return
    // Nobody listens there until the other one is done.
    const port = await unused()
    await writeFile(
      inventory,
      `nodes:
  late: {address: ${fine.address}, port: ${port}, user: ${fine.user}}
  never: {address: ${late.address}, port: ${late.port}, user: ${fine.user}}
  fine: {address: ${fine.address}, port: ${fine.port}, user: ${fine.user}}
`,
    )
    await writeFile(
      config,
      `warehouses: [{kind: file, path: ${inventory}}]\nssh: {known-hosts: [${fleet.knownHosts}], identity: [${fleet.identity}], config: none}\n`,
    )
    const known = (await readFile(fleet.knownHosts, 'utf8')).split('\n').find(line => line.includes(fine.address)) ?? ''
    await writeFile(fleet.knownHosts, `[${fine.address}]:${port} ${known.split(' ').slice(1).join(' ')}\n`, {
      flag: 'a',
    })
    const words = ['run', 'shell', 'late,never,fine', '-f', '1', '--retry', '2', '--json', '-n', '--']
    const run = startStoker([...words, 'echo tried >>tries'], { config })
    await run.says(/"kind":"finished","node":"fine"/)
    await using _opened = await opened(port, fine)
    const ended = await run.ended
    t.equal(ended.code, 4)
    const finished = eventsOf(ended).filter(({ kind }) => kind === 'finished')
    t.strictSame(Object.fromEntries(finished.map(({ node, outcome }) => [node, outcome])), {
      fine: 'ok',
      late: 'ok',
      never: 'unreachable',
    })
    t.equal(eventsOf(ended).filter(({ kind }) => kind === 'started').length, 3, 'begun once each')
  })
})

/** A port on which nobody listens. */
const unused = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** From now on the port leads to the target. */
const opened = async (
  port: number,
  to: { readonly address: string; readonly port: number },
): Promise<AsyncDisposable> => {
  const server = createServer(client => {
    const link = connect(to.port, to.address)
    client.pipe(link).pipe(client)
    for (const end of [client, link]) end.on('error', () => {})
  })
  server.listen(port, to.address)
  await new Promise(resolve => server.once('listening', resolve))
  return { [Symbol.asyncDispose]: async () => void server.close() }
}

/** Runs it with a terminal of its own at which somebody types the answer when asked. */
const atTerminal = async (words: readonly string[], config: string, answer: string) => {
  const line = [process.execPath, ENTRY, ...words].map(quote).join(' ')
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, XDG_STATE_HOME: dirname(config), STOKER_CONFIG: config }
  const child = spawn('script', ['-qefc', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    const before = shown.includes('Go on?')
    shown += text
    if (!before && shown.includes('Go on?')) child.stdin.end(answer)
  })
  const [code] = await once(child, 'close')
  return { code, shown }
}

const ENTRY = join(import.meta.dirname, '../../../src/stoker.ts')
