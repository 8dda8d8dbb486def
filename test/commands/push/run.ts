import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { type FleetTarget, needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

/** A script which flips a file's content: a second run of it on one machine would show. */
const TOGGLE = '#!/bin/sh\n[ "$(cat state 2>/dev/null)" = on ] && echo off > state || echo on > state\n'

t.test('on real sshd targets', async t => {
  if (!needFleet(t)) return
  const fleet = await startFleet({
    count: 6,
    names: n => (n === 1 ? 'webserver01' : `web${n}`),
    groups: {
      all_apache_servers: 'webserver01,web[2-6]',
      few: 'web[2-3]',
      loop: '@pool',
      pool: 'web2,@loop',
      none: '',
    },
  })
  t.teardown(() => fleet[Symbol.asyncDispose]())
  const { config } = fleet
  const [first] = fleet.targets as [FleetTarget]
  const states = () => Promise.all(fleet.targets.map(target => readFile(join(target.folder, 'state'), 'utf8')))
  for (const target of fleet.targets) {
    await writeFile(join(target.folder, 'toggle'), TOGGLE)
    await chmod(join(target.folder, 'toggle'), 0o755)
  }

  t.test('a machine named twice is acted on once', async t => {
    const words = ['run', 'shell', 'webserver01,all_apache_servers', '--', './toggle']
    const once = await stoker(words, { config })
    t.match(once, { code: 0, stderr: /6 targets: 6 ok/ })
    t.strictSame(await states(), Array(6).fill('on\n'))
  })

  t.test('so is one which a second warehouse knows under another name, by address and port or by MAC', async t => {
    const alias = `${fleet.folder}/alias.yaml`
    await writeFile(
      alias,
      `nodes:\n  www: {address: ${first.address}, port: ${first.port}, user: ${first.user}}\n  byname: {mac: "52:54:00:00:00:01"}\n`,
    )
    const macs = `${fleet.folder}/macs.yaml`
    await writeFile(macs, `nodes:\n  webserver01: {mac: "5254.0000.0001"}\n`)
    const two = `${fleet.folder}/two.yaml`
    const ssh = `ssh: {host-keys: strict, known-hosts: [${fleet.knownHosts}], identity: [${fleet.identity}], config: none}\n`
    const entries = [fleet.inventory, alias, macs].map((path, i) => `  - {kind: file, name: w${i}, path: ${path}}\n`)
    await writeFile(two, `warehouses:\n${entries.join('')}${ssh}`)
    const words = ['run', 'shell', 'www,byname,webserver01,all_apache_servers', '--', './toggle']
    t.match(await stoker(words, { config: two }), { code: 0, stderr: /6 targets: 6 ok/ })
    t.strictSame(await states(), Array(6).fill('off\n'))
    const resolved = await stoker(['resolve', 'www,byname,webserver01', '--json'], { config: two })
    t.equal(resolved.stdout.trim().split('\n').length, 1, resolved.stdout)
    t.strictSame(JSON.parse(resolved.stdout).names, ['www', 'byname', 'webserver01'])
  })

  t.test('output is labelled, streams are kept apart, and the exit code tells the worst', async t => {
    const ended = await stoker(['run', 'shell', 'web2', '--', 'echo out; printf err >&2; exit 3'], { config })
    t.match(ended, { code: 1, stdout: 'web2: out\n', stderr: /^web2: err\n/ })
    t.match(ended.stderr, /failed: web2: exit code 3/)
    t.equal((await stoker(['run', 'shell', 'web2', '-S', '--', 'exit 3'], { config })).code, 3)
    t.equal((await stoker(['run', 'shell', 'web2', '-N', '--', 'echo out'], { config })).stdout, 'out\n')
  })

  t.test('equal output is folded', async t => {
    const ended = await stoker(['run', 'shell', '@few', '-b', '--', 'echo same'], { config })
    t.equal(ended.stdout, '---------------\nweb[2-3] (2)\n---------------\nsame\n')
  })

  t.test('one event a line as JSON, the report last', async t => {
    const ended = await stoker(['run', 'shell', '@few', '--json', '--', 'echo out; exit 2'], { config })
    const events = ended.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    t.equal(events.at(-1).kind, 'report')
    t.strictSame(new Set(events.map(event => event.kind)), new Set(['started', 'output', 'finished', 'report']))
    t.match(
      events.filter(event => event.kind === 'finished'),
      [
        { outcome: 'failed', exitCode: 2 },
        { outcome: 'failed', exitCode: 2 },
      ],
    )
  })

  t.test('what is piped in goes to every target', async t => {
    const stdin = Buffer.alloc(300_000, 'x')
    const ended = await stoker(['run', 'shell', 'all_apache_servers', '-b', '--', 'wc -c'], { config, stdin })
    t.match(ended.stdout, /web\[2-6\],webserver01 \(6\)\n-+\n300000/)
    t.match((await stoker(['run', 'shell', 'web2', '-n', '--', 'wc -c'], { config, stdin })).stdout, /web2: 0/)
  })

  t.test('a time limit ends everything that was started on the target', async t => {
    const mark = `9131${process.pid}`
    const ended = await stoker(['run', 'shell', 'web2', '-u', '1', '--', `sleep ${mark} & sleep ${mark}`], { config })
    t.match(ended, { code: 4, stderr: /timed-out: web2: not done within 1 s/ })
    t.strictSame(await fleet.survivors(`sleep ${mark}`), [])
  })

  t.test('Ctrl-C tells what runs, a second one stops it and reports all targets', async t => {
    const mark = `9231${process.pid}`
    const run = startStoker(
      ['run', 'shell', 'all_apache_servers', '-f', '4', '--', `echo up; sleep ${mark} & sleep ${mark}`],
      { config },
    )
    await run.says(/(up[\s\S]*){4}/)
    run.process.kill('SIGINT')
    await run.says(/still running: .*; Ctrl-C again to stop/)
    run.process.kill('SIGINT')
    const ended = await run.ended
    t.match(ended, { code: 130, stderr: /6 targets: .*4 cancelled, 2 not-started/ })
    t.strictSame(await fleet.survivors(`sleep ${mark}`), [])
  })

  t.test('kill -9 of the tool leaves nothing running, with and without input', async t => {
    for (const stdin of [undefined, 'input']) {
      const mark = `93${stdin ? 1 : 2}1${process.pid}`
      const line = `echo up; sleep ${mark} & sleep ${mark}`
      const run = startStoker(['run', 'shell', 'web2', '--', line], { config, ...(stdin && { stdin }) })
      await run.says(/up/)
      run.process.kill('SIGKILL')
      t.ok(await fleet.gone(`sleep ${mark}`))
    }
  })

  t.test('nothing is run when a name is unknown, a group is a cycle, or an option is wrong', async t => {
    const mark = join(first.folder, 'touched')
    for (const [words, code, message] of [
      [['shell', 'webserver01,wbe2'], 3, /no warehouse knows wbe2 \(did you mean web2/],
      [['shell', 'webserver01,loop'], 3, /@loop -> @pool -> @loop/],
      [['shell', 'webserver01,n[5-3]'], 2, /n\[5-3\]/],
      [['shell', ''], 2, /empty/],
      [['shell', 'webserver01', '-f', '0'], 2, /-f, --fanout/],
      [['shell', 'webserver01', '-i', '/no/such/key'], 2, /\/no\/such\/key/],
      [['shll', 'webserver01'], 2, /no actor or action shll; did you mean shell/],
      [['shell', 'webserver01', '-x', 'nobody'], 3, /nobody/],
    ] as const) {
      const ended = await stoker(['run', ...words, '--', `touch ${mark}`], { config })
      t.match(ended, { code, stderr: message }, words.join(' '))
    }
    t.match(await stoker(['run', 'ping', 'webserver01', '--', 'tpc=1'], { config }), {
      code: 2,
      stderr: /did you mean "tcp"/,
    })
    await t.rejects(readFile(mark), { code: 'ENOENT' })
  })

  t.test('a small limit on open files makes the window smaller, and says so', async t => {
    const through = ['prlimit', '--nofile=68', '--']
    const ended = await stoker(['run', 'shell', 'all_apache_servers', '--', 'echo in'], { config, through })
    t.match(ended, { code: 0, stderr: /4 targets at a time instead of 64: the limit on open files/ })
  })

  t.test('an action of the configuration runs by its name, and --check changes nothing', async t => {
    const named = `${fleet.folder}/named.yaml`
    await writeFile(named, `${await readFile(config, 'utf8')}\nactions: {flip: {actor: shell, argument: ./toggle}}\n`)
    const before = await states()
    t.match(await stoker(['run', 'flip', 'few', '--check'], { config: named }), {
      code: 0,
      stdout: /would run: \.\/toggle/,
    })
    t.strictSame(await states(), before)
    t.match(await stoker(['run', 'flip', 'few'], { config: named }), { code: 0 })
    t.not((await states()).join(), before.join())
  })

  t.test('an empty group is no error', async t => {
    t.match(await stoker(['run', 'shell', '@none', '--', 'true'], { config }), { code: 0, stderr: /no targets/ })
  })
})
