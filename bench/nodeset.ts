/**
 * `node bench/nodeset.ts [--quick]`: folding and expanding names, beside Debian's nodeset on the same machine: as a process,
 * as scripts use it, and inside one, where nothing but the language is measured. `--quick` stays with 10,000 names.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expand } from '../src/nodeset/expand.ts'
import { fold } from '../src/nodeset/fold.ts'
import { findProgram } from '../test/fixtures/servers/debian.ts'
import { machine, machineText } from './common/machine.ts'
import type { Program } from './common/measure.ts'
import { seconds, share, table } from './common/table.ts'
import { build } from './push/build.ts'
import { contest, median } from './push/rounds.ts'

/** What the names look like; all of them are irregular, so that there is something to do. */
const KINDS: Readonly<Record<string, (random: (limit: number) => number) => string>> = {
  'one number': random => `node${random(1_000_000)}`,
  'racks with holes': random => `r${random(110)}c${random(20)}n${random(50)}`,
  'four roles, three sites': random =>
    `${['web', 'db', 'gpu', 'login'][random(4)]}${String(random(100_000)).padStart(5, '0')}.site${random(3)}`,
  'letters and digits': random => `h${random(1e9).toString(36)}.example.org`,
}

/** Seconds for folding, and for expanding what was folded. */
interface Pair {
  readonly fold: number
  readonly expand: number
}

interface Row {
  readonly what: string
  readonly ours: Pair
  readonly theirs: Pair
}

/** Measures `ours` (the words before nodeset's flags) against nodeset; `folder` takes the names. */
async function* compare(ours: readonly [string, ...string[]], folder: string, sizes: readonly number[]) {
  for (const size of sizes)
    for (const [kind, make] of Object.entries(KINDS)) {
      const names = distinct(size, make)
      const what = `${size} names, ${kind}`
      const [list, folded] = [join(folder, 'list'), join(folder, 'folded')]
      writeFileSync(list, `${names.join('\n')}\n`)
      writeFileSync(folded, `${fold(names)}\n`)
      const rounds = size > 10_000 ? 1 : 3
      const process = async (flag: string, file: string) => {
        const standings = await contest(
          [ours, ['nodeset'] as const].map(words => ({ name: words[0], program: reading(words, flag, file) })),
          { rounds, say: text => say(`${what}, ${flag}: ${text}`) },
        )
        return standings.map(({ wall }) => wall) as [number, number]
      }
      const [fold1, fold2] = await process('-f', list)
      const [expand1, expand2] = await process('-e', folded)
      yield {
        what: `${what}, as a process`,
        ours: { fold: fold1, expand: expand1 },
        theirs: { fold: fold2, expand: expand2 },
      }
      say(`${what}, inside one`)
      yield { what: `${what}, inside one`, ours: inside(names, rounds), theirs: insidePython(list, folded) }
    }
}

const say = (text: string) => void process.stderr.write(`${text}\n`)

/** Distinct names, the same ones in every run. */
const distinct = (size: number, make: (random: (limit: number) => number) => string): readonly string[] => {
  let state = 1
  const random = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  const names = new Set<string>()
  // Of few possible names not all are taken: the last ones are long in coming.
  for (let tries = 0; names.size < size && tries < size * 10; tries++) names.add(make(random))
  return [...names]
}

const reading = (words: readonly [string, ...string[]], flag: string, file: string): Program => ({
  argv: ['bash', '-c', 'exec "$@" < "$0"', file, ...words, flag],
  lines: 1,
})

const inside = (names: readonly string[], rounds: number): Pair => {
  const times = Array.from({ length: rounds + 2 }, () => {
    const start = performance.now()
    const text = fold(names)
    const middle = performance.now()
    expand(text)
    return { fold: middle - start, expand: performance.now() - middle }
  })
  return {
    fold: median(times.map(time => time.fold)) / 1000,
    expand: median(times.map(time => time.expand)) / 1000,
  }
}

/** The same inside one Python: names to a node set to a text, and a text to names. */
const insidePython = (list: string, folded: string): Pair => {
  const script = [
    'import sys, time',
    'from ClusterShell.NodeSet import NodeSet',
    'names, text = open(sys.argv[1]).read().split(), open(sys.argv[2]).read().strip()',
    'start = time.time(); str(NodeSet.fromlist(names)); middle = time.time(); list(NodeSet(text)); end = time.time()',
    'print(middle - start, end - middle)',
  ].join('\n')
  const output = execFileSync('/usr/bin/python3', ['-c', script, list, folded], { encoding: 'utf8' })
  const [first = Number.NaN, second = Number.NaN] = output.trim().split(' ').map(Number)
  return { fold: first, expand: second }
}

const asTable = (rows: readonly Row[]): string =>
  table([
    ['', 'fold', 'nodeset', 'faster', 'expand', 'nodeset', 'faster', 'both faster'],
    ...rows.map(({ what, ours, theirs }) => [
      what,
      ...[seconds(ours.fold), seconds(theirs.fold), share(theirs.fold / ours.fold)],
      ...[seconds(ours.expand), seconds(theirs.expand), share(theirs.expand / ours.expand)],
      share((theirs.fold + theirs.expand) / (ours.fold + ours.expand)),
    ]),
  ])

/** Prints the figures; `ours` is the command line in front of nodeset's flags. */
export const nodesetBench = async (ours: readonly [string, ...string[]], quick: boolean): Promise<void> => {
  const print = (text: string) => void process.stdout.write(`${text}\n\n`)
  print(machineText(machine()))
  if (findProgram('nodeset') === undefined)
    return print('nodeset is not here, so there is nothing to compare with (Debian has it in clustershell)')
  const folder = mkdtempSync(join(tmpdir(), 'nodeset-bench-'))
  try {
    print(asTable(await Array.fromAsync(compare(ours, folder, quick ? [10_000] : [10_000, 100_000]))))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (import.meta.main)
  await nodesetBench([process.execPath, (await build()).stoker, 'nodes'], process.argv.includes('--quick'))
