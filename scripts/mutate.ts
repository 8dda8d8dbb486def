/**
 * Shows what the tests do not notice: changes a source file a little, again and again, and runs its tests each time. Prints
 * every change which survives, and what share was noticed. Arguments are files of the table in `mutate/subjects.ts`, or
 * `FILE:LINE` for the changes of one line; none means the whole table. Ends with 1 when anything survives that is not in the
 * table with a reason, or when something is in the table that does not survive.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Mutant, mutantsOf, mutated } from './mutate/mutants.ts'
import { SUBJECTS, type Subject } from './mutate/subjects.ts'

const ROOT = join(import.meta.dirname, '..')
/** A change may make a loop endless; milliseconds, and how many times what the tests take without any. */
const LEAST_LIMIT = 10_000
const PATIENCE = 4

/** A copy in which the tests run, so that a change is never seen by anybody else. */
const copyOf = (root: string): string => {
  const copy = mkdtempSync(join(tmpdir(), 'stoker-mutants-'))
  const files = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const file of files.stdout.toString().split('\0').filter(Boolean))
    cpSync(join(root, file), join(copy, file), { recursive: true, dereference: false, force: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

type Verdict = 'noticed' | 'survived' | 'endless'

/** Runs a test file; whatever it started is ended with it when it takes too long. */
const run = async (copy: string, test: string, limit: number): Promise<Verdict> => {
  const child = spawn(process.execPath, [test], {
    cwd: copy,
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, TAP_BAIL: '1', TAP_TIMEOUT: '300', NODE_COMPILE_CACHE: join(copy, '.compiled') },
  })
  const end = () => process.kill(-(child.pid as number), 'SIGKILL')
  const timer = setTimeout(end, limit)
  const [code, signal] = await once(child, 'exit')
  clearTimeout(timer)
  return signal === 'SIGKILL' ? 'endless' : code === 0 ? 'survived' : 'noticed'
}

const judge = async (copy: string, tests: readonly string[], limits: readonly number[]): Promise<Verdict> => {
  for (const [i, test] of tests.entries()) {
    const verdict = await run(copy, test, limits[i] as number)
    if (verdict !== 'survived') return verdict
  }
  return 'survived'
}

/** Those which the compiler takes: what it refuses cannot come to be unnoticed. All at once, each beside its source. */
const compiling = (copy: string, file: string, source: string, mutants: readonly Mutant[]): readonly Mutant[] => {
  if (mutants.length === 0) return []
  const names = mutants.map((_, i) => file.replace(/\.ts$/, `.mutant${i}.ts`))
  for (const [i, name] of names.entries()) writeFileSync(join(copy, name), mutated(source, mutants[i] as Mutant))
  const { stdout } = spawnSync('tsc', { cwd: copy })
  for (const name of names) rmSync(join(copy, name))
  const said = stdout.toString()
  return mutants.filter((_, i) => !said.includes(`${names[i]}(`))
}

const changeOf = ({ from, to }: Mutant): string => `${from.replaceAll(/\s+/g, ' ')} -> ${to === '' ? 'nothing' : to}`

/** Tests one file, and returns whether all is as the table has it. */
const examine = async (copy: string, file: string, onlyLine: number | undefined): Promise<boolean> => {
  const { tests, equivalent = [], scripts } = SUBJECTS[file] as Subject
  const source = readFileSync(join(copy, file), 'utf8')
  const lines = source.split('\n').map(line => line.trim())
  const limits: number[] = []
  for (const test of tests) {
    const began = performance.now()
    if ((await run(copy, test, 600_000)) !== 'survived') throw new Error(`${test} fails as it is`)
    limits.push(Math.max(LEAST_LIMIT, PATIENCE * (performance.now() - began)))
  }
  const mutants = mutantsOf(source, scripts).filter(({ line }) => onlyLine === undefined || line === onlyLine)
  const unnoticed: Mutant[] = []
  for (const mutant of mutants) {
    writeFileSync(join(copy, file), mutated(source, mutant))
    if ((await judge(copy, tests, limits)) === 'survived') unnoticed.push(mutant)
  }
  writeFileSync(join(copy, file), source)
  const survivors = compiling(copy, file, source, unnoticed)
  const excuseOf = (mutant: Mutant) =>
    equivalent.findIndex(([line, change]) => line === lines[mutant.line - 1] && change === changeOf(mutant))
  const excused = new Set(survivors.map(excuseOf))
  const wrong = survivors.filter(mutant => excuseOf(mutant) < 0)
  const stale = onlyLine === undefined ? equivalent.filter((_, i) => !excused.has(i)) : []
  for (const mutant of wrong) console.log(`${file}:${mutant.line}: ${changeOf(mutant)}\n    ${lines[mutant.line - 1]}`)
  for (const [line, change] of stale)
    console.log(`${file}: is noticed, and stands in the table: ${change}\n    ${line}`)
  const [all, noticed] = [mutants.length - (survivors.length - wrong.length), mutants.length - survivors.length]
  const share = ((100 * noticed) / Math.max(1, all)).toFixed(1)
  console.log(`${file}: ${noticed} of ${all} noticed, ${share} %; ${mutants.length - all} make no difference`)
  return wrong.length + stale.length === 0
}

const copy = copyOf(ROOT)
process.once('SIGINT', () => process.exit(130)).once('exit', () => rmSync(copy, { recursive: true, force: true }))
for (const word of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SUBJECTS)) {
  const [, path = '', line] = /^(.*?)(?::(\d+))?$/.exec(word) ?? []
  const file = resolve(path).slice(ROOT.length + 1)
  if (!SUBJECTS[file]) throw new Error(`${path} is not in scripts/mutate/subjects.ts`)
  if (!(await examine(copy, file, line === undefined ? undefined : Number(line)))) process.exitCode = 1
}
