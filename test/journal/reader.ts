import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { StokerError } from '../../src/base/errors.ts'
import { currentAuthor } from '../../src/journal/author.ts'
import { formatLine, type Line, type RunHead } from '../../src/journal/entries.ts'
import { readRun, runIds } from '../../src/journal/reader.ts'
import type { RunEvent } from '../../src/run/event.ts'
import { target } from '../fixtures/program/act.ts'
import { openFiles } from '../fixtures/report/open-files.ts'

const io = { signal: new AbortController().signal }
const ID = '20261121-105830-k7qz4'
const names = ['done', 'failed', 'begun', 'never']
const targets = names.map(name => target(name))
const [done, failed] = targets as [(typeof targets)[0], (typeof targets)[0]]
const head: RunHead = {
  ...{ id: ID, version: '1', at: 5, command: 'run', words: ['shell', 'id'], expression: '@all', flags: {} },
  ...{ folder: '/tmp', input: true, targets },
}
const event = (event: RunEvent): Line => ({ kind: 'event', event })
const error = new StokerError('COMMAND_FAILED', 'failed', 'exit code 1')
const outcome = { kind: 'failed', error, exitCode: 1 } as const
const events: readonly Line[] = [
  { kind: 'began', n: 0, at: 7 },
  event({ kind: 'started', target: done }),
  { kind: 'began', n: 1, at: 8 },
  { kind: 'began', n: 2, at: 9 },
  event({ kind: 'finished', target: done, outcome: { kind: 'ok', changed: true }, timing: { total: 1 } }),
  event({ kind: 'finished', target: failed, outcome, timing: { total: 1 } }),
]
const END: Line = { kind: 'ended', at: 10, exitCode: 1 }

/** A folder with a journal of these lines; of the last one some may be cut off. */
const journal = (t: Test, lines: readonly Line[], cut = 0): string => {
  const folder = t.testdir({})
  const text = lines.map(line => formatLine(line, one => targets.indexOf(one))).join('')
  writeFileSync(join(folder, `${ID}.jsonl`), text.slice(0, text.length - cut))
  return folder
}
const read = (folder: string, watch?: Parameters<typeof readRun>[3]) => readRun(folder, ID, io, watch)
const endings = async (folder: string) =>
  [...(await read(folder)).endings].map(([{ name }, ending]) => [name, ending.kind])

t.test('every target has an ending: its own, or what can be said of it', async t => {
  t.strictSame(await endings(journal(t, [{ kind: 'run', head }, ...events, END])), [
    ['done', 'ok'],
    ['failed', 'failed'],
    ['begun', 'unknown'],
    ['never', 'not-started'],
  ])
  const all = (await read(journal(t, [{ kind: 'run', head }, ...events]))).endings
  t.match([...all.values()][2], { kind: 'unknown', error: { code: 'CONNECTION_LOST', subject: 'begun' } })
})

t.test('a run has ended, still goes on in a process, or was killed', async t => {
  const of = async (lines: readonly Line[], changes: Partial<RunHead> = {}, cut = 0) => {
    const { ended, goesOnIn } = await read(journal(t, [{ kind: 'run', head: { ...head, ...changes } }, ...lines], cut))
    return [ended?.exitCode, goesOnIn]
  }
  const alive = { author: currentAuthor() }
  t.strictSame(await of([...events, END]), [1, undefined])
  t.strictSame(await of([...events, END], alive), [1, undefined])
  t.strictSame(await of(events, alive), [undefined, process.pid])
  t.strictSame(await of(events), [undefined, undefined])
  t.strictSame(await of(events, { author: alive.author.replace(/-\d+-/, '-1-') }), [undefined, undefined])
  t.strictSame(await of([...events, END], {}, 3), [undefined, undefined], 'an end which was cut off is none')
})

t.test('whether anything came through a pipe is known when it has ended', async t => {
  for (const [input, end, had] of [
    [true, END, true],
    [true, { ...END, emptyInput: true }, false],
    [false, END, false],
  ] as const)
    t.equal((await read(journal(t, [{ kind: 'run', head: { ...head, input } }, end]))).hadInput, had)
})

t.test('events are seen in their order, one after the other, with the time of their target', async t => {
  const seen: unknown[] = []
  const never = event({ kind: 'started', target: targets[3] as (typeof targets)[0] })
  let busy = false
  await read(journal(t, [{ kind: 'run', head }, ...events, never]), async ({ kind, target }, at) => {
    if (busy) t.fail('the one before is not done')
    busy = true
    await new Promise(setImmediate)
    busy = false
    seen.push([kind, target.name, at])
  })
  t.strictSame(seen, [
    ['started', 'done', 7],
    ['finished', 'done', 7],
    ['finished', 'failed', 8],
    ['started', 'never', 5],
  ])
})

t.test('whoever stops reading leaves no file open', async t => {
  const folder = journal(t, [{ kind: 'run', head }, ...Array.from({ length: 5000 }, () => events).flat()])
  const stop = () => {
    throw new Error('enough')
  }
  await t.rejects(read(folder, stop), { message: 'enough' })
  while (openFiles(folder).length > 0) await new Promise(setImmediate)
  t.pass('it is closed')
})

t.test('what makes no sense is left out', async t => {
  const folder = journal(t, [{ kind: 'run', head }, ...events, END])
  writeFileSync(join(folder, `${ID}.jsonl`), '\nnonsense\n{"kind":"finished","n":9}\n', { flag: 'a' })
  t.equal((await endings(folder)).length, 4)
})

t.test('a journal without its head, or of another format, is damaged', async t => {
  const damaged = { code: 'CONFIG', message: `the journal of run ${ID} is damaged, or of another version` }
  await t.rejects(read(journal(t, events)), damaged)
  await t.rejects(read(journal(t, [])), damaged)
  const folder = t.testdir({
    [`${ID}.jsonl`]: formatLine({ kind: 'run', head }, () => 0).replace('"format":1', '"format":2'),
  })
  await t.rejects(read(folder), damaged)
})

t.test('a run which is not there, or cannot be read, says so', async t => {
  const folder = t.testdir({})
  for (const id of [ID, '../passwd', ''])
    await t.rejects(readRun(folder, id, io), {
      ...{ code: 'UNKNOWN_NAME', subject: id },
      message: `there is no run ${JSON.stringify(id)}; 'stoker runs' lists them`,
    })
  mkdirSync(join(folder, `${ID}.jsonl`))
  await t.rejects(read(folder), { code: 'CONFIG', message: /^cannot read run .*EISDIR/ })
  const abort = AbortSignal.abort(new Error('enough'))
  await t.rejects(readRun(journal(t, [{ kind: 'run', head }]), ID, { signal: abort }), { message: 'enough' })
})

t.test('all runs, the newest first; a folder which is not there has none', async t => {
  const ids = Array.from({ length: 30 }, (_, i) => `202611${String(((i * 7) % 30) + 1).padStart(2, '0')}-105830-k7qz4`)
  const files = ids.map(id => [`${id}.jsonl`, ''] as const)
  const folder = t.testdir({ ...Object.fromEntries(files), 'notes.txt': '', [`${ID}.txt`]: '', file: '' })
  t.strictSame(await runIds(folder), ids.toSorted().toReversed())
  t.strictSame(await runIds(join(folder, 'none')), [])
  await t.rejects(runIds(join(folder, 'file')), { code: 'CONFIG', message: /^cannot read the runs in .*ENOTDIR/ })
})
