import { chmod, chown, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { editLine, line } from '../../../actors/files/line.ts'
import { joinLines, splitLines } from '../../../actors/files/lines.ts'
import { quote } from '../../../src/base/quote.ts'
import { convergentContract, localHost, runOn, sshHosts } from '../../fixtures/contracts/convergent.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox.ts'

const options = (more: object) => line.parse({ path: '/etc/x', ...more })
const edited = (before: string, more: object) => {
  const edit = editLine(splitLines(Buffer.from(before, 'latin1')), options(more))
  return edit && Buffer.from(joinLines(edit.lines)).toString('latin1')
}

t.test('a line is added, replaced or left alone', async t => {
  for (const [before, more, after] of [
    ['', { line: 'x' }, 'x\n'],
    ['a\n', { line: 'x' }, 'a\nx\n'],
    ['a', { line: 'x' }, 'a\nx\n'],
    ['x\n', { line: 'x' }, undefined],
    ['a\nx', { line: 'x' }, undefined],
    ['xx\n', { line: 'x' }, 'xx\nx\n'],
    ['x \n', { line: 'x' }, 'x \nx\n'],
    ['A=1\nB=1\n', { line: 'A=2', match: '^A=' }, 'A=2\nB=1\n'],
    ['A=1', { line: 'A=2', match: '^A=' }, 'A=2'],
    ['A=1\r\nB\r\n', { line: 'A=2', match: '^A=1$' }, 'A=2\r\nB\r\n'],
    ['A\nB\r\n', { line: 'C', match: '^B' }, 'A\nC\r\n'],
    ['#A=1\nB\nA=1\nC\n', { line: 'A=2', match: '^#?A=' }, '#A=1\nB\nA=2\nC\n'],
    ['A=2\nA=1\n', { line: 'A=2', match: '^A=' }, 'A=2\nA=2\n'],
    ['A=1\nA=2\n', { line: 'A=2', match: '^A=' }, undefined],
    ['B\n', { line: 'A', match: '^X' }, 'B\nA\n'],
    ['B\nA\n', { line: 'A', match: '^X' }, undefined],
    ['a\nb\nc\n', { line: 'x', after: '^a' }, 'a\nx\nb\nc\n'],
    ['a\nb\nc\n', { line: 'x', before: 'b' }, 'a\nx\nb\nc\n'],
    ['a\nb\n', { line: 'x', before: 'BOF' }, 'x\na\nb\n'],
    ['a\nb\n', { line: 'x', after: 'none' }, 'a\nb\nx\n'],
    ['a\nA=1\n', { line: 'A=2', match: '^A', before: 'BOF' }, 'a\nA=2\n'],
    ['Gr\xc3\xb6\xc3\x9fe=1\n', { line: 'Größe=2', match: '^Gr..e=' }, 'Gr\xc3\xb6\xc3\x9fe=2\n'],
    ['\xff\xfe\n\0A=1\n', { line: 'x', match: 'A=1' }, '\xff\xfe\nx\n'],
    ['a\n', { line: '$& $1 \\1', match: 'a' }, '$& $1 \\1\n'],
    ['a\n', { line: '', match: 'a' }, '\n'],
  ] as const)
    t.equal(edited(before, more), after, `${JSON.stringify(before)} ${JSON.stringify(more)}`)
})

t.test('lines are removed: those which are equal, and those which match', async t => {
  for (const [before, more, after] of [
    ['a\nx\nb\nx\n', { line: 'x' }, 'a\nb\n'],
    ['a\nb\n', { line: 'x' }, undefined],
    ['a\nb', { line: 'b' }, 'a\n'],
    ['a1\nb\na2\n', { match: '^a' }, 'b\n'],
    ['a1\nb\nc\n', { match: '^a', line: 'c' }, 'b\n'],
    ['x', { line: 'x' }, ''],
  ] as const)
    t.equal(edited(before, { ...more, state: 'absent' }), after, JSON.stringify(before))
})

t.test('whatever the file, a second run finds nothing to do', async t => {
  const texts = ['', 'A=1', 'A=1\nB=3\n', 'A=1\nA=2\nA=1\n', 'B=3\nA=1\n', 'x\r\n#A=9\r\n']
  const wishes = [
    { line: 'A=1' },
    { line: 'A=2', match: '^#?A=' },
    { line: 'B=3', match: '^A=' },
    { line: 'B=3', match: '^A=', after: '^A' },
    { match: 'A', state: 'absent' },
    { line: 'A=1', match: '^B', state: 'absent' },
  ]
  for (const text of texts)
    for (const desired of wishes) {
      const once = edited(text, desired) ?? text
      t.equal(edited(once, desired), undefined, `${JSON.stringify(text)} ${JSON.stringify(desired)}`)
    }
})

t.test('it is told which lines change, and which match too; never what is in them', async t => {
  const what = (before: string, more: object) => editLine(splitLines(Buffer.from(before)), options(more))?.what
  t.equal(what('a\nb\n', { line: 'x', after: 'a' }), 'add a line at 2')
  t.equal(what('a\na\na\nb\n', { line: 'secret', match: 'a' }), 'replace line 3 (lines 1, 2 match too, and stay)')
  t.equal(what('a\na\n', { line: 'secret', match: 'a' }), 'replace line 2 (line 1 matches too, and stays)')
  t.equal(what('a\n'.repeat(9), { match: 'a', state: 'absent' }), 'remove lines 1, 2, 3, 4, 5 and 4 more')
})

t.test('wrong options are named', async t => {
  for (const [more, message] of [
    [{ path: 'etc/x', line: 'x' }, /option "path": expected an absolute path/],
    [{}, /option "line": is missing/],
    [{ state: 'absent' }, /option "line": is missing/],
    [{ line: 'a\nb' }, /option "line": is more than one line; the actor block/],
    [{ line: 'x', match: '(' }, /option "match": is no regular expression: .*\(/],
    [{ line: 'x', match: '\\-' }, /option "match": is no regular expression/],
    [{ line: 'x', after: '(' }, /option "after": is no regular expression/],
    [{ line: 'x', after: 'a', before: 'b' }, /option "before": cannot stand beside/],
    [{ line: 'x', mach: 'x' }, /did you mean "match"/],
    [{ line: 'x', create: 'maybe' }, /option "create"/],
  ] as const)
    t.throws(() => options(more), { code: 'ACTOR_OPTION', message }, JSON.stringify(more))
})

const folder = await mkdtemp(join(tmpdir(), 'stoker-line-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const host = localHost(t)

t.test('a file which is missing: created when asked, else a check tells, and applying fails', async t => {
  const path = join(folder, 'none')
  const checked = await runOn(line, { path, line: 'x' }, host, { apply: false })
  t.match(checked.stdout, /would change .*: add a line, once there is the file/)
  const applied = await runOn(line, { path, line: 'x' }, host)
  t.match(applied.outcome, { kind: 'failed', error: { message: /there is no such file; create=true makes it/ } })
  t.match((await runOn(line, { path, line: 'x', state: 'absent' }, host)).outcome, { kind: 'ok', changed: false })
})

t.test('owner and mode stay, and a symbolic link stays one', async t => {
  const [path, link] = [join(folder, 'real'), join(folder, 'link')]
  await writeFile(path, 'a\n')
  await chmod(path, 0o640)
  if (process.getuid?.() === 0) await chown(path, 12345, 12346)
  await symlink('real', link)
  const { stdout } = await runOn(line, { path: link, line: 'x' }, host, { diff: true })
  t.equal(await readFile(path, 'utf8'), 'a\nx\n')
  const { mode, uid } = await stat(path)
  t.equal(mode & 0o7777, 0o640)
  if (process.getuid?.() === 0) t.equal(uid, 12345)
  t.notMatch(stdout, /^\+x/m, 'and what not everybody may read is in no diff')
})

t.test('a diff is shown when asked', async t => {
  const path = join(folder, 'open')
  await writeFile(path, 'a\nb\n')
  const { stdout } = await runOn(line, { path, line: 'B', match: '^b' }, host, { diff: true, apply: false })
  t.match(stdout, /^-b\n\+B\n/m)
})

t.test('a folder is no file', async t => {
  const { outcome } = await runOn(line, { path: folder, line: 'x', create: true }, host)
  t.match(outcome, { kind: 'failed', error: { message: /it is a directory/ } })
})

const names = ['conf', 'it\'s $(touch oops) `x` "q" ü\n-rf']
t.test('the exam of convergent actors', async t => {
  await convergentContract(
    t,
    line,
    names.flatMap(name => [
      {
        title: `a line in ${JSON.stringify(name)}`,
        before: ({ folder, sh }) => sh(`printf 'a\\r\\n\\377\\0\\r\\nb' >${quote(`${folder}/${name}`)}`),
        options: ({ folder }) => ({ path: `${folder}/${name}`, line: `'"$(x) \\n%s ü`, after: '^a' }),
        after: async (t, { folder }) => {
          const bytes = await readFile(`${folder}/${name}`)
          t.equal(bytes.toString('latin1'), `a\r\n'"$(x) \\n%s \xc3\xbc\r\n\xff\0\r\nb`)
        },
        reverse: ({ folder }) => ({ path: `${folder}/${name}`, line: `'"$(x) \\n%s ü`, state: 'absent' }),
        reversed: async (t, { folder }) => {
          t.equal((await readFile(`${folder}/${name}`)).toString('latin1'), 'a\r\n\xff\0\r\nb')
        },
      },
      {
        title: `a file which is made: ${JSON.stringify(name)}`,
        options: ({ folder }) => ({ path: `${folder}/${name}`, line: '-n', create: 'yes' }),
      },
    ]),
    [host, ...(await sshHosts(t)), ...(await busyboxHosts(t))],
  )
})
