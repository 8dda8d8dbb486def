/**
 * Runs the tests with tap and says, in its last line, how many passed and failed. Of a file where all is well one line is
 * shown, and what it skipped; of any other everything. Arguments are test files, or a tier (see test-tiers.ts); none means all.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LONGEST, testFiles, tierOf } from './test-tiers.ts'

/** Most files wait for servers more than they compute; more at once than this, and they wait for each other. */
const JOBS = availableParallelism() + 1
/** Seconds after which a file is taken to hang. No test may need that: on a slow machine all of them take longer. */
const HANGS = 1800

const files = [...wanted(process.argv.slice(2))].sort((a, b) => rank(a) - rank(b))
const tap = spawn('tap', ['--disable-coverage', '--reporter=tap', `--timeout=${HANGS}`, `--jobs=${JOBS}`, ...files], {
  env: {
    ...process.env,
    TAP_TYPE_STRIP_ONLY: '1',
    // Hundreds of processes load the same code.
    NODE_COMPILE_CACHE: join(import.meta.dirname, '../.tap/compile-cache'),
  },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = once(tap, 'close')
const counts = { passed: 0, failed: 0, skipped: 0 }
let block: string[] = []

for await (const line of createInterface({ input: tap.stdout })) {
  const test = /^ *(not )?ok \d+(.*)$/.exec(line)
  // Lines which sum up a group of their own are no tests; they stand after an indented plan.
  const isLeaf = test !== null && !line.endsWith('{') && !/# time=/.test(line)
  if (test && isLeaf) {
    if (/# SKIP/i.test(test[2] ?? '')) counts.skipped += 1
    else if (test[1]) counts.failed += 1
    else counts.passed += 1
  }
  block.push(line)
  if (/^ok /.test(line)) {
    for (const skipped of block.filter(one => /# SKIP/i.test(one))) console.log(skipped.trim())
    // With npm run soak, how many cases were tried is what one wants to know.
    if (process.env.SOAK)
      for (const comment of block.filter(one => /^ *# (?!Subtest|time=)/.test(one))) console.log(comment.trim())
    console.log(line)
    block = []
  } else if (/^not ok /.test(line)) {
    console.log(block.join('\n'))
    block = []
  }
}
console.log(block.join('\n'))

const [code] = await ended
// A file which cannot be loaded, or dies, has no failed test of its own; it must count all the same.
if (code !== 0 && counts.failed === 0) counts.failed = 1
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = code === 0 && counts.passed > 0 ? 0 : 1

function wanted(words: readonly string[]): readonly string[] {
  const [tier] = words
  if (tier === undefined) return testFiles()
  if (tier === 'unit' || tier === 'integration') return testFiles().filter(file => tierOf(file) === tier)
  return words
}

function rank(file: string): number {
  const place = LONGEST.indexOf(file)
  return place === -1 ? LONGEST.length : place
}
