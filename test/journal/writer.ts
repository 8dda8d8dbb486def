import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Target } from '../../src/inventory/target.ts'
import type { RunHead } from '../../src/journal/entries.ts'
import { readRun } from '../../src/journal/reader.ts'
import { openJournal } from '../../src/journal/writer.ts'
import type { RunEvent } from '../../src/run/event.ts'
import { target } from '../fixtures/program/act.ts'
import { openFiles } from '../fixtures/report/open-files.ts'

const io = { signal: new AbortController().signal }
const MIB = 1024 * 1024
const ID = '20261121-105830-k7qz4'
const [one, other] = [target('one'), target('other')]
const head: RunHead = {
  ...{ id: ID, version: '1', at: 5, command: 'run', words: ['shell', 'id'], expression: '@all', flags: {} },
  ...{ folder: '/tmp', input: false, targets: [one, other] },
}
const output = (target: Target, size: number): RunEvent => ({
  ...{ kind: 'output', target, output: { stream: 'stdout', data: Buffer.alloc(size) } },
})

const open = (t: Test, folder = join(t.testdir({}), 'state', 'runs')) => {
  const warnings: string[] = []
  const journal = openJournal(folder, head, warning => warnings.push(warning))
  const file = join(folder, `${ID}.jsonl`)
  const kinds = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
      .map(({ kind, n, at }) => [kind, n, typeof at].slice(0, kind === 'began' ? 3 : 2))
  return { folder, file, journal, warnings, kinds }
}

/** Puts something else in the place of a file which this process has open. */
const replaceOpen = (file: string, by: string): void => {
  const fd = readdirSync('/proc/self/fd').find(name => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === file
    } catch {
      return false // closed meanwhile
    }
  })
  closeSync(Number(fd))
  const opened: number[] = []
  // The lowest number which is free is given first.
  while (opened.at(-1) !== Number(fd)) opened.push(openSync(by, 'w'))
  for (const number of opened.slice(0, -1)) closeSync(number)
}

t.test('every line is in the file when the call returns, and nobody else may read it', async t => {
  const { folder, file, journal, warnings, kinds } = open(t)
  t.strictSame(kinds(), [['run', undefined]])
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(file).mode & 0o777, 0o600)
  journal.begin(other)
  t.strictSame(kinds().slice(1), [['began', 1, 'number']])
  journal.event({ kind: 'started', target: other })
  journal.event(output(other, 3))
  journal.event({ kind: 'finished', target: other, outcome: { kind: 'ok', changed: true }, timing: { total: 1 } })
  t.strictSame(kinds().slice(2), [
    ['started', 1],
    ['output', 1],
    ['finished', 1],
  ])
  journal.close(4)
  t.strictSame(openFiles(folder), [])
  const { ended, endings } = await readRun(folder, ID, io)
  t.equal(ended?.exitCode, 4)
  t.strictSame(
    [...endings.values()].map(({ kind }) => kind),
    ['not-started', 'ok'],
  )
  t.strictSame(warnings, [])
})

t.test('that nothing came through the pipe is written with the end', async t => {
  for (const empty of [true, false, undefined]) {
    const { journal, file } = open(t)
    journal.close(0, empty)
    t.equal(/"emptyInput":true/.test(readFileSync(file, 'utf8')), empty ?? false)
  }
})

t.test('16 MiB of output are kept of each target, and it is said where more is left out', async t => {
  const { journal, kinds } = open(t)
  for (const size of [16 * MIB - 1, 1, 1, 1]) journal.event(output(one, size))
  journal.event(output(other, 5))
  journal.event({ kind: 'finished', target: one, outcome: { kind: 'ok', changed: true }, timing: { total: 1 } })
  t.strictSame(kinds().slice(1), [
    ['output', 0],
    ['output', 0],
    ['truncated', 0],
    ['output', 1],
    ['finished', 0],
  ])
  journal.close(0)
})

t.test('what is said of a target which the run does not have counts for none', async t => {
  const { folder, journal } = open(t)
  journal.begin(target('stranger'))
  journal.close(0)
  t.strictSame(
    [...(await readRun(folder, ID, io)).endings.values()].map(({ kind }) => kind),
    ['not-started', 'not-started'],
  )
})

t.test('a run which cannot be kept goes on without, and says so once', async t => {
  const { journal, warnings } = open(t, join(t.testdir({ file: '' }), 'file'))
  journal.begin(one)
  journal.event(output(one, 1))
  journal.close(0)
  t.match(warnings, [/^this run is not kept: E/])
  t.equal(warnings.length, 1)
})

t.test('when the disk is full the journal ends, and the run goes on', async t => {
  const { folder, file, journal, warnings } = open(t)
  replaceOpen(file, '/dev/full')
  journal.begin(one)
  journal.event(output(one, 1))
  journal.close(0)
  t.match(warnings, [/^the journal of this run ends here: ENOSPC/])
  t.equal(warnings.length, 1)
  t.strictSame(openFiles(folder), [])
  t.equal((await readRun(folder, ID, io)).ended, undefined)
})

t.test('what may not be on disk is told', async t => {
  const { file, journal, warnings } = open(t)
  replaceOpen(file, '/dev/null')
  journal.close(0)
  t.match(warnings, [/^the journal of this run may not be on disk: EINVAL/])
  t.equal(warnings.length, 1)
})
