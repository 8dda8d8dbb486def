import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { block, editBlock, markersOf } from '../../../actors/files/block.ts'
import { joinLines, raw, splitLines } from '../../../actors/files/lines.ts'
import { quote } from '../../../src/base/quote.ts'
import { convergentContract, localHost, runOn, sshHosts } from '../../fixtures/contracts/convergent.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox.ts'

const desired = (more: object) => {
  const { content, ...options } = block.parse({ path: '/etc/x', content: '', ...more })
  const body = options.state === 'absent' ? undefined : content === '' ? [] : raw(content ?? '').split('\n')
  return { ...options, body }
}
const edited = (before: string, more: object): string => {
  const lines = editBlock(splitLines(Buffer.from(before, 'latin1')), desired(more))
  return typeof lines === 'string' ? lines : Buffer.from(joinLines(lines)).toString('latin1')
}

const [B, E] = ['# BEGIN stoker: block', '# END stoker: block']

t.test('a block is added, replaced or left alone', async t => {
  for (const [before, more, after] of [
    ['', { content: 'x' }, `${B}\nx\n${E}\n`],
    ['a', { content: 'x\ny' }, `a\n${B}\nx\ny\n${E}\n`],
    ['a\nb\n', { content: 'x', after: '^a' }, `a\n${B}\nx\n${E}\nb\n`],
    ['a\nb\n', { content: 'x', before: 'BOF' }, `${B}\nx\n${E}\na\nb\n`],
    [`a\n${B}\nold\n\nolder\n${E}\nb`, { content: 'x', before: 'BOF' }, `a\n${B}\nx\n${E}\nb`],
    [`a\n${B}\nold\n${E}`, { content: 'x' }, `a\n${B}\nx\n${E}`],
    [`a\n${B}\nx\n${E}\n`, { content: 'x' }, `a\n${B}\nx\n${E}\n`],
    [`a\n  ${B} \nold\n${E}\n`, { content: 'x' }, `a\n${B}\nx\n${E}\n`],
    [`a\r\n`, { content: 'x\ny\r\nz' }, `a\r\n${B}\r\nx\r\ny\r\nz\r\n${E}\r\n`],
    [`a\n`, { content: 'x\r\ny' }, `a\n${B}\nx\r\ny\n${E}\n`],
    ['\xff\0\n', { content: 'ü' }, `\xff\0\n${B}\n\xc3\xbc\n${E}\n`],
    ['a\n', { content: '' }, `a\n${B}\n${E}\n`],
    [`${B}\n1\n${E}\na\n${B}\n2\n${E}\n`, { content: 'x' }, `${B}\nx\n${E}\na\n`],
    [`${B} 2\na\n`, { content: 'x' }, `${B} 2\na\n${B}\nx\n${E}\n`],
    [
      `a\n`,
      { content: 'x', marker: 'mine à', comment: '/* */' },
      raw('a\n/* BEGIN stoker: mine à */\nx\n/* END stoker: mine à */\n'),
    ],
    [`a\n`, { content: 'x', marker: ' à ', comment: '//' }, raw('a\n// BEGIN stoker: à\nx\n// END stoker: à\n')],
    [`a\n${B}\nx\n${E}\nb\n`, { state: 'absent' }, 'a\nb\n'],
    [`a\n${B}\nx\n${E}`, { state: 'absent' }, 'a\n'],
    [`${B}\n1\n${E}\na\n${B}\n2\n${E}\n`, { state: 'absent' }, 'a\n'],
    ['a\n', { state: 'absent' }, 'a\n'],
  ] as const) {
    t.equal(edited(before, more), after, `${JSON.stringify(before)} ${JSON.stringify(more)}`)
    t.equal(edited(after, more), after, 'and the second time nothing is left to do')
  }
})

t.test('markers which make no sense are told with their lines, and nothing is guessed', async t => {
  for (const [before, message] of [
    [`a\n${B}\nb\n`, 'the block begins at line 2 and ends nowhere'],
    [`a\n${E}\nb\n`, 'the block ends at line 2 and begins nowhere'],
    [`${B}\n${B}\n${E}\n`, 'the block begins at line 1 and again at line 2'],
    [`${B}\n${E}\n${E}\n`, 'the block ends at line 3 and begins nowhere'],
  ] as const)
    t.equal(edited(before, { content: 'x' }), message, JSON.stringify(before))
})

