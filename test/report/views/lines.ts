import { Writable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { lines } from '../../../src/report/views/lines.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { ended, Memory, said, started, stream, target } from '../../fixtures/report/events.ts'

const [web1, web2] = [target('web1'), target('web2')]

const shown = async (events: readonly RunEvent[], { label = true, isTTY = false } = {}) => {
  const [out, err] = [new Memory({ isTTY }), new Memory({ isTTY })]
  await report(stream(events), [lines(sinks(out, err, {}), { label })])
  return { out: out.text, err: err.text, bytes: out.bytes }
}

t.test('lines of different targets never mix inside a line, and each has its label', async t => {
  const { out, err } = await shown([
    started(web1),
    said(web1, 'one '),
    started(web2),
    said(web2, 'uno\ndos'),
    said(web1, 'line\ntwo', 'stdout'),
    said(web1, 'warn', 'stderr'),
    said(web1, 'ing\n', 'stderr'),
    ended(web1),
    ended(web2),
  ])
  t.equal(out, 'web2: uno\nweb1: one line\nweb1: two\nweb2: dos\n', 'missing last line feeds are added')
  t.equal(err, 'web1: warning\n')
})

t.test('without label the lines are as they came', async t => {
  const { out } = await shown([said(web1, 'a\nb'), said(web2, 'c\n'), ended(web1), ended(web2)], { label: false })
  t.equal(out, 'a\nc\nb\n')
})

t.test('empty lines count, empty output does not', async t => {
  t.equal((await shown([said(web1, '\n\n'), ended(web1)])).out, 'web1: \nweb1: \n')
  t.equal((await shown([said(web1, ''), ended(web1)])).out, '')
})

t.test('into a pipe every byte passes, on a terminal none does harm', async t => {
  const binary = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const events = [said(web1, binary.subarray(0, 100)), said(web1, binary.subarray(100)), ended(web1)]
  t.ok((await shown(events, { label: false })).bytes.equals(Buffer.concat([binary, Buffer.from('\n')])))
  const { out } = await shown(events, { isTTY: true })
  t.match(out, /^web1: \^@\^A/)
  t.notOk([...out].some(character => character !== '\n' && character !== '\t' && character < ' '))
})

t.test('what a target has said is shown even when it never ends', async t => {
  t.equal((await shown([said(web1, 'half')])).out, 'web1: half\n')
})

t.test('100 MB pass through in flat memory, and no faster than they are read', async t => {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  const block = Buffer.alloc(32 * 1024)
  for (let at = 0; at < block.length; at += 64) block.write(`${'x'.repeat(63)}\n`, at)
  let unread = 0
  let most = 0
  const slow = new Writable({
    write(chunk: Buffer, _encoding, done) {
      unread -= chunk.length
      setImmediate(done)
    },
  })
  let peak = 0
  async function* events(): AsyncGenerator<RunEvent, void, void> {
    gc()
    const before = process.memoryUsage().rss
    for (let sent = 0; sent < 100e6; sent += block.length) {
      unread += block.length * (70 / 64) // each line gets "web1: "
      most = Math.max(most, unread)
      yield { kind: 'output', target: web1, output: { stream: 'stdout', data: block } }
      if (sent % (100 * block.length) === 0) peak = Math.max(peak, process.memoryUsage().rss - before)
    }
    yield ended(web1)
  }
  await report(events(), [lines(sinks(slow, new Memory(), {}), { label: true })])
  t.equal(unread, 0)
  t.ok(most < 200_000, `${most} bytes were waiting for the reader at most`)
  t.ok(peak < 64e6, `${peak} bytes`)
})
