import t from 'tap'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { type FoldedOptions, folded } from '../../../src/report/views/folded.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { ended, exited, Memory, said, stream, target, targets, wrong } from '../../fixtures/report/events.ts'

const shown = async (
  events: Iterable<RunEvent>,
  { isTTY = false, ...options }: FoldedOptions & { isTTY?: boolean },
) => {
  const out = new Memory({ isTTY })
  await report(stream(events), [folded(sinks(out, new Memory(), {}).stdout, options)])
  return out.text
}
const header = (name: string) => `---------------\n${name}\n---------------\n`

t.test('the largest group is shown whole, each other one by how it differs', async t => {
  const web = targets('web', 3)
  const [odd, silent, away] = [target('odd'), target('silent'), target('away')]
  const text = await shown(
    [
      ...web.flatMap(node => [said(node, 'one\ntwo\nthree\n'), ended(node)]),
      ...[said(odd, 'one\n2\nthree\n'), ended(odd, exited(3))],
      ended(silent),
      ended(away, wrong('unreachable', 'CONNECT_FAILED', 'no')),
    ],
    { compare: true },
  )
  t.equal(
    text,
    `${header('web[1-3] (3)')}one\ntwo\nthree\n` +
      '--- web[1-3] (3)\n+++ odd\n@@ ended otherwise: ok -> failed (3) @@\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n' +
      '--- web[1-3] (3)\n+++ silent\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n',
  )
})

t.test('where most say nothing, that is what others are compared with', async t => {
  const [a, b, c] = [target('a'), target('b'), target('c')]
  const text = await shown([ended(a), ended(b), said(c, 'x\n'), ended(c)], { compare: true })
  t.equal(text, `${header('a,b (2)')}--- a,b (2)\n+++ c\n@@ -0,0 +1,1 @@\n+x\n`)
})

t.test('what is no text is not compared, and control characters do no harm on a terminal', async t => {
  const [a, b, c] = [target('a'), target('b'), target('c')]
  const bytes = await shown([said(a, 'x'), ended(a), said(b, Buffer.from([0xff])), ended(b)], { compare: true })
  t.match(bytes, /\+\+\+ b\n@@ too long to compare, or not text @@\n$/)
  const text = await shown(
    [...[a, b].flatMap(node => [said(node, 'x\n'), ended(node)]), said(c, '\x1b]0;title\x07\n'), ended(c)],
    { compare: true, isTTY: true },
  )
  t.match(text, /\+\^\[\]0;title\^G\n/)
})

t.test('masked output folds, however it was cut into pieces', async t => {
  const web = [1, 2].map(n =>
    target(`web${n}.example.org`, { addresses: [`10.0.0.${n}`], macs: [`52:54:00:00:00:0${n}`] }),
  )
  const events = web.flatMap((node, i) => [
    said(node, `I am we`),
    said(node, `b${i + 1} at 10.0.0.${i + 1}\nmac 52:54:00:00:00:0${i + 1}`),
    ended(node),
  ])
  const text = await shown(events, { mask: true })
  t.equal(text, `${header('web[1-2].example.org (2)')}I am <node> at <address>\nmac <mac>\n`)
  t.equal((await shown(events, {})).split('I am').length, 3)
})

t.test('bytes which are no text pass the mask as they are', async t => {
  const bytes = Buffer.from([0xff, 0x0a])
  const out = new Memory()
  await report(stream([said(target('web1'), bytes), ended(target('web1'))]), [
    folded(sinks(out, new Memory(), {}).stdout, { mask: true }),
  ])
  t.ok(out.bytes.includes(bytes))
})