t.test('markers fit the comments of the file', async t => {
  t.strictSame(markersOf({ marker: 'x', comment: '#' }), { begin: '# BEGIN stoker: x', end: '# END stoker: x' })
  t.strictSame(markersOf({ marker: 'x', comment: '<!-- -->' }), {
    begin: '<!-- BEGIN stoker: x -->',
    end: '<!-- END stoker: x -->',
  })
})

t.test('wrong options are named', async t => {
  for (const [more, message] of [
    [{}, /option "content": is missing/],
    [{ content: 'x', template: 'y' }, /option "template": cannot stand beside/],
    [{ content: 'x', marker: 'a\nb' }, /option "marker"/],
    [{ content: 'x', marker: ' ' }, /option "marker"/],
    [{ content: 'x', comment: '/* x */' }, /option "comment"/],
    [{ content: 'x', after: '[' }, /option "after": is no regular expression/],
    [{ content: 'x', state: 'gone' }, /option "state": expected present or absent/],
  ] as const)
    t.throws(() => block.parse({ path: '/etc/x', ...more }), { code: 'ACTOR_OPTION', message }, JSON.stringify(more))
})

const host = localHost(t)

t.test('content which holds the marker is refused', async t => {
  const wrong = { path: '/etc/x', content: `x\n ${E}\r\n` }
  t.throws(() => block.parse(wrong), { code: 'ACTOR_OPTION', message: /option "content": holds a marker line/ })
  t.doesNotThrow(() => block.parse({ ...wrong, marker: 'other' }))
  const path = `${await host.folder()}/f`
  const run = runOn(block, { path, template: `{{node.name}}\n${B}`, create: true }, host)
  await t.rejects(run, { code: 'ACTOR_OPTION', message: /option "template": holds a marker line/ })
})

t.test('a template has the values of the node', async t => {
  const path = `${await host.folder()}/f`
  await runOn(block, { path, template: 'I am {{node.name}}\n', create: true }, host)
  t.equal(await readFile(path, 'utf8'), `${B}\nI am local\n${E}\n`)
  await t.rejects(runOn(block, { path, template: '{{node.nam}}' }, host), { code: 'CONFIG', message: /node\.nam/ })
})

t.test('a half block stops the run, and the file stays', async t => {
  const path = `${await host.folder()}/f`
  await writeFile(path, `${B}\n`)
  const { outcome } = await runOn(block, { path, content: 'x' }, host)
  t.match(outcome, {
    kind: 'failed',
    error: { message: /begins at line 1 and ends nowhere; repair the marker lines by hand/ },
  })
  t.equal(await readFile(path, 'utf8'), `${B}\n`)
})

const content = `-n $(x) 'q' "d" \\n %s \`b\`\n\nü`
t.test('the exam of convergent actors', async t => {
  await convergentContract(
    t,
    block,
    [
      {
        title: 'two blocks in a file',
        before: ({ folder, sh }) => sh(`printf 'a\\nb\\n' >${quote(`${folder}/it's`)}`),
        options: ({ folder }) => ({ path: `${folder}/it's`, content, after: '^a' }),
        after: async (t, { folder, host }) => {
          const path = `${folder}/it's`
          t.equal(await readFile(path, 'utf8'), `a\n${B}\n${content}\n${E}\nb\n`)
          await runOn(block, { path, content: '2', marker: 'two' }, host)
        },
        reverse: ({ folder }) => ({ path: `${folder}/it's`, state: 'absent' }),
        reversed: async (t, { folder }) => {
          t.equal(await readFile(`${folder}/it's`, 'utf8'), 'a\nb\n# BEGIN stoker: two\n2\n# END stoker: two\n')
        },
      },
    ],
    [host, ...(await sshHosts(t)), ...(await busyboxHosts(t))],
  )
})
