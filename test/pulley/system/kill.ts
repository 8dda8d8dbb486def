/** Agents and server are killed again and again while bundles and orders flow; in the end everything is known. */
import { watch } from 'node:fs'
import { mkdir, readdir, readFile, watch as watchFolder } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { Journal } from '../../../src/pulley/agent/orders/journal.ts'
import { Folder } from '../../../src/pulley/agent/state/folder.ts'
import { IDENTITY, PROGRESS } from '../../../src/pulley/agent/state/identity-files.ts'
import { pack } from '../../../src/pulley/bundle/tree.ts'
import { BUNDLE, ORDER } from '../../../src/pulley/protocol/documents.ts'
import { seal } from '../../../src/pulley/protocol/envelope.ts'
import { newId } from '../../../src/pulley/protocol/names.ts'
import type { Action } from '../../../src/pulley/store/store.ts'
import {
  type AgentProcess,
  enrol,
  type PulleySite,
  pollOnce,
  startAgent,
  startPulleySite,
  VO,
} from '../../fixtures/program/pulley-processes.ts'
import { seeded } from '../../fixtures/seeded.ts'
import { until } from '../../fixtures/until.ts'

const NODES = 5
const KILLS = 25
/** An agent is killed at one of so many changes of its folder, the server after one of so many answers. */
const MOST_WRITES = 100
const MOST_ANSWERS = 40
/** Orders for a node at once. */
const ORDERS = 4
/** Milliseconds, when there is nothing to do. */
const LONGEST_LIFE = 4000

interface Sent {
  readonly id: string
  readonly node: string
  readonly name: string
}

t.test('whoever is killed, whenever: nothing runs twice, and every end is known or told as unknown', async t => {
  await using site = await startPulleySite()
  await using stack = new AsyncDisposableStack()
  const over = new AbortController()
  stack.defer(() => over.abort())
  const token = await site.token('workers')
  const names = Array.from({ length: NODES }, (_, i) => `wn${i + 1}`)
  const states = new Map(names.map(name => [name, join(site.folder, 'state', name)]))
  const url = `http://127.0.0.1:${site.port}`
  await Promise.all(
    [...states].map(([name, state]) => enrol({ state }, ['--server', url, '--token-file', token, '--name', name])),
  )
  const nodes = new Map((await site.nodes()).map(node => [node.name, node.id]))
  await mkdir(join(site.folder, 'ran'))
  const written = new Set<string>()
  for (const state of states.values()) stack.use(await noteReports(state, written))

  const publish = (serial: number): Promise<void> => {
    const file = `{path: "${site.folder}/{{node.name}}.version", content: "${serial}\\n"}`
    return publishBundle(site, serial, `resources:\n  - file: ${file}\n  - command: {command: 'true'}\n`)
  }
  const sent: Sent[] = []
  /** More orders for those who have few left. */
  const send = async (): Promise<void> => {
    let waiting: readonly Action[] = []
    await patiently(async () => {
      waiting = (await site.actions()).filter(({ finished }) => finished === undefined)
    })
    const fresh = [...nodes].flatMap(([name, node]) => {
      const left = waiting.filter(action => action.node === node).length
      return left > ORDERS / 2 ? [] : Array.from({ length: ORDERS }, () => ({ id: newId('a'), node, name }))
    })
    if (fresh.length === 0) return
    sent.push(...fresh)
    const line = ({ id, name }: Sent) =>
      `echo ${id} >>${site.folder}/ran/${name}; echo out ${id}; sleep 0.1; echo end ${id}`
    await order(site, fresh, line)
  }

  /** Those which may live on. */
  const agents: AgentProcess[] = []
  const random = seeded(t)
  let [agentKills, serverKills] = [0, 0]
  const agentDies = async (state: string): Promise<void> => {
    while (agentKills < KILLS) {
      const killed = new AbortController()
      await using agent = startAgent({ state }, random.below(5) === 0 ? ['--once'] : [])
      await Promise.race([life(state, random.below(MOST_WRITES), killed), agent.ended])
      const { signal, code, stderr } = await agent.end('SIGKILL')
      killed.abort()
      if (signal === 'SIGKILL') agentKills++
      else t.ok([0, 4].includes(code ?? -1), `it did what it was started for, as far as there was a server: ${stderr}`)
    }
    agents.push(stack.use(startAgent({ state })))
  }
  const serverDies = async (): Promise<void> => {
    while (serverKills < KILLS) {
      await Promise.race([site.server.answers(random.below(MOST_ANSWERS)), setTimeout(LONGEST_LIFE)])
      serverKills++
      t.equal((await site.server.end('SIGKILL')).signal, 'SIGKILL')
      await site.server.begin()
    }
  }
  const flow = async (killing: Promise<unknown>): Promise<number> => {
    let version = 1
    let isOver = false
    const noted = killing.finally(() => {
      isOver = true
    })
    for (; !isOver; version++) {
      await publish(version)
      for (let i = 0; i < 3 && !isOver; i++) {
        await send()
        await Promise.race([noted, setTimeout(500)])
      }
    }
    await noted
    return version - 1
  }
  const newest = await flow(Promise.all([serverDies(), ...[...states.values()].map(agentDies)]))
  t.ok(agentKills >= KILLS && serverKills >= KILLS, `${agentKills} agents and ${serverKills} servers were killed`)

  t.comment(
    Object.fromEntries(
      [...Map.groupBy(await site.actions(), one => one.state)].map(([state, list]) => [state, list.length]),
    ),
  )
  const why = () => agents.map(agent => agent.text().slice(-1500)).join('\n---\n')
  const actions = await until(
    'all actions have ended',
    async () => {
      const all = await site.actions()
      return all.every(({ state }) => !['queued', 'fetched', 'started'].includes(state)) && all
    },
    { why },
  )
  await until(
    'all are on the newest bundle',
    async () => (await site.nodes()).every(({ lastReport }) => lastReport?.serial === newest),
    { why },
  )
  for (const agent of agents) t.equal((await agent.end('SIGTERM')).code, 0)
  // What it wrote last is told at the next start.
  for (const state of states.values()) t.equal((await pollOnce({ state })).code, 0)

  const known = new Map(actions.map(action => [action.id, action]))
  const counts: Record<string, number> = {}
  for (const { id, name } of sent) {
    const state = known.get(id)?.state ?? 'lost'
    counts[state] = (counts[state] ?? 0) + 1
    const lines = (await readFile(join(site.folder, 'ran', name), 'utf8').catch(() => '')).split('\n')
    const times = lines.filter(line => line === id).length
    if (state === 'done') t.equal(times, 1, `${id} is done`)
    else if (state === 'unknown' || state === 'failed') t.ok(times <= 1, `${id} is ${state}, ran ${times} times`)
    else t.fail(`${id} is ${state}`)
    if (state === 'done') t.equal(await site.output(id), `out ${id}\nend ${id}\n`)
  }
  t.comment(counts)
  t.ok((counts.done ?? 0) > sent.length / 2, 'most could be done')

  const arrived = new Set((await site.reports()).map(report => report.id))
  t.ok(written.size > NODES, `${written.size} reports were written`)
  t.strictSame(
    [...written].filter(id => !arrived.has(id)),
    [],
    'every report arrived',
  )
  for (const name of names)
    t.equal(await readFile(join(site.folder, `${name}.version`), 'utf8'), `${newest}\n`, 'and says the truth')

  t.equal((await site.server.end('SIGTERM')).code, 0)
  using database = new DatabaseSync(join(site.server.data, 'pulley.db'))
  t.strictSame(
    database
      .prepare('PRAGMA integrity_check')
      .all()
      .map(row => row.integrity_check),
    ['ok'],
  )
  for (const state of states.values()) {
    const folder = new Folder(state)
    t.ok(await folder.read(IDENTITY.file, IDENTITY.schema))
    t.ok(await folder.read(PROGRESS.file, PROGRESS.schema))
    const entries = await new Journal(folder).entries()
    t.strictSame([...new Set(entries.map(entry => entry.state))], ['told'])
    t.strictSame(
      (await readdir(join(state, 'actions'))).filter(name => !name.endsWith('.json') && !name.endsWith('.new')),
      [],
      'no output is left behind',
    )
  }
  await site.server.begin()
})

