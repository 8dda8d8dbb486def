import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

t.test('runs are kept, shown and run again', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 4 })
  const state = await mkdtemp(join(tmpdir(), 'stoker-runs-'))
  t.teardown(() => rm(state, { recursive: true, force: true }))
  const options = { config: fleet.config, env: { XDG_STATE_HOME: state } }
  const run = (...words: string[]) => stoker(words, options)
  const newest = async () => (await readdir(join(state, 'stoker/runs'))).sort().at(-1)?.replace('.jsonl', '') ?? ''

  const nothing = await run('rerun')
  t.equal(nothing.code, 2)
  t.match(nothing.stderr, /there is no earlier run/)

  const script = 'echo out; echo err >&2; case $HOME in *.1/home) exit 7;; esac'
  t.equal((await run('run', 'shell', 'node[1-4]', '--', script)).code, 1)
  const id = await newest()
  t.equal((await stat(join(state, 'stoker/runs', `${id}.jsonl`))).mode & 0o777, 0o600)

  await t.test('stoker runs lists them, also as JSON', async t => {
    const list = await run('runs')
    t.match(list.stdout, new RegExp(`^${id}  3 ok, 1 failed: run on node\\[1-4\\]: shell echo out; .*\n$`))
    const [record] = (await run('runs', '--json')).stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    t.match(record, { id, exitCode: 1, counts: { ok: 3, failed: 1 }, nodes: { node1: 'failed', node2: 'ok' } })
  })

  await t.test('stoker runs show is the run once more', async t => {
    const whole = await run('runs', 'show', id)
    t.strictSame(
      whole.stdout.trim().split('\n').sort(),
      ['node1', 'node2', 'node3', 'node4'].map(node => `${node}: out`),
    )
    t.match(whole.stderr, /node2: err/)
    t.match(whole.stderr, /4 targets: 3 ok, 1 failed/)
    t.match(whole.stderr, /node1: exit code 7/)
    t.match((await run('runs', 'show', id, '-b')).stdout, /node\[1-4\]|node\[2-4\]/)
    t.equal((await run('runs', 'show', id, 'node2')).stdout, 'node2: out\n')
    const events = (await run('runs', 'show', id, '--json')).stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    t.equal(events.filter(({ kind }) => kind === 'finished').length, 4)
    t.equal((await run('runs', 'show', id, 'nobody')).code, 3)
    t.equal((await run('runs', 'show', '../../etc/passwd')).code, 3)
  })

  await t.test('stoker rerun takes those which were not ok, and says so', async t => {
    const again = await run('rerun', id)
    t.equal(again.code, 1)
    t.equal(again.stdout, 'node1: out\n')
    t.match(again.stderr, /again: run shell .* on node1\n/)
    t.match(
      (await run('runs', '--last', '1')).stdout,
      new RegExp(`1 failed: run on node1: shell .* \\(again of ${id}\\)\n$`),
    )
  })

  await t.test('a subset which is empty is no error, and is not kept', async t => {
    const before = await newest()
    const none = await run('rerun', id, '--unreachable')
    t.equal(none.code, 0)
    t.match(none.stderr, /has no targets of this kind/)
    t.equal(await newest(), before)
  })

  await t.test('other options may be given, and paths are found from here', async t => {
    const relative = join('..', basename(fleet.folder), 'stoker.yaml')
    const there = { env: options.env, cwd: fleet.folder }
    const again = await stoker(['--config', relative, 'rerun', id, '--all', '--serial', '1,3'], there)
    t.match(again, { code: 1, stderr: /batch 2 of 2: node\[2-4\]|no more targets are started/ })
    t.match(await stoker(['--config', 'nowhere.yaml', 'rerun', id, '--all'], there), {
      code: 2,
      stderr: /nowhere\.yaml/,
    })
  })

  await t.test('--changed takes what was changed, --all everything', async t => {
    t.match((await run('rerun', id, '--changed', '-q')).stdout.split('\n').length, 4)
    t.equal((await run('rerun', id, '--all', '-q')).stdout.trim().split('\n').length, 4)
  })

  await t.test(
    'a run which still goes on is told, and not run again; a killed one has targets whose end is unknown',
    async t => {
      const going = startStoker(['run', 'shell', 'node[1-2]', '-f', '1', '-n', '--', 'echo up; sleep 600'], options)
      await going.says(/: up/)
      const id = await newest()
      t.match((await run('runs', '--last', '1')).stdout, `goes on in process ${going.process.pid}: run on`)
      const refused = await run('rerun', '--not-started')
      t.match(refused, { code: 1, stderr: `stoker: run ${id} still goes on, in process ${going.process.pid}: ` })
      t.equal(await newest(), id, 'nothing was run')
      going.process.kill('SIGKILL')
      await going.ended
      t.match((await run('runs', '--last', '1')).stdout, /1 unknown, 1 not-started, has no end: run on/)
      const shown = await run('runs', 'show', id)
      t.match(shown.stderr, /2 targets: 1 unknown, 1 not-started/)
      t.match(shown.stderr, /unknown: node1: it had begun, and nobody saw its end/)
      const events = (await run('runs', 'show', id, '--json')).stdout
      t.match(events, /"kind":"finished","node":"node1","outcome":"unknown"/)
      t.match(await run('rerun', id, '--unknown', '--check'), { code: 0, stdout: /^node1: would run/ })
    },
  )

  await t.test('what is shown once more has the times of then', async t => {
    await run('run', 'shell', 'node1', '-n', '--', 'sleep 1')
    const id = await newest()
    const [{ at }] = (await run('runs', '--json', '--last', '1')).stdout
      .trim()
      .split('\n')
      .map(text => JSON.parse(text))
    const [started, ...others] = (await run('runs', 'show', id, '--json')).stdout
      .trim()
      .split('\n')
      .map(text => JSON.parse(text))
    t.ok(Math.abs(Date.parse(started.at) - Date.parse(at)) < 1000, `${started.at}, ${at}`)
    const { wall } = others.at(-1)
    t.ok(wall >= 1000 && wall < 10_000, `${wall} ms`)
  })

  await t.test('a check is not kept', async t => {
    const before = await newest()
    await run('run', '--check', 'shell', 'node[1-4]', '--', 'true')
    t.equal(await newest(), before)
  })

  await t.test('a folder which cannot be written is told, and the run goes on', async t => {
    const broken = await stoker(['run', 'shell', 'node2', '--', 'echo hi'], {
      ...options,
      env: { XDG_STATE_HOME: '/dev/null' },
    })
    t.equal(broken.code, 0)
    t.equal(broken.stdout, 'node2: hi\n')
    t.match(broken.stderr, /this run is not kept/)
  })

  await t.test('a policy is applied again where it failed', async t => {
    const policy = join(state, 'p.yaml')
    await writeFile(policy, 'name: p\nresources:\n  - command: {command: "case $HOME in *.2/home) exit 3;; esac"}\n')
    t.equal((await run('apply', policy, 'node[1-4]')).code, 1)
    const again = await run('rerun')
    t.match(again.stderr, /again: apply .* on node2\n/)
    t.match(await readFile(join(state, 'stoker/runs', `${await newest()}.jsonl`), 'utf8'), /"command":"apply"/)
  })
})

