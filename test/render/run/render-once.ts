import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { besidePath } from '../../../src/base/atomic-file.ts'
import { StokerError } from '../../../src/base/errors.ts'
import { takeLock } from '../../../src/base/lock.ts'
import { renderState } from '../../../src/render/output/render-state.ts'
import { exitCodeOfRender } from '../../../src/render/output/result.ts'
import { renderAll, renderOnce } from '../../../src/render/run/render-once.ts'
import type { RenderedFile } from '../../../src/render/services/service.ts'
import { need, needRoot } from '../../fixtures/servers/debian.ts'
import { dhcpdConf, plain, renderOf, saying, siteOf } from '../../fixtures/sites/render.ts'

const io = { signal: new AbortController().signal }
const LONG_AGO = new Date('2020-01-01T00:00:00Z')

const told = (folder: string) => (existsSync(join(folder, 'told')) ? readFileSync(join(folder, 'told'), 'utf8') : '')
const text =
  (path: string, content: string, more: Partial<RenderedFile> = {}) =>
  (): RenderedFile => ({
    ...{ path, text: content, mode: 0o644, onChange: 'reload' },
    ...more,
  })

t.test('a new file is written, checked by the daemon, and the service is restarted', async t => {
  if (!need(t, 'dhcpd', 'isc-dhcp-server')) return
  const folder = t.testdir()
  const render = renderOf(folder, [dhcpdConf(`${folder}/dhcpd.conf`)])
  const result = await renderOnce(render, saying(siteOf(3)), plain([]), io)
  t.match(result, {
    kind: 'written',
    size: { hosts: 3, networks: 1 },
    files: [{ path: `${folder}/dhcpd.conf`, change: 'new' }],
    reload: { kind: 'done', action: 'restart', output: /^$/ },
  })
  t.match(readFileSync(`${folder}/dhcpd.conf`, 'utf8'), /host n3 \{\n {2}hardware ethernet 52:54:00:00:00:03/)
  t.equal(statSync(`${folder}/dhcpd.conf`).mode & 0o777, 0o644)
  t.equal(told(folder), 'restart\n')
  t.strictSame(readdirSync(folder).sort(), ['dhcpd.conf', 'state', 'told'], 'and nothing is left beside it')
})

t.test('unchanged data writes nothing and tells nobody', async t => {
  const folder = t.testdir({ conf: 'same\n' })
  utimesSync(`${folder}/conf`, LONG_AGO, LONG_AGO)
  const { ino } = statSync(`${folder}/conf`)
  const render = renderOf(folder, [text(`${folder}/conf`, 'same\n')])
  const result = await renderOnce(render, saying(siteOf(3)), plain([]), io)
  t.match(result, { kind: 'same', reload: { kind: 'none' } })
  t.strictSame([statSync(`${folder}/conf`).mtime, statSync(`${folder}/conf`).ino], [LONG_AGO, ino])
  t.equal(told(folder), '')
})

t.test('what the daemon refuses is not put in place, and its words come with the template line', async t => {
  if (!need(t, 'dhcpd', 'isc-dhcp-server')) return
  const folder = t.testdir({ 'dhcpd.conf': 'the old one' })
  const broken = dhcpdConf(`${folder}/dhcpd.conf`)
  const render = renderOf(folder, [
    site => ({ ...broken(site), text: broken(site).text.replace('00:00:02', '00:00:zz') }),
  ])
  const result = await renderOnce(render, saying(siteOf(3)), plain([]), io)
  if (result.kind !== 'refused') return t.fail(result.kind)
  t.equal(
    result.error.message,
    `${folder}/dhcpd.conf: not put in place: dhcpd refuses it: 
  ${folder}/dhcpd.conf line 6: expecting numeric value.
    line 6, made by dhcpd.conf.hbs:11: hardware ethernet 52:54:00:00:00:zz; fixed-address 10.0.0.2;
    hardware ethernet 52:54:00:00:00:zz;
                                     ^
  Configuration file errors encountered -- exiting`,
  )
  t.equal(exitCodeOfRender(result), 1)
  t.equal(readFileSync(`${folder}/dhcpd.conf`, 'utf8'), 'the old one')
  t.strictSame(readdirSync(folder).sort(), ['dhcpd.conf', 'state'])
})

t.test('of several files none is put in place when one is refused', async t => {
  const folder = t.testdir({ a: 'old a', b: 'old b' })
  const render = renderOf(folder, [
    text(`${folder}/a`, 'new a', { check: () => ['true'] }),
    text(`${folder}/b`, 'new b', { check: candidate => ['grep', '-q', 'old', candidate] }),
  ])
  const result = await renderOnce(render, saying(siteOf(1)), plain([]), io)
  t.match(result, {
    kind: 'refused',
    error: { message: /\/b: not put in place: grep refuses it: exit code 1, without a word/ },
  })
  t.strictSame([readFileSync(`${folder}/a`, 'utf8'), readFileSync(`${folder}/b`, 'utf8')], ['old a', 'old b'])
})

t.test('a checker which is not there, hangs or dies is no yes', async t => {
  const folder = t.testdir()
  const checkedBy = (...words: string[]) => renderOf(folder, [text(`${folder}/x`, 'x', { check: () => words })])
  for (const [words, message, deadline] of [
    [['nosuchd'], /x: not put in place: nosuchd cannot check it: it is not installed/, 600_000],
    [['sh', '-c', 'kill -9 $$'], /x: not put in place: sh died while checking it/, 600_000],
    [['sleep', '100'], /x: not put in place: sleep was not done with checking it within the time limit/, 2_000],
    [['sh', '-c', 'sleep 100 & wait'], /x: not put in place: sh was not done/, 2_000],
  ] as const) {
    const result = await renderOnce(checkedBy(...words), saying(siteOf(1)), plain([], { deadline }), io)
    t.match(result, { kind: 'refused', error: { code: 'RENDER_FAILED', message } })
    t.notOk(existsSync(`${folder}/x`))
  }
})

t.test('owner and mode stay those of the live file', async t => {
  if (!needRoot(t)) return
  const folder = t.testdir({ conf: 'old' })
  chownSync(`${folder}/conf`, 12, 34)
  chmodSync(`${folder}/conf`, 0o640)
  utimesSync(`${folder}/conf`, 1, 1)
  await renderOnce(renderOf(folder, [text(`${folder}/conf`, 'new')]), saying(siteOf(1)), plain([]), io)
  const { uid, gid, mode, mtimeMs } = statSync(`${folder}/conf`)
  t.strictSame([uid, gid, mode & 0o7777], [12, 34, 0o640])
  t.not(mtimeMs, 1_000, 'the time is that of the writing')
})

t.test('extended attributes and labels of the live file go over to the new one', async t => {
  if (!need(t, 'setfattr', 'attr') || !need(t, 'getfattr', 'attr')) return
  const folder = t.testdir({ conf: 'old' })
  try {
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', `${folder}/conf`], { stdio: 'pipe' })
  } catch {
    return t.plan(0, 'this file system has no extended attributes')
  }
  await renderOnce(renderOf(folder, [text(`${folder}/conf`, 'new')]), saying(siteOf(1)), plain([]), io)
  t.equal(readFileSync(`${folder}/conf`, 'utf8'), 'new')
  t.equal(
    execFileSync('getfattr', ['--only-values', '-n', 'user.note', `${folder}/conf`], {
      encoding: 'utf8',
      stdio: 'pipe',
    }),
    'kept',
  )
})

t.test('a live file which is a link stays one, also when it leads to nothing yet', async t => {
  const folder = t.testdir({ real: { old: 'old' } })
  symlinkSync('real/old', `${folder}/link`)
  symlinkSync('real/new', `${folder}/dangling`)
  const render = renderOf(folder, [text(`${folder}/link`, 'a'), text(`${folder}/dangling`, 'b')])
  t.match(await renderOnce(render, saying(siteOf(1)), plain([]), io), { kind: 'written' })
  t.ok(lstatSync(`${folder}/link`).isSymbolicLink() && lstatSync(`${folder}/dangling`).isSymbolicLink())
  t.strictSame([readFileSync(`${folder}/real/old`, 'utf8'), readFileSync(`${folder}/real/new`, 'utf8')], ['a', 'b'])
  t.match(await renderOnce(render, saying(siteOf(1)), plain([]), io), { kind: 'same' })
})

t.test('with --check nothing changes, and the daemon is asked all the same', async t => {
  const folder = t.testdir({ conf: 'old\n' })
  const check = (word: string) => (candidate: string) => ['grep', '-q', word, candidate]
  const checking = plain([], { apply: false, diff: true })
  const result = await renderOnce(
    renderOf(folder, [text(`${folder}/conf`, 'new\n', { check: check('new') })]),
    saying(siteOf(1)),
    checking,
    io,
  )
  t.match(result, { kind: 'would-change', action: 'reload', files: [{ diff: /^-old\n\+new\n/m }] })
  t.equal(exitCodeOfRender(result), 10)
  const refused = renderOf(folder, [text(`${folder}/conf`, 'new\n', { check: check('old') })])
  t.match(await renderOnce(refused, saying(siteOf(1)), checking, io), { kind: 'refused' })
  t.strictSame(readdirSync(folder), ['conf'])
  t.equal(readFileSync(`${folder}/conf`, 'utf8'), 'old\n')
})

t.test(
  'a restart happens once for all files, a reload where that is enough, and nothing where nobody keeps it',
  async t => {
    const cases = [
      [['reload', 'none'], 'reload\n'],
      [['reload', 'restart'], 'restart\n'],
      [['none', 'none'], ''],
    ] as const
    for (const [asks, expected] of cases) {
      const folder = t.testdir()
      const files = asks.map((onChange, i) => text(`${folder}/${i}`, 'x', { onChange }))
      await renderOnce(renderOf(folder, files), saying(siteOf(1)), plain([]), io)
      t.equal(told(folder), expected, asks.join())
    }
  },
)

t.test('a reload which failed stays pending, and the next render does it though nothing has changed', async t => {
  const folder = t.testdir()
  const files = [text(`${folder}/conf`, 'x')]
  const failing = renderOf(folder, files)
  const service = { ...failing.service, reload: ['sh', '-c', 'echo no such job >&2; exit 7'] }
  const result = await renderOnce({ ...failing, service }, saying(siteOf(1)), plain([]), io)
  t.match(result, { kind: 'written', reload: { kind: 'failed', error: { message: /exit code 7: no such job$/ } } })
  t.equal(exitCodeOfRender(result), 1)

  const later = await renderOnce(failing, saying(siteOf(1)), plain([], { reload: 'later' }), io)
  t.match(later, { kind: 'same', reload: { kind: 'pending', action: 'reload' } })
  t.equal(told(folder), '')
  const next = await renderOnce(failing, saying(siteOf(1)), plain([]), io)
  t.match(next, { kind: 'same', reload: { kind: 'done', action: 'reload' } })
  t.match(await renderOnce(failing, saying(siteOf(1)), plain([]), io), { kind: 'same', reload: { kind: 'none' } })
  t.equal(told(folder), 'reload\n')
})

t.test('at the start of the service nothing is reloaded, and nothing stays pending', async t => {
  const folder = t.testdir()
  const render = renderOf(folder, [text(`${folder}/conf`, 'x', { onChange: 'restart' })])
  t.match(await renderOnce(render, saying(siteOf(1)), plain([], { reload: 'starting' }), io), {
    kind: 'written',
    reload: { kind: 'none' },
  })
  t.match(await renderOnce(render, saying(siteOf(1)), plain([]), io), { kind: 'same', reload: { kind: 'none' } })
  t.equal(told(folder), '')
})

t.test('a restart which renders itself, by our hook, does not wait for us', async t => {
  const folder = t.testdir()
  const render = renderOf(folder, [text(`${folder}/conf`, 'x', { onChange: 'restart' })])
  // The hook wants the lock of the render, as it does for a moment only.
  const hook = `test ! -e ${folder}/state/lock && rm ${folder}/state/pending-reload.json && echo hooked >>${folder}/told`
  const service = { ...render.service, restart: ['sh', '-c', hook] }
  const result = await renderOnce({ ...render, service }, saying(siteOf(1)), plain([]), io)
  t.match(result, { kind: 'written', reload: { kind: 'done', action: 'restart' } })
  t.equal(told(folder), 'hooked\n')
})

t.test(
  'a source which is down, slow, empty or shrunk keeps the live files, and tells since when they are good',
  async t => {
    const folder = t.testdir()
    const render = renderOf(folder, [site => text(`${folder}/conf`, `${site.hosts.length} hosts\n`)()])
    const at = new Date('2030-05-05T05:05:05Z')
    await renderOnce(render, saying(siteOf(10, 2)), plain([], { now: () => at }), io)
    const down = async () => {
      throw new StokerError('WAREHOUSE_FAILED', 'ldap', 'warehouse ldap: connection refused')
    }
    for (const [read, reason, message] of [
      [down, 'down', /connection refused/],
      [() => new Promise<never>(() => {}), 'slow', /the warehouses did not answer within 300 ms/],
      [saying(siteOf(0)), 'empty', /of 10 hosts there is none left; .*--accept-shrink/],
      [saying(siteOf(4, 2)), 'shrunk', /of 10 hosts only 4 are left/],
      [saying(siteOf(10, 0)), 'empty', /of 2 networks there is none left/],
    ] as const) {
      const result = await renderOnce(render, read, plain([], { deadline: reason === 'slow' ? 300 : 600_000 }), io)
      t.match(result, { kind: 'kept', reason, error: { message }, last: { at: at.getTime() } })
      t.equal(exitCodeOfRender(result), 4)
      t.equal(readFileSync(`${folder}/conf`, 'utf8'), '10 hosts\n')
    }
    t.match(await renderOnce(render, saying(siteOf(5, 2)), plain([]), io), { kind: 'written' }, 'half of them may go')
    t.match(await renderOnce(render, saying(siteOf(0, 0)), plain([], { acceptShrink: true }), io), { kind: 'written' })
    t.equal(readFileSync(`${folder}/conf`, 'utf8'), '0 hosts\n')
  },
)

t.test('without a file to start with, a source which is down is an error of its own', async t => {
  const folder = t.testdir()
  const render = renderOf(folder, [text(`${folder}/conf`, 'x')])
  const down = async () => {
    throw new StokerError('WAREHOUSE_FAILED', 'ldap', 'warehouse ldap: connection refused')
  }
  const result = await renderOnce(render, down, plain([]), io)
  t.match(result, { kind: 'kept', last: undefined })
  t.equal(exitCodeOfRender(result), 3)
  writeFileSync(`${folder}/conf`, 'from the package')
  const other = await renderOnce(render, down, plain([]), io)
  t.match(other, { kind: 'kept', last: { at: statSync(`${folder}/conf`).mtimeMs } }, 'a file nobody rendered is one')
})

t.test('a first render of nothing at all does not replace a file which somebody made', async t => {
  const folder = t.testdir({ conf: 'by hand' })
  const render = renderOf(folder, [text(`${folder}/conf`, '')])
  t.match(await renderOnce(render, saying(siteOf(0, 0)), plain([]), io), { kind: 'kept', reason: 'empty' })
  t.equal(readFileSync(`${folder}/conf`, 'utf8'), 'by hand')
})

t.test('data which has an error in it is not rendered', async t => {
  const folder = t.testdir({ conf: 'old' })
  const problem = {
    kind: 'bad-network',
    verdict: 'error',
    message: 'network x: the mask is none',
    origins: [],
  } as const
  const render = renderOf(folder, [text(`${folder}/conf`, 'new')])
  const result = await renderOnce(render, saying(siteOf(1), [problem]), plain([]), io)
  t.match(result, { kind: 'refused', problems: [problem], error: { message: /network x: the mask is none/ } })
  t.equal(readFileSync(`${folder}/conf`, 'utf8'), 'old')
})

t.test('a folder which is not there, and a folder in place of the file, are told by name', async t => {
  const folder = t.testdir({ conf: {} })
  for (const [path, message] of [
    [`${folder}/no/ne/conf`, /no\/ne\/conf: cannot be written: there is no such folder/],
    [`${folder}/conf`, /conf: cannot be read: it is no regular file/],
  ] as const)
    t.match(await renderOnce(renderOf(folder, [text(path, 'x')]), saying(siteOf(1)), plain([]), io), {
      kind: 'refused',
      error: { message },
    })
})

t.test('what a killed render left is removed, what a living one has is not', async t => {
  const folder = t.testdir({ conf: 'x', state: {} })
  const render = renderOf(folder, [text(`${folder}/conf`, 'x')])
  await renderOnce(render, saying(siteOf(1)), plain([]), io)
  const own = [besidePath(`${folder}/conf`), besidePath(`${folder}/other`)]
  for (const path of own) {
    writeFileSync(path, '')
    writeFileSync(path.replace(`-${process.pid}-`, '-4194999-'), '')
  }
  t.match(await renderOnce(render, saying(siteOf(1)), plain([]), io), { kind: 'same' })
  t.strictSame(readdirSync(folder).sort(), [...own.map(path => basename(path)), 'conf', 'state'].sort())
  t.strictSame(readdirSync(`${folder}/state`), ['last-good.json'])
})

t.test('a restart which has begun is not cut in the middle by an abort', async t => {
  const folder = t.testdir()
  const abort = new AbortController()
  const render = renderOf(folder, [text(`${folder}/conf`, 'x', { onChange: 'restart' })])
  const restart = ['sh', '-c', `mkfifo ${folder}/fifo; read go <${folder}/fifo; echo restarted >>${folder}/told`]
  const changes = watch(folder)
  const running = renderOnce({ ...render, service: { ...render.service, restart } }, saying(siteOf(1)), plain([]), {
    signal: abort.signal,
  })
  while (!existsSync(`${folder}/fifo`)) await once(changes, 'change')
  changes.close()
  abort.abort(new Error('enough'))
  writeFileSync(`${folder}/fifo`, 'go\n')
  t.match(await running, { kind: 'written', reload: { kind: 'done' } })
  t.equal(told(folder), 'restarted\n')
  t.notOk(existsSync(`${folder}/state/pending-reload.json`))
})

t.test('an abort ends it, and leaves nothing', async t => {
  const folder = t.testdir({ conf: 'old' })
  const abort = new AbortController()
  const check = () => ['sh', '-c', `mkfifo ${folder}/fifo; echo >${folder}/fifo; sleep 100`]
  const render = renderOf(folder, [text(`${folder}/conf`, 'new', { check })])
  const changes = watch(folder)
  const running = renderOnce(render, saying(siteOf(1)), plain([]), { signal: abort.signal })
  while (!existsSync(`${folder}/fifo`)) await once(changes, 'change')
  changes.close()
  const [reason] = await Promise.all([running.catch(thrown => thrown), abort.abort(new Error('enough'))])
  t.match(reason, { message: 'enough' })
  t.strictSame(readdirSync(folder).sort(), ['conf', 'fifo', 'state'])
  t.strictSame(readdirSync(`${folder}/state`), [])
})

t.test('the second of two renders reads when the first is done, so that newer data always wins', async t => {
  const folder = t.testdir()
  const render = renderOf(folder, [site => text(`${folder}/conf`, `${site.hosts.length}\n`)()])
  const order: string[] = []
  const reading = (count: number) => async () => {
    order.push(`read ${count}`)
    await new Promise(resolve => setImmediate(resolve))
    order.push(`answer ${count}`)
    return { site: siteOf(count), problems: [] }
  }
  const results = await Promise.all([1, 2].map(count => renderOnce(render, reading(count), plain([]), io)))
  t.strictSame(
    results.map(({ kind }) => kind),
    ['written', 'written'],
  )
  const [first = '', ...others] = order
  t.strictSame(others[0], first.replace('read', 'answer'), order.join(', '))
  t.equal(readFileSync(`${folder}/conf`, 'utf8'), `${order.at(-1)?.replace('answer ', '')}\n`)
})

t.test(
  'a render which waits in vain for another one keeps what is there, and tells which process is in the way',
  async t => {
    const folder = t.testdir({ conf: 'old' })
    const render = renderOf(folder, [text(`${folder}/conf`, 'new')])
    await using _lock = await takeLock(`${folder}/state/lock`, io)
    const result = await renderOnce(render, saying(siteOf(1)), plain([], { deadline: 1_000 }), io)
    const message = `another render (process ${process.pid}) was not done in the time which this one had`
    t.match(result, { kind: 'kept', reason: 'busy', error: { message } })
    t.equal(readFileSync(`${folder}/conf`, 'utf8'), 'old')
    t.match(await renderOnce(render, saying(siteOf(1)), plain([], { apply: false }), io), { kind: 'would-change' })
  },
)

t.test('several renders of one command are of one moment, and what one of them cannot do the others do', async t => {
  const folder = t.testdir({ b: 'old' })
  const one = (name: string, more: Partial<RenderedFile> = {}) =>
    renderOf(folder, [text(`${folder}/${name}`, 'new', more)], { name, state: renderState(`${folder}/state-${name}`) })
  const refusing = one('b', { check: () => ['false'] })
  const results = await renderAll([one('a'), refusing, one('c')], saying(siteOf(1)), plain([]), io)
  t.strictSame(
    results.map(({ name, kind }) => [name, kind]),
    [
      ['a', 'written'],
      ['b', 'refused'],
      ['c', 'written'],
    ],
  )
  t.equal(told(folder), 'reload\nreload\n')
})

t.test('a serial which follows from the live file is settled before comparing', async t => {
  const folder = t.testdir({ zone: 'serial 7\nold\n' })
  const settle = (wanted: string, before: string | undefined) => {
    const serial = Number(/\d+/.exec(before ?? '0')?.[0])
    const same = before?.replace(/\d+/, 'N') === wanted
    return same ? before : wanted.replace('N', String(serial + 1))
  }
  const zone = (content: string) => renderOf(folder, [text(`${folder}/zone`, content, { settle })])
  t.match(await renderOnce(zone('serial N\nold\n'), saying(siteOf(1)), plain([]), io), { kind: 'same' })
  t.match(await renderOnce(zone('serial N\nnew\n'), saying(siteOf(1)), plain([]), io), { kind: 'written' })
  t.equal(readFileSync(`${folder}/zone`, 'utf8'), 'serial 8\nnew\n')
})
