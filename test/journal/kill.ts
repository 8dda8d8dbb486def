/** Kills a run at twenty moments, and looks what its journal says of it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readRun, runIds } from '../../src/journal/reader.ts'
import { startStoker, stoker } from '../fixtures/program/cli.ts'
import { seeded } from '../fixtures/seeded.ts'
import { needFleet, startFleet } from '../fixtures/servers/sshd.ts'
import { until } from '../fixtures/until.ts'

const TARGETS = 40
const AT_ONCE = 10

const io = { signal: new AbortController().signal }

t.test('kill -9 at any moment: the journal tells what never began, and exactly that is run again', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: TARGETS, mode: 'shared' })
  const state = await mkdtemp(join(tmpdir(), 'stoker-journal-'))
  t.teardown(() => rm(state, { recursive: true, force: true }))
  const options = { config: fleet.config, env: { XDG_STATE_HOME: state } }
  const folder = join(state, 'stoker/runs')
  const seen = new Set<string>()
  const random = seeded(t)

  for (let turn = 0; turn < 20; turn++) {
    const mark = `mark${turn}`
    const before = (await runIds(folder)).length
    const running = startStoker(
      ['run', '-f', String(AT_ONCE), 'shell', `node[01-${TARGETS}]`, '--', `sleep 0.1; echo one >> ${mark}; echo said`],
      options,
    )
    // A moment of the run's own: after so many of its targets have spoken; the first one as soon as there is a journal.
    const some = turn === 0 ? 0 : random.below(TARGETS / 2)
    await until('there is a journal', async () => (await runIds(folder)).length > before)
    await running.says(text => text.split(': said').length > some)
    running.process.kill('SIGKILL')
    await running.ended

    const [id = ''] = await runIds(folder)
    let said = 0
    const run = await readRun(folder, id, io, event => {
      if (event.kind === 'output') said++
    })
    t.equal(run.ended, undefined, `turn ${turn}: it has no end`)
    t.equal(run.endings.size, TARGETS)
    const kinds = Map.groupBy(run.endings, ([, { kind }]) => kind)
    for (const kind of kinds.keys()) seen.add(kind)
    t.ok(said >= some, 'what was shown was written before')
    t.ok((kinds.get('unknown')?.length ?? 0) <= AT_ONCE, 'no more are unknown than ran at once')
    // Nothing of the killed run goes on.
    t.ok(await fleet.gone(mark))

    const { code, stderr } = await stoker(['rerun', '--not-started'], options)
    t.equal(code, 0, stderr)
    for (const target of fleet.targets) {
      const lines = (await readFile(join(target.folder, mark), 'utf8').catch(() => '')).split('\n').length - 1
      const [, ending] = [...run.endings].find(([one]) => one.name === target.name) ?? []
      if (ending?.kind === 'unknown') t.ok(lines <= 1, `${target.name}: unknown, and not run again`)
      else if (lines !== 1) t.fail(`${target.name}: ${ending?.kind}, run ${lines} times`)
    }
  }
  t.ok(seen.has('not-started') && seen.has('ok'), `${[...seen]}`)
})
