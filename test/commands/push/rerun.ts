import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
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
    const { writeFile } = await import('node:fs/promises')
    await writeFile(policy, 'name: p\nresources:\n  - command: {command: "case $HOME in *.2/home) exit 3;; esac"}\n')
    t.equal((await run('apply', policy, 'node[1-4]')).code, 1)
    const again = await run('rerun')
    t.match(again.stderr, /again: apply .* on node2\n/)
    t.match(await readFile(join(state, 'stoker/runs', `${await newest()}.jsonl`), 'utf8'), /"command":"apply"/)
  })
})
