import { once } from 'node:events'
import t from 'tap'
import type { Target } from '../../../src/inventory/target.ts'
import { report } from '../../../src/report/report.ts'
import { sinks } from '../../../src/report/sink.ts'
import { lines } from '../../../src/report/views/lines.ts'
import { progress } from '../../../src/report/views/progress.ts'
import type { RunEvent } from '../../../src/run/event.ts'
import { ended, exited, Memory, ok, said, started, target, targets, wrong } from '../../fixtures/report/events.ts'

// The clock of the status line keeps no program alive, so here something else must.
const alive = setInterval(() => {}, 60_000)
t.teardown(() => clearInterval(alive))

const plain = (text: string) =>
  ['\u001b[?7l', '\u001b[?7h', '\u001b[K'].reduce((rest, code) => rest.replaceAll(code, ''), text)

t.test('the status line tells what is done, what went wrong and who is running', async t => {
  const terminal = new Memory({ isTTY: true, columns: 120 })
  const all = sinks(terminal, terminal, { TERM: 'xterm' })
  const view = progress(all, { total: 40, interval: 1 })
  const nodes = targets('n', 40)
  const next = async () => {
    await once(terminal, 'wrote')
    return plain(terminal.text).split('\r').at(-1)
  }
  for (const node of nodes.slice(0, 3)) view.event(started(node))
  t.equal(await next(), 'done 0/40, 3 running: n[1-3]')
  view.event(ended(nodes[0] as never, exited(1)))
  view.event(ended(nodes[1] as never, wrong('unreachable', 'CONNECT_FAILED', 'no')))
  t.equal(await next(), 'done 2/40, 1 failed, 1 unreachable, 1 running: n3')
  for (const node of nodes.slice(3, 25)) view.event(started(node))
  t.equal(await next(), 'done 2/40, 1 failed, 1 unreachable, 23 running: n[3-18], ...', 'those which run longest')
  for (const node of nodes.slice(2, 25)) view.event(ended(node))
  t.equal(await next(), 'done 25/40, 1 failed, 1 unreachable')
  view.end()
  t.ok(terminal.text.endsWith('\r\u001b[K'), 'at the end it is erased')
})

t.test('the status line tells how far the files are, and so does the answer to Ctrl-C', async t => {
  const terminal = new Memory({ isTTY: true, columns: 120 })
  const all = sinks(terminal, terminal, { TERM: 'xterm' })
  const view = progress(all, { total: 2, interval: 1 })
  const [one, two] = targets('n', 2) as [Target, Target]
  for (const node of [one, two]) view.event(started(node))
  view.moved(one, 500, 4000)
  view.moved(two, 1500, 4000)
  await once(terminal, 'wrote')
  t.equal(plain(terminal.text).split('\r').at(-1), 'done 0/2, [####------------] 2.0 kB of 8.0 kB, 2 running: n[1-2]')
  view.event(ended(one, wrong('failed', 'ACTOR_FAILED', 'no')))
  t.equal(view.describe(), '1 of 2 done, [#######---------] 2.0 kB of 4.5 kB; still running: n2')
  view.end()
})

t.test('it gives way to output and is drawn again after it', async t => {
  const terminal = new Memory({ isTTY: true, columns: 30 })
  const all = sinks(terminal, terminal, { TERM: 'xterm' })
  const web1 = target('a-rather-long-name-of-a-target')
  const drawn = () => once(terminal, 'wrote')
  const events = (async function* (): AsyncGenerator<RunEvent, void, void> {
    yield started(web1)
    await drawn()
    yield said(web1, 'hello\n')
    await drawn()
    yield ended(web1)
  })()
  await report(events, [lines(all, { label: false }), progress(all, { total: 1, interval: 1 })])
  const status = '\rdone 0/1, 1 running: a-rather'
  t.equal(plain(terminal.text), `${status}\rhello\n${status}\r`)
})

t.test('without a terminal nothing is drawn, but it can still be asked', async t => {
  const err = new Memory()
  const view = progress(sinks(new Memory(), err, {}), { total: 12, interval: 1 })
  const nodes = targets('web', 9)
  t.equal(view.describe(), '0 of 12 done')
  for (const node of nodes) view.event(started(node))
  for (const node of nodes.slice(0, 2)) view.event(ended(node, ok()))
  t.strictSame(view.running(), ['web3', 'web4', 'web5', 'web6', 'web7', 'web8', 'web9'])
  t.equal(view.describe(), '2 of 12 done; still running: web[3-9] (7)')
  await view[Symbol.asyncDispose]?.()
  t.equal(err.text, '')
})
