import { EventEmitter, on } from 'node:events'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fileChanges } from '../../../src/base/file-changes.ts'
import { type Source, type Times, type TurnResult, watch } from '../../../src/render/run/watch.ts'

/** A source which changes when it is told to. */
const source = (name: string) => {
  const events = new EventEmitter()
  let listeners = 0
  return {
    name,
    events,
    change: () => events.emit('change'),
    break: (message: string) => events.emit('error', new Error(message)),
    get listeners() {
      return listeners
    },
    async *changes(io: { readonly signal: AbortSignal }) {
      listeners += 1
      try {
        const heard = on(events, 'change', io)
        yield 'by a test'
        for await (const _ of heard) yield 'by a test'
      } finally {
        listeners -= 1
      }
    },
  }
}

/** A watch under way, and what it has done. */
const start = (
  t: Test,
  sources: readonly Source[],
  times: Partial<Times> = {},
  render: (turn: number) => Promise<TurnResult> = async () => 'done',
) => {
  const events = new EventEmitter()
  const said: string[] = []
  const stop = new AbortController()
  let turns = 0
  const say = (notice: string) => {
    said.push(notice)
    events.emit('news')
  }
  const ended = watch(
    {
      sources,
      warn: say,
      async render() {
        turns += 1
        events.emit('news')
        return await render(turns)
      },
      times: { quiet: 5, longest: 40, interval: 20, again: 5, maxAgain: 20, ...times },
    },
    stop,
  )
  t.teardown(async () => {
    stop.abort()
    await ended
  })
  return {
    said,
    stop,
    ended,
    turns: () => turns,
    async until(isSo: () => boolean) {
      const news = on(events, 'news')
      if (isSo()) return
      for await (const _ of news) if (isSo()) return
    },
  }
}

t.test('it renders at once, and after each change', async t => {
  const ldap = source('ldap')
  const { until, turns, said } = start(t, [ldap])
  await until(() => turns() === 1 && said.length === 1)
  t.strictSame(said, ['ldap is listened to: by a test'])
  for (const turn of [2, 3, 4]) {
    ldap.change()
    await until(() => turns() === turn)
  }
  t.pass('three changes, three turns')
})

t.test('changes which come together are rendered together, and nobody waits for ever', async t => {
  const ldap = source('ldap')
  const { until, turns } = start(t, [ldap], { quiet: 50, longest: 300 })
  await until(() => turns() === 1)
  for (let i = 0; i < 1_000; i++) ldap.change()
  await until(() => turns() === 2)
  // It never gets quiet, and yet there is a turn.
  const busy = setInterval(() => ldap.change(), 5)
  t.teardown(() => clearInterval(busy))
  await until(() => turns() === 3)
  t.pass()
})

t.test('a change during a turn leads to another one', async t => {
  const ldap = source('ldap')
  const gate = Promise.withResolvers<void>()
  const { until, turns } = start(t, [ldap], {}, async turn => {
    if (turn === 2) await gate.promise
    return 'done'
  })
  await until(() => turns() === 1)
  ldap.change()
  await until(() => turns() === 2)
  ldap.change()
  gate.resolve()
  await until(() => turns() === 3)
  t.pass()
})

t.test('a source which is lost is told once, listened to again, and read again then', async t => {
  const ldap = source('ldap')
  const { until, turns, said } = start(t, [ldap])
  await until(() => turns() === 1 && said.length === 1)
  ldap.break('gone')
  await until(() => said.includes('ldap is listened to again') && turns() === 2)
  t.strictSame(said, ['ldap is listened to: by a test', 'gone', 'ldap is listened to again'])
})

t.test('a source which stays away is told once, however often it is tried', async t => {
  let tries = 0
  const dead: Source = {
    name: 'dead',
    // biome-ignore lint/correctness/useYield: it never comes to that
    async *changes() {
      tries += 1
      throw new Error(tries < 4 ? 'refused' : 'no route')
    },
  }
  const { until, said } = start(t, [dead])
  await until(() => said.length === 2)
  t.strictSame(said, ['refused', 'no route'])
  t.ok(tries >= 4)
})

t.test('a source which does not report changes is read at intervals, and the others at once', async t => {
  const silent: Source = { name: 'mysql' }
  const { until, turns, said } = start(t, [silent, source('ldap')])
  await until(() => turns() >= 4)
  t.match(said.join('\n'), /^mysql does not report changes: it is read every /m)
})

t.test('a turn which fails is told once, tried again, and told anew when it fails again later', async t => {
  const fails = new Set([1, 2, 3, 5])
  const ldap = source('ldap')
  const { until, turns, said } = start(t, [ldap], {}, async turn => {
    if (fails.has(turn)) throw new Error('no disk')
    return 'done'
  })
  await until(() => turns() === 4)
  ldap.change()
  await until(() => turns() === 6)
  t.strictSame(
    said.filter(text => text === 'no disk'),
    ['no disk', 'no disk'],
  )
})

t.test('what may end better is tried again without a change', async t => {
  const { until, turns } = start(t, [source('ldap')], {}, async turn => (turn < 3 ? 'again' : 'done'))
  await until(() => turns() === 3)
  t.pass()
})

t.test('a stop ends everything, after the turn under way', async t => {
  const ldap = source('ldap')
  const gate = Promise.withResolvers<void>()
  let isDone = false
  const { until, turns, stop, ended } = start(t, [ldap, { name: 'silent' }], {}, async () => {
    await gate.promise
    isDone = true
    return 'done'
  })
  await until(() => turns() === 1)
  stop.abort()
  gate.resolve()
  await ended
  t.ok(isDone)
  t.equal(ldap.listeners, 0)
})

t.test('a file which is written, replaced or removed is a change', async t => {
  const folder = t.testdir({ a: 'one' })
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  const stop = new AbortController()
  const looks = fileChanges([a, b], stop)
  t.match((await looks.next()).value, a)
  for (const change of [
    () => writeFile(a, 'two'),
    () => writeFile(a, 'ten'),
    () => writeFile(b, 'new'),
    () => rename(b, a),
    () => rm(a),
  ]) {
    const next = looks.next()
    await change()
    t.notOk((await next).done, change.toString())
  }
  stop.abort(new Error('enough'))
  await t.rejects(looks.next(), { message: 'enough' })
})
