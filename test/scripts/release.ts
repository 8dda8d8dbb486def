import { execFileSync, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type ReleaseFacts, releaseFacts, releaseProblems } from '../../scripts/release.ts'

const ROOT = join(import.meta.dirname, '../..')
const READY: ReleaseFacts = {
  changed: [],
  versions: { 'package.json': '1.2.3', 'CHANGELOG.md': '1.2.3' },
  day: '2030-01-31',
  tags: ['v1.2.2'],
}

t.test('a tree which is ready has no problem; each lack is told', async t => {
  t.strictSame(releaseProblems(READY, true), [])
  for (const [change, message] of [
    [{ changed: ['README.md', 'new.ts'] }, 'the work tree is not clean: README.md, new.ts'],
    [
      { versions: { ...READY.versions, 'src/base/version.ts': '1.2.4' } },
      'src/base/version.ts says 1.2.4, package.json 1.2.3',
    ],
    [
      { versions: { ...READY.versions, 'CHANGELOG.md': undefined } },
      'CHANGELOG.md says no version, package.json 1.2.3',
    ],
    [{ tags: ['v1.2.3'] }, 'there is a tag v1.2.3 already'],
    [{ day: 'unreleased' }, 'CHANGELOG.md says unreleased beside 1.2.3; put the day there: 2030-12-31'],
    [{ day: undefined }, 'CHANGELOG.md says no day beside 1.2.3; put the day there: 2030-12-31'],
  ] as const)
    t.strictSame(releaseProblems({ ...READY, ...change }, true), [message])
})

t.test('a dry run does not mind that the day is not known yet', async t => {
  t.strictSame(releaseProblems({ ...READY, day: 'unreleased' }, false), [])
})

t.test('the facts are those of the tree', async t => {
  const root = t.testdir({
    'CHANGELOG.md': '# Changelog\n\n## 0.9.0 (unreleased)\n\n- news\n\n## 0.8.0 (2030-01-01)\n',
    'package.json': '{"version": "0.9.0"}',
    'package-lock.json': '{"version": "0.8.0"}',
    src: { base: { 'version.ts': "export const VERSION = '0.9.0'\n" } },
  })
  const git = (...words: readonly string[]) => execFileSync('git', ['-C', root, ...words], { stdio: 'pipe' })
  git('init', '--quiet')
  git('add', '.')
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'first')
  git('tag', 'v0.8.0')
  const versions = {
    'package.json': '0.9.0',
    'package-lock.json': '0.8.0',
    'src/base/version.ts': '0.9.0',
    'CHANGELOG.md': '0.9.0',
  }
  t.strictSame(releaseFacts(root), { changed: [], versions, day: 'unreleased', tags: ['v0.8.0'] })
  await writeFile(join(root, 'new.ts'), '')
  t.strictSame(releaseFacts(root).changed, ['new.ts'])
})

t.test('the versions of this tree agree', async t => {
  const { versions } = releaseFacts(ROOT)
  t.strictSame([...new Set(Object.values(versions))].length, 1, JSON.stringify(versions))
})

t.test('words which it does not know are told, before anything is done', async t => {
  for (const words of [['--tga'], ['--tag', '--dry-run'], ['1.0.0']]) {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/release.ts'), ...words], {
      encoding: 'utf8',
    })
    t.equal(status, 2)
    t.match(stderr, /usage: node scripts\/release\.ts \[--dry-run \| --tag\]\n$/)
  }
})
