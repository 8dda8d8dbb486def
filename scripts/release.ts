/**
 * Makes a release: `node scripts/release.ts` checks, tests, packs and verifies, and changes nothing but the folder `release`.
 * With `--tag` it sets the tag as well, and says how to publish. It pushes and publishes nothing by itself.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { pack } from './pack.ts'
import { unpack, verifyPackage } from './verify-package.ts'

/** What a tree says of the release it would be. */
export interface ReleaseFacts {
  /** Paths which `git status` names. */
  readonly changed: readonly string[]
  /** The version, by the file which says so. */
  readonly versions: Readonly<Record<string, string | undefined>>
  /** What stands beside the version in the newest heading of CHANGELOG.md: a day, or `unreleased`. */
  readonly day: string | undefined
  /** All tags there are. */
  readonly tags: readonly string[]
}

const git = (root: string, ...words: readonly string[]): string =>
  execFileSync('git', ['-C', root, ...words], { encoding: 'utf8' })
const lines = (text: string): readonly string[] => text.split('\n').filter(line => line !== '')

/** Reads them; `root` is the top of a git work tree. */
export const releaseFacts = (root: string): ReleaseFacts => {
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const [, newest, day] = /^## (\S+)(?: \((.*)\))?$/m.exec(read('CHANGELOG.md')) ?? []
  return {
    changed: lines(git(root, 'status', '--porcelain')).map(line => line.slice(3)),
    versions: {
      'package.json': JSON.parse(read('package.json')).version,
      'package-lock.json': JSON.parse(read('package-lock.json')).version,
      'src/base/version.ts': /VERSION = '(.*)'/.exec(read('src/base/version.ts'))?.[1],
      'CHANGELOG.md': newest,
    },
    day,
    tags: lines(git(root, 'tag', '--list')),
  }
}

/** What stands in the way of a release. An unreleased heading stands in the way of the tag alone. */
export const releaseProblems = ({ changed, versions, day, tags }: ReleaseFacts, tag: boolean): readonly string[] => {
  const version = versions['package.json']
  const differing = Object.entries(versions).filter(([, one]) => one !== version)
  return [
    ...(changed.length > 0 ? [`the work tree is not clean: ${changed.join(', ')}`] : []),
    ...differing.map(([file, one]) => `${file} says ${one ?? 'no version'}, package.json ${version}`),
    ...(tags.includes(`v${version}`) ? [`there is a tag v${version} already`] : []),
    ...(tag && !/^\d{4}-\d\d-\d\d$/.test(day ?? '')
      ? [`CHANGELOG.md says ${day ?? 'no day'} beside ${version}; put the day there: 2030-12-31`]
      : []),
  ]
}

const USAGE = 'usage: node scripts/release.ts [--dry-run | --tag]\n'

const main = async (words: readonly string[]): Promise<number> => {
  const say = (text: string) => process.stderr.write(`release: ${text}\n`)
  let flags: { readonly tag?: boolean; readonly 'dry-run'?: boolean }
  try {
    const options = { tag: { type: 'boolean' }, 'dry-run': { type: 'boolean' } } as const
    flags = parseArgs({ args: [...words], options }).values
  } catch (thrown) {
    process.stderr.write(`release: ${(thrown as Error).message}\n${USAGE}`)
    return 2
  }
  const tag = flags.tag === true
  if (tag && flags['dry-run']) {
    process.stderr.write(USAGE)
    return 2
  }
  const root = join(import.meta.dirname, '..')
  const facts = releaseFacts(root)
  const problems = releaseProblems(facts, tag)
  for (const problem of problems) say(problem)
  if (problems.length > 0) return 1

  if (spawnSync('npm', ['test'], { cwd: root, stdio: 'inherit' }).status !== 0) {
    say('the tests fail')
    return 1
  }

  // The day in the manual pages: the same tree gives the same package.
  process.env.SOURCE_DATE_EPOCH = git(root, 'log', '-1', '--format=%ct').trim()
  const tarball = await pack(join(root, 'release'))
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-release-'))
  const home = join(folder.path, 'home')
  await mkdir(home)
  const faults = await verifyPackage(tarball, await unpack(tarball, folder.path), home)
  for (const fault of faults) say(fault)
  if (faults.length > 0) return 1

  const [version, path] = [facts.versions['package.json'], relative(root, tarball)]
  if (!tag) {
    say(`${path} is fit to be published; --tag sets the tag v${version}`)
    return 0
  }
  git(root, 'tag', '--annotate', `v${version}`, '--message', `Stoker ${version}`)
  say(`the tag v${version} is set. To publish:\n  git push origin v${version}\n  npm publish --access public ${path}`)
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
