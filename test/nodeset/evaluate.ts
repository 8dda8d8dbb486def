import t from 'tap'
import { evaluator } from '../../src/nodeset/evaluate.ts'
import { fold } from '../../src/nodeset/fold.ts'
import { memberships, regroup } from '../../src/nodeset/regroup.ts'
import { parseList } from '../../src/nodeset/syntax/list.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { groupsConf } from '../fixtures/sites/groups-conf.ts'

// `case` answers per group; the sources can do ever less: site everything, rack no `all`, bare only `map`.
const CONF = `
[Main]
default: site

[site]
map: case $GROUP in web) echo web[1-4];; db) echo db1 db2;; front) echo @web,mail;; far) echo @rack:r1;; here) echo @web;; loop) echo @a,x;; a) echo @b;; b) echo @loop;; file) echo '^/etc/hostname';; odd) echo 'web[1-2] !web1';; *) exit 1;; esac
all: echo web[1-4] db[1-2] mail
list: echo web db front

[rack]
map: case $GROUP in r1) echo web[1-2];; r2) echo web[3-4] db1;; web) echo other;; here) echo @web;; *) exit 1;; esac
list: echo r[1-2]
reverse: case $NODE in web1|web2) echo r1;; web3|web4|db1) echo r2;; esac

[bare]
map: echo node$GROUP
`

const asking = (source?: string, files: Readonly<Record<string, string>> = {}) =>
  evaluator({
    signal: new AbortController().signal,
    groups: async () => groupsConf(CONF),
    source,
    readList: async path => parseList(files[path] ?? '', path),
  })

const folded = async (text: string, source?: string) => fold(await asking(source).names(parseExpression(text)))

t.test('groups, all nodes, group names, wildcards and regular expressions become names', async t => {
  for (const [text, expected] of [
    ['@web', 'web[1-4]'],
    ['@site:web', 'web[1-4]'],
    ['@rack:r[1-2]', 'db1,web[1-4]'],
    ['@front', 'mail,web[1-4]'],
    ['@far', 'web[1-2]'],
    ['@bare:7', 'node7'],
    ['@*', 'db[1-2],mail,web[1-4]'],
    ['@rack:*', 'db1,web[1-4]'],
    ['@@', 'db,front,web'],
    ['@@rack', 'r[1-2]'],
    ['*1', 'db1,web1'],
    ['web[2-9]*', 'web[2-4]'],
    ['/b2$/', 'db2,web2'],
    ['@web!@rack:r1', 'web[3-4]'],
    ['@web&@rack:r1,x', 'web[1-2],x'],
    ['*!(@web!web1)', 'db[1-2],mail,web1'],
    ['*^web*', 'db[1-2],mail'],
    ['nothing', 'nothing'],
  ] as const)
    t.equal(await folded(text), expected, text)
})

t.test(
  'a group without a source is looked up where it stands: in the chosen source, or the one of its group',
  async t => {
    t.equal(await folded('@web', 'rack'), 'other')
    t.equal(await folded('@rack:here'), 'other')
    t.equal(await folded('@rack:here,@here'), 'other,web[1-4]')
    t.strictSame(await asking('rack').sources(), ['rack', 'site', 'bare'])
  },
)

t.test('what cannot be answered is an error which says so, never a short list', async t => {
  for (const [text, code, message] of [
    ['@nosuch:web', 'UNKNOWN_NAME', /Unknown group source: "nosuch"/],
    ['@web,@none', 'WAREHOUSE_FAILED', /Group error/],
    ['@bare:*', 'WAREHOUSE_FAILED', /Not enough working methods \(all or map \+ list\) to get all nodes/],
    ['@@bare', 'WAREHOUSE_FAILED', /No list upcall defined for group source "bare"/],
    ['@bare:(rack=1)', 'EXPRESSION', /bare does not answer queries/],
    ['@file', 'EXPRESSION', /a group cannot name a file/],
  ] as const)
    await t.rejects(folded(text), { code, message }, text)
})

t.test('a group which contains itself is refused, and the path is shown', async t => {
  await t.rejects(folded('@loop'), {
    code: 'GROUP_CYCLE',
    message: 'a group contains itself: @site:loop -> @site:a -> @site:b -> @site:loop',
  })
})

t.test('a file holds one expression a line, and may name other files but not itself', async t => {
  const ask = asking(undefined, {
    hosts: '# all of them\nweb[1-2]\n\n  @rack:r2 !db1 # not the database\n^more\r\na#b\n',
    more: 'x',
    loop: 'a\n^loop',
    bad: 'a\nn[2-1]',
  })
  t.equal(fold(await ask.names(parseExpression('^hosts'))), 'a#b,web[1-4],x')
  await t.rejects(ask.names(parseExpression('^loop')), { code: 'GROUP_CYCLE', message: /\^loop -> \^loop/ })
  await t.rejects(ask.names(parseExpression('^bad')), { code: 'EXPRESSION', message: /^bad:2: "n\[2-1\]", column 3/ })
})

t.test('nodes are said with groups which are complete, the largest first', async t => {
  const label = (group: string) => `@${group}`
  const said = async (text: string, source: string) => {
    const ask = asking(source)
    const nodes = await ask.names(parseExpression(text))
    return regroup(nodes, await memberships(nodes, ask, undefined), { label })
  }
  t.equal(await said('web[1-4]', 'site'), '@web')
  t.equal(await said('web[1-4],mail,x', 'site'), '@front,x')
  t.equal(await said('web[1-3]', 'site'), 'web[1-3]')
  t.equal(await said('web[1-4],db1', 'rack'), '@r[1-2]')
  t.equal(await said('web[1-2],db1', 'rack'), '@r1,db1')
  t.equal(await said('x', 'bare'), 'x', 'a source which can neither list nor be asked')
})

t.test('an aborted evaluation ends with the reason', async t => {
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  const ask = evaluator({
    signal: stop.signal,
    groups: async () => groupsConf(CONF),
    readList: async path => parseList('', path),
  })
  await t.rejects(ask.names(parseExpression('@web')), { message: 'enough' })
})
