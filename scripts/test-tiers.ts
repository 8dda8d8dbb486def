/** Which tests need nothing but Node, and which need more of a machine. Computed from what they import. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { importsOf } from '../test/fixtures/imports.ts'

/**
 * `unit`: neither root, nor programs of Debian, nor servers, nor a network beyond loopback; less than a minute in all.
 * `integration`: all others.
 */
export type Tier = 'unit' | 'integration'

const ROOT = join(import.meta.dirname, '..')

/** What such a path begins with starts daemons, whole systems, a Pulley server or our programs, or looks for what Debian has. */
const DEMANDING = [
  'test/fixtures/servers/',
  'test/fixtures/roots/',
  'test/fixtures/program/cli.ts',
  'test/fixtures/program/pulley',
] as const

/** What takes longest begins first, so that nothing long is left alone at the end. Others follow as they are named. */
export const LONGEST: readonly string[] = [
  'test/pulley/system/kill.ts',
  'test/commands/faces/clush.ts',
  'test/commands/push/apply.ts',
  'test/journal/kill.ts',
  'test/connection/login-shells.ts',
  'test/commands/faces/pdsh.ts',
  'test/policy/apply/kill.ts',
  'test/pulley/system/offline.ts',
  'test/actors/files/file.ts',
  'test/actors/files/copy.ts',
  'test/pulley/system/revert.ts',
  'test/render/data/boot.ts',
]
/** All test files, as paths below the root. */
export const testFiles = (): readonly string[] =>
  globSync('test/**/*.ts', { cwd: ROOT, exclude: path => /(^|\/)fixtures(\/|$)/.test(path) }).sort()

/** A test is of the tier `integration` when it, or a fixture of its own choice, imports something demanding. */
export const tierOf = (file: string): Tier => (isDemanding(file, new Set()) ? 'integration' : 'unit')

const isDemanding = (file: string, seen: Set<string>): boolean => {
  if (seen.has(file)) return false
  seen.add(file)
  return importsOf(file, readFileSync(join(ROOT, file), 'utf8')).some(
    ({ to, typesOnly }) =>
      !typesOnly && to.startsWith('test/') && (DEMANDING.some(path => to.startsWith(path)) || isDemanding(to, seen)),
  )
}