t.test('what a run depended on, and a rerun may lack', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 3 })
  const state = await mkdtemp(join(tmpdir(), 'stoker-runs-'))
  t.teardown(() => rm(state, { recursive: true, force: true }))
  const folder = join(state, 'work')
  await mkdir(folder)
  const options = { config: fleet.config, env: { XDG_STATE_HOME: state }, cwd: folder }
  const run = (words: readonly string[], changes: object = {}) => stoker(words, { ...options, ...changes })
  const newest = async () => (await readdir(join(state, 'stoker/runs'))).sort().at(-1)?.replace('.jsonl', '') ?? ''
  const home = (n: number) => join(fleet.folder, `targets/127.20.0.${n}/home`)
  const file = join(home(1), 'kept')

  await t.test('its input: nothing is run without one, unless by -n', async t => {
    const script = 'cat >kept; exit 1'
    t.equal((await run(['run', 'shell', 'node1', '--', script], { stdin: 'content' })).code, 1)
    const id = await newest()
    for (const lacking of [{}, { stdin: '' }]) {
      t.match(await run(['rerun'], lacking), {
        code: 2,
        stderr: new RegExp(`run ${id} had something piped into it, which is not kept: pipe it in again .* or .* -n`),
      })
      t.equal(await readFile(file, 'utf8'), 'content')
      t.equal(await newest(), id, 'nothing was run')
    }
    t.equal((await run(['rerun'], { stdin: 'again' })).code, 1)
    t.equal(await readFile(file, 'utf8'), 'again')
    t.equal((await run(['rerun', id, '-n'])).code, 1)
    t.equal(await readFile(file, 'utf8'), '')
  })

  await t.test('a pipe through which nothing came is no input, nor is one which the actor has no use for', async t => {
    t.equal((await run(['run', 'shell', 'node1', '--', 'cat; exit 1'], { stdin: '' })).code, 1)
    t.match(await run(['rerun']), { code: 1, stderr: /again: run shell/ })
    t.equal((await run(['run', 'file', 'node1', '--', 'path=/proc/no'], { stdin: 'x' })).code, 1)
    t.match(await run(['rerun']), { code: 1, stderr: /again: run file/ })
  })

  await t.test('sources, keys, a policy, the folder: all of it is told before anything begins', async t => {
    await writeFile(join(folder, 'check.sh'), 'exit 1')
    await copyFile(join(fleet.folder, 'node1.key'), join(folder, 'key'))
    await writeFile(join(folder, 'p.yaml'), 'name: p\nresources:\n  - command: {command: "exit 1"}\n')
    const words = ['run', 'script', 'node1', '-i', 'key', '--', './check.sh']
    t.equal((await run(words)).code, 1)
    const script = await newest()
    const later = new Date(Date.now() + 60_000)
    await utimes(join(folder, 'check.sh'), later, later)
    t.match(await run(['rerun', script], { cwd: state }), {
      code: 1,
      stderr: new RegExp(`"./check.sh" was changed after run ${script}; it is used as it is now`),
    })
    t.equal((await run(['run', 'copy', 'node1', '--', 'source=check.sh', 'dest=/proc/no/x'])).code, 1)
    const copy = await newest()
    t.equal((await run(['apply', 'p.yaml', 'node1'])).code, 1)
    const policy = await newest()
    for (const name of ['check.sh', 'p.yaml']) await rm(join(folder, name))
    const source = new RegExp(`cannot read source "(\\./)?check.sh": there is none; run \\S+ read it in "${folder}"`)
    t.match(await run(['rerun', script]), { code: 2, stderr: source })
    t.match(await run(['rerun', copy]), { code: 2, stderr: source })
    t.match(await run(['rerun', policy]), {
      code: 2,
      stderr: /policy "p.yaml" cannot be read \(there is none\): put it/,
    })
    await rm(join(folder, 'key'))
    t.match(await run(['rerun', script]), {
      code: 2,
      stderr: /private key "key" cannot be read \(there is none\): name another with -i/,
    })
    await rm(folder, { recursive: true })
    t.match(await run(['rerun', copy], { cwd: state }), { code: 2, stderr: /was started in .*work, .* it is gone/ })
    await mkdir(folder)
    t.equal(await newest(), policy, 'nothing was run')
  })

  await t.test('the configuration which the environment named, and an agent', async t => {
    t.equal(
      (await run(['run', 'shell', 'node1', '--', 'exit 1'], { env: { ...options.env, SSH_AUTH_SOCK: '/no' } })).code,
      1,
    )
    t.match(await run(['rerun'], { config: undefined }), {
      code: 1,
      stderr: /had an SSH agent \(SSH_AUTH_SOCK\), and there is none now: .*(\n.*)+failed: node1/,
    })
  })

  await t.test(
    'without an id the newest run which has such targets, and no target which was repeated since',
    async t => {
      await run(['run', 'shell', 'node[1-3]', '--', 'case $HOME in *.[12]/home) [ -e mended ];; esac'])
      const id = await newest()
      await run(['run', 'shell', 'node3', '--', 'true'])
      t.match(await run(['runs', 'show']), {
        code: 0,
        stderr: new RegExp(`${await newest()}: run on node3: shell true`),
      })
      t.match(await run(['rerun', '--failed', '--check']), {
        stderr: new RegExp(`run ${id} again: run shell .* on node\\[1-2\\]`),
      })
      for (const n of [1, 2]) await writeFile(join(home(n), 'mended'), '')
      t.match(await run(['rerun', '--failed']), { code: 0, stderr: new RegExp(`run ${id} again: `) })
      const repeated = await run(['rerun', '--failed', '--check'])
      t.notMatch(repeated.stderr, new RegExp(`run ${id} again`))
      t.match(await run(['rerun']), { code: 0, stderr: /has no targets of this kind; nothing is run/ })
      t.match(await run(['rerun', '--timed-out']), { code: 0, stderr: /of this kind, nor has one before it; nothing/ })
    },
  )
})
