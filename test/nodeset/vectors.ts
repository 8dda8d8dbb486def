/**
 * The field's node-set cases (vectors.tsv, whose first lines say where they come from) against the library and the calculator.
 * Three columns: expression, operation, expected; `# FIX name = json` lines hold groups.conf texts for operations which end
 * in `@name`. A case may differ only where docs/nodesets.md says why; each of these is listed below, and must differ.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { nodes } from '../../src/commands/nodes/nodes.ts'
import { evaluator } from '../../src/nodeset/evaluate.ts'
import { fold } from '../../src/nodeset/fold.ts'
import { foldRanks } from '../../src/nodeset/sets/axis.ts'
import { families, rangeFamily } from '../../src/nodeset/sets/family.ts'
import { inOrder } from '../../src/nodeset/sets/order.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { parseRangeSet } from '../../src/nodeset/syntax/ranges.ts'
import { groupsConf } from '../fixtures/sites/groups-conf.ts'

/** Cases which differ on purpose, in the words of docs/nodesets.md: operation and expression. */
const DELIBERATE: Readonly<Record<string, readonly string[]>> = {
  'Digits beside a range are put beside each of its numbers.': [
    'error 0[7-9,10]',
    'fold prod-2[10-320]',
    'count prod-2[10-320]',
  ],
  'Negative numbers are written as such only where they meet zero.': [
    'fold n[-12,-10--9,-5--1,1-5]',
    'fold n[1-5,-12,-5--1,-10--9]',
    'fold n[1,-10,2-4,-12,5,-5,-4,-3,-9,-2--1]',
    'fold n[1,-10,2-4,-12],n[5,-5,-4,-3,-9,-2--1]',
    'expand n[-12,-10--9,-5--1,1-5]',
    'expand n[1-5,-12,-5--1,-10--9]',
    'expand n[1,-10,2-4,-12,5,-5,-4,-3,-9,-2--1]',
    'expand n[1,-10,2-4,-12],n[5,-5,-4,-3,-9,-2--1]',
  ],
}

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
const actual = (row: Row): Promise<string> => computed(row).catch((error: Error) => `threw ${error.message}`)

const computed = async ({ expression, operation }: Row): Promise<string> => {
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
  if (got.startsWith('threw ')) return false
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

for (const line of readFileSync(join(import.meta.dirname, 'vectors.tsv'), 'utf8').split('\n')) {
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

const idOf = ({ operation, expression }: Row): string => `${operation} ${expression}`
const deliberate = new Set(Object.values(DELIBERATE).flat())

t.test(`${rows.length} cases of the field's node-set language hold`, async t => {
  t.ok(rows.length > 2_100, 'the table is whole')
  for (const row of rows) {
    if (deliberate.has(idOf(row))) continue
    const found = await actual(row)
    if (!agrees(row, found)) t.fail(idOf(row), { expected: row.expected, found })
  }
})

for (const [reason, ids] of Object.entries(DELIBERATE))
  t.test(`${ids.length} cases differ on purpose: ${reason}`, async t => {
    for (const id of ids) {
      const row = rows.find(one => idOf(one) === id)
      if (!row) t.fail(`${id} is in no row`)
      else t.notOk(agrees(row, await actual(row)), id)
    }
  })