/** The server may be away just now. */
const patiently = async (work: () => Promise<void>): Promise<void> => {
  let last = ''
  const done = () =>
    work().then(
      () => true,
      thrown => {
        last = String(thrown)
        return false
      },
    )
  await until('the server takes it', done, { why: () => last })
}

const publishBundle = async ({ admin }: PulleySite, serial: number, policy: string): Promise<void> => {
  const { bytes, sha256 } = pack(new Map([['policy.yaml', Buffer.from(policy)]]))
  const issued = Date.now()
  const terms = { vo: VO, serial, issued, expires: issued + 3_600_000, nodes: [], roles: [], sealed: {} }
  const document = seal(BUNDLE, { ...terms, content: { sha256, size: bytes.length } }, admin.key)
  await patiently(async () => void (await admin.json('PUT', `/blobs/${sha256}`, bytes, soon())))
  await patiently(async () => void (await admin.json('POST', '/bundles', { document, note: '' }, soon())))
}

const soon = () => ({ signal: AbortSignal.timeout(600_000) })

const order = async ({ admin }: PulleySite, list: readonly Sent[], line: (one: Sent) => string): Promise<void> => {
  const issued = Date.now()
  const terms = { vo: VO, issued, expires: issued + 3_600_000, repeatable: false, timeLimit: 0 }
  const documents = list.map(one => {
    const { id, node } = one
    return seal(ORDER, { ...terms, id, node, name: 'shell', actor: 'shell', argument: line(one) }, admin.key)
  })
  const body = { batch: newId('a'), name: 'shell', documents }
  await patiently(async () => void (await admin.json('POST', '/actions', body, soon())))
}

/** Notes the id of every report which comes to lie in the agent's folder. */
const noteReports = async (state: string, into: Set<string>): Promise<AsyncDisposable> => {
  const folder = join(state, 'reports')
  await mkdir(folder, { recursive: true })
  const watcher = watch(folder, (_event, name) => {
    const [, id] = /^\d+-(r-\w+)\.json$/.exec(name ?? '') ?? []
    if (id) into.add(id)
  })
  return { [Symbol.asyncDispose]: async () => watcher.close() }
}

/** Returns at the n-th change of any file below the folder; or some time after the first, with which its life begins. */
const life = async (folder: string, n: number, over: AbortController): Promise<void> => {
  const { signal } = over
  let seen = 0
  try {
    for await (const _ of watchFolder(folder, { recursive: true, signal })) {
      if (++seen >= n) return
      if (seen === 1)
        setTimeout(LONGEST_LIFE, undefined, { signal }).then(
          () => over.abort(),
          () => {}, // it has been killed
        )
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}
