import { readdir } from 'node:fs/promises'
import { Writable } from 'node:stream'
import t from 'tap'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { type FoldedOptions, folded } from '../../../src/report/views/folded.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { ended, exited, Memory, said, started, stream, target, targets, wrong } from '../../fixtures/report/events.ts'
import { openFiles } from '../../fixtures/report/open-files.ts'

const shown = async (events: Iterable<RunEvent>, options: FoldedOptions & { readonly isTTY?: boolean } = {}) => {
  const { isTTY = false, ...rest } = options
  const out = new Memory({ isTTY })
  await report(stream(events), [folded(sinks(out, new Memory(), {}).stdout, rest)])
  return out.text
}
const header = (name: string) => `---------------\n${name}\n---------------\n`

t.test('equal output is shown once under the folded name, the largest group first', async t => {
  const web = targets('web', 4)
  const [db2, db10] = [target('db2'), target('db10')]
  const text = await shown([
    ...[db10, db2].flatMap(node => [said(node, `I am ${node.name}\n`), ended(node)]),
    ...web.map(started),
    ...web.map(node => said(node, 'same')),
    ...web.map(node => ended(node)),
  ])
  t.equal(text, `${header('web[1-4] (4)')}same\n${header('db2')}I am db2\n${header('db10')}I am db10\n`)
})

t.test('output folds only where the outcome is equal too', async t => {
  const [a, b, c, d] = [target('a'), target('b'), target('c'), target('d')]
  const lost = wrong('failed', 'CONNECTION_LOST', 'the connection was lost')
  const events = [a, b, c, d].map(node => said(node, 'x\n'))
  t.equal(
    await shown([...events, ended(a), ended(b, exited(3)), ended(c, exited(4)), ended(d, lost)]),
    ['a', 'b', 'c', 'd'].map(name => `${header(name)}x\n`).join(''),
  )
})

t.test('the order in which standard output and error arrive keeps no outputs apart', async t => {
  const [a1, a2] = [target('a1'), target('a2')]
  const text = await shown([
    said(a1, 'out\n'),
    said(a1, 'err', 'stderr'),
    said(a2, 'err', 'stderr'),
    said(a2, 'ou'),
    said(a2, 't'),
    ended(a1),
    ended(a2),
  ])
  t.equal(text, `${header('a[1-2] (2)')}out\nerr\n`)
})

t.test('the same bytes on another stream are another output', async t => {
  const [a1, a2] = [target('a1'), target('a2')]
  t.equal((await shown([said(a1, 'x\n'), said(a2, 'x\n', 'stderr'), ended(a1), ended(a2)])).match(/x/g)?.length, 2)
})

t.test('targets without output are not shown; those which were stopped are shown with what they had said', async t => {
  const [silent, stopped, lost] = [target('silent'), target('stopped'), target('lost')]
  const text = await shown([
    said(silent, ''),
    ended(silent),
    said(stopped, 'half'),
    ended(stopped, wrong('cancelled', 'CANCELLED', 'stopped')),
    said(lost, 'a line\n'),
  ])
  t.equal(text, `${header('lost')}a line\n${header('stopped')}half\n`)
})

t.test('on a terminal control characters do no harm', async t => {
  const a = target('a')
  t.equal(await shown([said(a, '\u001b[2Jx\r\n'), ended(a)], { isTTY: true }), `${header('a')}^[[2Jx\n`)
})

t.test('long output goes through a file which nobody can see, and comes back whole', async t => {
  const folder = t.testdir({})
  const long = Array.from({ length: 30_000 }, (_, line) => `line ${line}\n`).join('')
  const [a1, a2, b, c] = [target('a1'), target('a2'), target('b'), target('c')]
  const seen: string[][] = []
  function* events(): Generator<RunEvent, void, void> {
    for (const node of [a1, b, a2]) {
      for (let at = 0; at < long.length; at += 7001) yield said(node, long.slice(at, at + 7001))
      if (node === b) yield said(node, 'and one more\n', 'stderr')
      yield ended(node)
    }
    yield said(c, 'short\n')
    yield ended(c)
  }
  const watched = (async function* () {
    for (const event of events()) {
      yield event
      if (event.kind === 'finished') seen.push(await readdir(folder))
    }
  })()
  for (const memory of [0, 1e9]) {
    const out = new Memory()
    const view = folded(sinks(out, new Memory(), {}).stdout, { folder, memory })
    await report(memory === 0 ? watched : stream(events()), [view])
    const expected = `${header('a[1-2] (2)')}${long}${header('b')}${long}and one more\n${header('c')}short\n`
    t.ok(out.text === expected, `with ${memory} bytes of memory`)
  }
  t.strictSame(seen, [[], [], [], []], 'no file has a name, even while the run goes on')
})

t.test('equal long outputs keep one copy', async t => {
  const folder = t.testdir({})
  const nodes = targets('n', 40)
  const block = Buffer.alloc(1024 * 1024, 'abcdefg\n')
  let written = 0
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.length
      done()
    },
  })
  let spilled = 0
  const all = (async function* (): AsyncGenerator<RunEvent, void, void> {
    for (const node of nodes) yield* [said(node, block), ended(node)]
    for (const { size } of openFiles(folder)) spilled += size
  })()
  const before = process.memoryUsage().rss
  await report(all, [folded(sinks(out, new Memory(), {}).stdout, { folder })])
  t.equal(written, block.length + header('n[1-40] (40)').length)
  t.ok(process.memoryUsage().rss - before < 60e6)
  if (process.platform === 'linux') t.ok(spilled > 0 && spilled < 3 * block.length, `${spilled} bytes in the file`)
})

t.test('nothing stays behind when the run breaks off, and nothing is opened without need', async t => {
  const folder = t.testdir({})
  const a = target('a')
  const broken = (async function* (): AsyncGenerator<RunEvent, void, void> {
    yield said(a, Buffer.alloc(200_000))
    throw new Error('broken')
  })()
  await t.rejects(report(broken, [folded(sinks(new Memory(), new Memory(), {}).stdout, { folder })]), {
    message: 'broken',
  })
  t.strictSame(await readdir(folder), [])
  const nowhere = { folder: '/nonexistent/folder' }
  t.equal(await shown([said(a, 'short\n'), ended(a)], nowhere), `${header('a')}short\n`)
  await t.rejects(shown([said(a, Buffer.alloc(200_000)), ended(a)], nowhere), {
    code: 'INTERNAL',
    message: /cannot keep long output in \/nonexistent\/folder: .*set TMPDIR/,
  })
})
