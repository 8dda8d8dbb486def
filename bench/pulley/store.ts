/**
 * `node bench/pulley/store.ts [ROWS] [--json]`: what the store's most frequent questions cost with so many reports and so many
 * actions in SQLite (a million of each, when nothing is said), with its indexes and without, in turns on the same rows.
 */
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import type { Report } from '../../src/pulley/protocol/messages.ts'
import { openStore } from '../../src/pulley/store/open-store.ts'
import { openSqlite } from '../../src/pulley/store/sqlite.ts'
import type { Store } from '../../src/pulley/store/store.ts'
import { machine, machineText } from '../common/machine.ts'
import { table } from '../common/table.ts'

const VOS = 10
const NODES = 20_000
const DAY = 24 * 3_600_000
const NOW = Date.now()
/** As long as reports are kept. */
const FIRST = NOW - 90 * DAY
const TEXT = JSON.stringify({ what: 'x'.repeat(400) })

/** Of the last actions, those which a node has still to fetch. */
const PENDING = 1000

const nodeOf = (i: number): string => `n-${i % NODES}`
const voOf = (i: number): string => `vo${i % VOS}`

/** In the order of time, as they come. */
const fill = (path: string, rows: number): void => {
  using database = new DatabaseSync(path)
  database.exec('PRAGMA synchronous = OFF; BEGIN')
  const vo = database.prepare("INSERT INTO vos (name, public_key, created, successions) VALUES (?, ?, 0, '[]')")
  for (let i = 0; i < VOS; i++) vo.run(voOf(i), voOf(i))
  const node =
    database.prepare(`INSERT INTO nodes (id, vo, name, held_name, roles, public_key, seal_key, fingerprint, token,
    enrolled, version) VALUES (?, ?, ?, ?, '[]', ?, '', '{"macs":[]}', 't', 0, '1')`)
  for (let i = 0; i < NODES; i++) node.run(nodeOf(i), voOf(i), `wn${i}`, `wn${i}`, nodeOf(i))
  const report = database.prepare(
    'INSERT INTO reports (id, vo, node, happened, received, report) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const action =
    database.prepare(`INSERT INTO actions (id, vo, node, batch, name, envelope, state, created, expires, started,
    finished, result) VALUES (?, ?, ?, ?, 'shell', ?, ?, ?, ?, ?, ?, ?)`)
  for (let i = 0; i < rows; i++) {
    const at = FIRST + Math.floor((i / rows) * 90 * DAY)
    report.run(scattered('r', i), voOf(i), nodeOf(i), at, at, TEXT)
    const pending = i >= rows - PENDING
    action.run(
      ...[scattered('a', i), voOf(i), nodeOf(i), `b-${Math.floor(i / 100)}`, TEXT, pending ? 'queued' : 'done'],
      ...[at, NOW + DAY, pending ? null : at, pending ? null : at, pending ? null : TEXT],
    )
  }
  database.exec('COMMIT')
}

/** Ids are random, so that a new one comes anywhere in their index. */
const scattered = (kind: string, i: number): string => `${kind}-${((i * 2_654_435_761) % 2 ** 32).toString(16)}-${i}`

interface Question {
  readonly name: string
  ask(store: Store, i: number): Promise<unknown>
}

/** By how often they are asked: each poll, each report, each look of a server, each minute, each command of a person. */
const QUESTIONS: readonly Question[] = [
  {
    name: 'a poll with news: actions to start, and to end',
    ask: async (store, i) => {
      await store.fetchActions(voOf(i), nodeOf(i), NOW)
      await store.cancelledActions(voOf(i), nodeOf(i))
    },
  },
  { name: 'a report comes', ask: (store, i) => store.putReports(voOf(i), nodeOf(i), [report(i)], NOW + i) },
  { name: 'a session begins after a roll-back', ask: (store, i) => store.beginSession(nodeOf(i), session(i), NOW) },
  { name: 'what is pending in a VO', ask: (store, i) => store.pendingActions(voOf(i), NOW) },
  { name: 'nothing to forget', ask: store => store.prune(FIRST - DAY, NOW) },
  { name: 'the newest 100 reports of a node', ask: (store, i) => store.reports(voOf(i), { node: nodeOf(i) }) },
  { name: 'the newest 100 reports of a VO', ask: (store, i) => store.reports(voOf(i), {}) },
  { name: 'the newest 100 actions of a VO', ask: (store, i) => store.actions(voOf(i), { limit: 100 }) },
]

const report = (i: number): Report => ({
  ...{ id: `r-new-${performance.now()}-${i}`, at: NOW + i, took: 5, serial: 1, results: [], trouble: [] },
  counts: { ok: 1, changed: 0, drift: 0, failed: 0, skipped: 0 },
})

const session = (_: number) => ({ turn: 0, bootId: 'boot', version: '1', addresses: [], serial: 1 })

interface Figure {
  readonly name: string
  /** Seconds, the median. */
  readonly without: number
  readonly with: number
}

const ROUNDS = { without: 5, with: 200 }

const measure = async (store: Store, rounds: number): Promise<readonly number[]> => {
  const medians: number[] = []
  for (const { ask } of QUESTIONS) {
    const times: number[] = []
    for (let i = 0; i < rounds; i++) {
      const began = performance.now()
      await ask(store, i * 37)
      times.push((performance.now() - began) / 1000)
    }
    medians.push(times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN)
  }
  return medians
}

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true })
const rows = Number(positionals[0] ?? 1_000_000)
const here = machine()
await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-bench-'))
const path = join(folder.path, 'pulley.db')
const say = (text: string) => void process.stderr.write(`${text}\n`)
{
  await using _store = await openStore(openSqlite(path))
}
const indexes = (() => {
  using database = new DatabaseSync(path)
  return database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").all()
})()
const change = (statements: readonly string[]) => {
  using database = new DatabaseSync(path)
  for (const statement of statements) database.exec(statement)
}
change(indexes.map(({ name }) => `DROP INDEX ${name}`))
say(`${rows} reports and as many actions`)
fill(path, rows)
const ask = async (rounds: number) => {
  await using store = await openStore(openSqlite(path))
  return await measure(store, rounds)
}
say('without indexes')
const without = await ask(ROUNDS.without)
const began = performance.now()
change(indexes.map(({ sql }) => String(sql)))
const took = (performance.now() - began) / 1000
say('with indexes')
const withIndexes = await ask(ROUNDS.with)
const figures = QUESTIONS.map(
  ({ name }, i): Figure => ({ name, without: without[i] ?? Number.NaN, with: withIndexes[i] ?? Number.NaN }),
)
const ms = (seconds: number) => `${(seconds * 1000).toFixed(seconds < 0.1 ? 2 : 0)} ms`
if (values.json) process.stdout.write(`${JSON.stringify({ machine: here, rows, took, figures }, undefined, 2)}\n`)
else {
  const lines = figures.map(one => [
    one.name,
    ms(one.without),
    ms(one.with),
    `${(one.without / one.with).toFixed(0)} x`,
  ])
  const head = [`${rows.toLocaleString('en')} reports, as many actions`, 'without', 'with', 'without / with']
  process.stdout.write(
    `${machineText(here)}\nThe indexes were made in ${took.toFixed(0)} s.\n\n${table([head, ...lines])}\n`,
  )
}
