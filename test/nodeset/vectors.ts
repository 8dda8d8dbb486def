/**
 * Runs a table of node-set cases against the library and the calculator, and prints every case which differs.
 *
 *     node test/nodeset/vectors.ts FILE.tsv
 *
 * Three columns: expression, operation, expected; `# FIX name = json` lines hold groups.conf texts for operations which end
 * in `@name`. Differences which docs/nodesets.md explains are counted apart. Exit code 1: there are others.
 */
import { readFile } from 'node:fs/promises'
import { nodes } from '../../src/commands/nodes/nodes.ts'
import { evaluator } from '../../src/nodeset/evaluate.ts'
import { fold } from '../../src/nodeset/fold.ts'
import { foldRanks } from '../../src/nodeset/sets/axis.ts'
import { families, rangeFamily } from '../../src/nodeset/sets/family.ts'
import { inOrder } from '../../src/nodeset/sets/order.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { parseRangeSet } from '../../src/nodeset/syntax/ranges.ts'
import { groupsConf } from '../fixtures/sites/groups-conf.ts'

/** Cases which differ on purpose, in the words of docs/nodesets.md. */
const DELIBERATE: readonly { readonly reason: string; readonly matches: (row: Row) => boolean }[] = [
  {
    reason: 'Digits beside a range are put beside each of its numbers.',
    matches: ({ expression }) => ['0[7-9,10]', 'prod-2[10-320]'].includes(expression),
  },
  {
    reason: 'Negative numbers are written as such only where they meet zero.',
    matches: ({ expression, operation }) => /^(fold|expand)$/.test(operation) && /^n\[.*-12[,\]]/.test(expression),
  },
]

interface Row {
  readonly expression: string
  readonly operation: string
  readonly expected: string
}

const fixtures = new Map<string, string>()
const rows: Row[] = []

const unescaped = (text: string): string =>
  text.replaceAll(/\\([\\tnr])/g, (_, char: string) => ({ '\\': '\\', t: '\t', n: '\n', r: '\r' })[char] ?? char)

const signal = new AbortController().signal

const setOf = async (text: string, fixture: string): Promise<ReadonlySet<string>> => {
  if (text.trim() === '') return new Set()
  const ask = evaluator({
    signal,
    groups: async () => groupsConf(fixtures.get(fixture) ?? ''),
    readList: async path => Promise.reject(new Error(`${path}: no such file`)),
  })
  return await ask.names(parseExpression(text))
}

const runNodes = async (args: readonly string[], stdin: string, fixture: string) => {
  let stdout = ''
  let stderr = ''
  const rc = await nodes(args, {
    stdin: (async function* () {
      yield Buffer.from(stdin)
    })(),
    stdout: text => {
      stdout += text
    },
    stderr: text => {
      stderr += text
    },
    groups: async () => groupsConf(fixtures.get(fixture) ?? ''),
  })
  return { rc, stdout, stderr }
}

const ranges = (text: string, autostep?: number): string => {
  const family = rangeFamily([...parseRangeSet(text)])
  return family.axes[0] && family.boxes[0]?.[0] ? foldRanks(family.axes[0], family.boxes[0][0], autostep) : ''
}

/** What we make of a row; compared with its last column. */
const actual = async ({ expression, operation }: Row): Promise<string> => {
  const [plain = '', fixture = ''] = operation.split('@')
  const [what = '', ...settings] = plain.split(':')
  const autostep = settings[0]?.startsWith('autostep=') ? Number(settings[0].slice('autostep='.length)) : undefined
  switch (what) {
    case 'fold':
    case 'api-fold':
      return fold(await setOf(expression, fixture), { autostep })
    case 'count':
    case 'api-count':
      return String((await setOf(expression, fixture)).size)
    case 'expand':
      return inOrder(families(await setOf(expression, fixture))).join(' ')
    case 'api-expand':
      return JSON.stringify(inOrder(families(await setOf(expression, fixture))), undefined, 1).replaceAll(/\n ?/g, ' ')
    case 'error':
      return await setOf(expression, fixture).then(
        names => fold(names),
        () => 'error',
      )
    case 'rs-fold':
      return ranges(expression, autostep)
    case 'rs-count':
      return String(parseRangeSet(expression).size)
    case 'rs-expand':
      return inOrder([rangeFamily([...parseRangeSet(expression)])]).join(' ')
    case 'rs-error':
      try {
        return ranges(expression)
      } catch {
        return 'error'
      }
    case 'fold-args': {
      const { stdout } = await runNodes(['-f', ...expression.split(' ')], '', fixture)
      return stdout.replace(/\n$/, '')
    }
    case 'cli': {
      const { args, stdin = '' } = JSON.parse(expression) as {
        readonly args: readonly string[]
        readonly stdin?: string
      }
      return JSON.stringify(await runNodes(args, stdin, fixture))
    }
    default:
      throw new Error(`unknown operation ${operation}`)
  }
}

interface Result {
  readonly rc: number
  readonly stdout?: string
  readonly stderr?: string
}

const agrees = (row: Row, got: string): boolean => {
  if (row.operation.startsWith('api-expand'))
    return JSON.stringify(JSON.parse(got)) === JSON.stringify(JSON.parse(row.expected))
  if (/^(rs-)?error/.test(row.operation)) return got === 'error'
  if (!row.operation.startsWith('cli')) return got === row.expected
  const wanted = JSON.parse(row.expected) as Result
  const found = JSON.parse(got) as Result
  return (
    found.rc === wanted.rc &&
    (wanted.stdout === undefined || found.stdout === wanted.stdout) &&
    (wanted.stderr === undefined || found.stderr?.endsWith(wanted.stderr) === true)
  )
}

const path = process.argv[2]
if (!path) throw new Error('usage: node test/nodeset/vectors.ts FILE.tsv')
for (const line of (await readFile(path, 'utf8')).split('\n')) {
  const fixture = /^# FIX (\w+) = (.*)$/.exec(line)
  if (fixture?.[1] && fixture[2]) fixtures.set(fixture[1], JSON.parse(fixture[2]) as string)
  if (line.startsWith('#') || line === '') continue
  const [expression = '', operation = '', expected = ''] = line.split('\t')
  const json = operation.startsWith('cli')
  rows.push({
    expression: json ? expression : unescaped(expression),
    operation,
    expected: json || operation.startsWith('api-expand') ? expected : unescaped(expected),
  })
}

let holds = 0
const deliberate = new Map<string, number>()
const differing: Row[] = []
for (const row of rows) {
  const got = await actual(row).catch((error: Error) => `threw ${error.message}`)
  if (agrees(row, got)) {
    holds++
    continue
  }
  const known = DELIBERATE.find(({ matches }) => matches(row))
  if (known) {
    deliberate.set(known.reason, (deliberate.get(known.reason) ?? 0) + 1)
    continue
  }
  differing.push(row)
  console.log(`${row.operation}\t${row.expression}\n  expected ${row.expected}\n  got      ${got}`)
}
console.log(
  `${rows.length} cases: ${holds} hold, ${rows.length - holds - differing.length} differ on purpose, ${differing.length} differ`,
)
for (const [reason, count] of deliberate) console.log(`  ${count} on purpose: ${reason}`)
process.exitCode = differing.length > 0 ? 1 : 0
