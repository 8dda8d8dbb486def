import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { listVersions, MAX_VERSIONS } from '../../../src/render/output/versions.ts'
import { renderOnce } from '../../../src/render/run/render-once.ts'
import { rollback } from '../../../src/render/run/rollback.ts'
import { plain, renderOf, saying, siteOf } from '../../fixtures/sites/render.ts'

const io = { signal: new AbortController().signal }

/** A render of two files, and what is live after it with so many hosts. */
const twoFiles = (folder: string) => {
  const check = (candidate: string) => ['grep', '-vq', 'broken', candidate]
  const file = (name: string) => ({ path: `${folder}/${name}`, mode: 0o644, onChange: 'reload', check }) as const
  const render = renderOf(folder, [
    site => ({ ...file('a'), text: `${site.hosts.length}\n` }),
    site => ({ ...file('b'), text: `${site.hosts.length > 2}\n` }),
  ])
  return {
    render,
    live: () => ['a', 'b'].map(name => readFileSync(`${folder}/${name}`, 'utf8').trim()).join(),
    write: (count: number) => renderOnce(render, saying(siteOf(count)), plain([], { acceptShrink: true }), io),
  }
}

t.test('the last versions are kept, all files of one moment together', async t => {
  const { render, live, write } = twoFiles(t.testdir())
  for (const count of [1, 2, 3, 4, 5, 6, 7]) t.match(await write(count), { kind: 'written' })
  const versions = await listVersions(render.state.folder)
  t.strictSame(
    versions.map(({ size }) => size?.hosts),
    [6, 5, 4, 3, 2],
  )
  t.equal(versions.length, MAX_VERSIONS)
  t.match(await rollback(render, 5, plain([]), io), { kind: 'written', reload: { kind: 'done', action: 'reload' } })
  t.equal(live(), '2,false')
  t.match(await rollback(render, 1, plain([]), io), { kind: 'written' }, 'it can be taken back')
  t.equal(live(), '7,true')
})

t.test('no warehouse is asked, and the next render writes what they say', async t => {
  const { render, live, write } = twoFiles(t.testdir())
  await write(1)
  await write(2)
  const said: string[] = []
  t.match(await rollback(render, 1, plain(said), io), { kind: 'written' })
  t.match(said, [/^test: this is what was live until \d{4}-.*Z; the next render writes what the warehouses say then$/])
  t.equal(live(), '1,false')
  t.match(await write(2), { kind: 'written' })
  t.equal(live(), '2,false')
})

t.test('after going back behind data which was too little, that is doubted again', async t => {
  const { render, write } = twoFiles(t.testdir())
  await write(10)
  await write(1)
  await rollback(render, 1, plain([]), io)
  const again = await renderOnce(render, saying(siteOf(1)), plain([]), io)
  t.match(again, { kind: 'kept', reason: 'shrunk', error: { message: /of 10 hosts only 1 are left/ } })
})

t.test('a version which the daemon refuses, or which is damaged, is not put in place', async t => {
  const folder = t.testdir({ a: 'broken', b: 'x' })
  const { render, live, write } = twoFiles(folder)
  await write(1)
  t.match(await rollback(render, 1, plain([]), io), { kind: 'refused', error: { message: /grep refuses it/ } })
  const [version] = await listVersions(render.state.folder)
  writeFileSync(`${render.state.folder}/versions/${version?.id}/0`, 'else')
  t.match(await rollback(render, 1, plain([]), io), { kind: 'refused', error: { message: /is damaged; try another/ } })
  t.equal(live(), '1,false')
})

t.test(
  'with --check it is told what would be, and a version which is not there is told by those which are',
  async t => {
    const { render, live, write } = twoFiles(t.testdir())
    await t.rejects(rollback(render, 1, plain([]), io), {
      code: 'USAGE',
      message: /no version 1 .*\(none was kept yet\)/,
    })
    await write(1)
    await write(2)
    const checking = plain([], { apply: false, diff: true })
    const expected = { kind: 'would-change', action: 'reload', files: [{ diff: /^-2\n\+1\n/m }, { change: 'same' }] }
    t.match(await rollback(render, 1, checking, io), expected)
    t.equal(live(), '2,false')
    await t.rejects(rollback(render, 2, plain([]), io), { code: 'USAGE', message: /no version 2 .*\(1: until / })
  },
)
