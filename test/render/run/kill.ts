import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { findProgram, need } from '../../fixtures/servers/debian.ts'

const HOSTS = 400

/** The data of one generation: all addresses tell which. */
const inventory = (generation: number): string =>
  `nodes:\n${Array.from({ length: HOSTS }, (_, i) => {
    const [a, b] = [i >> 8, i & 255]
    const mac = `52:54:00:${[generation, a, b].map(byte => byte.toString(16).padStart(2, '0')).join(':')}`
    return `  n${i}: {address: 10.${generation}.${a}.${b}, mac: "${mac}"}\n`
  }).join('')}`

/** Which generation a file is of; throws when it is not whole, or of two. */
const generationOf = (text: string): number => {
  const found = [...text.matchAll(/^ {2}fixed-address 10\.(\d+)\./gm)].map(([, generation]) => Number(generation))
  if (found.length !== HOSTS || new Set(found).size !== 1 || !text.endsWith('}\n')) throw new Error('not whole')
  return found[0] as number
}

t.test('a render which is killed at any moment leaves one whole valid version', async t => {
  if (!need(t, 'dhcpd', 'isc-dhcp-server')) return
  const folder = t.testdir({ live: {}, state: {} })
  const at = (name: string) => join(folder, name)
  const live = at('live/dhcpd.conf')
  writeFileSync(
    at('stoker.yaml'),
    `warehouses: [{kind: file, path: nodes.yaml}]
networks: [{name: all, address: 10.0.0.0/8}]
render:
  dhcpd: {output: ${live}, restart: [cp, ${live}, ${at('running')}]}
`,
  )
  const options = { config: at('stoker.yaml'), env: { XDG_STATE_HOME: at('state') } }
  const state = at('state/stoker/render/dhcpd')
  const render = () => stoker(['render', 'dhcpd'], options)
  writeFileSync(at('nodes.yaml'), inventory(0))
  t.match(await render(), { code: 0 })
  mkdirSync(join(state, 'versions'), { recursive: true })

  /** Starts a render of new data and kills it when `when` says so. Whether it was killed before its end. */
  const killed = async (generation: number, when: (ended: Promise<unknown>) => Promise<unknown>): Promise<boolean> => {
    writeFileSync(at('nodes.yaml'), inventory(generation))
    const started = startStoker(['render', 'dhcpd'], options)
    await when(started.ended)
    started.process.kill('SIGKILL')
    return (await started.ended).signal === 'SIGKILL'
  }

  /** Resolves at the n-th change which the render makes to a file: each step of it is one or some of them. */
  const change = (n: number) => async (ended: Promise<unknown>) => {
    const nth = Promise.withResolvers<void>()
    let count = 0
    const folders = [at('live'), state, join(state, 'versions'), folder]
    const watchers = folders.map(path =>
      watch(path, (_, name) => {
        if (name !== 'nodes.yaml' && ++count >= n) nth.resolve()
      }),
    )
    await Promise.race([nth.promise, ended])
    for (const watcher of watchers) watcher.close()
  }
  // A render changes files some forty times.
  const moments = Array.from({ length: 20 }, (_, i) => change(1 + 2 * i))
  let before = 0
  let count = 0
  const seen = new Set<number>()
  for (const [i, when] of moments.entries()) {
    const generation = i + 1
    if (await killed(generation, when)) count += 1
    const found = generationOf(readFileSync(live, 'utf8'))
    t.ok(found === before || found === generation, `killed at ${i}: ${found} after ${before}`)
    execFileSync(findProgram('dhcpd') ?? 'dhcpd', ['-t', '-cf', live], { stdio: 'pipe' })
    seen.add(found === generation ? 1 : 0)
    before = found
  }
  t.ok(count >= 10, `${count} were killed before their end`)
  t.strictSame(seen, new Set([0, 1]), 'some before the swap, some after it')

  t.match(await render(), { code: 0 })
  t.equal(generationOf(readFileSync(live, 'utf8')), moments.length)
  t.equal(readFileSync(at('running'), 'utf8'), readFileSync(live, 'utf8'), 'no restart was lost')
  t.strictSame(readdirSync(at('live')), ['dhcpd.conf'])
  t.strictSame(
    readdirSync(state).filter(name => !['last-good.json', 'output', 'versions'].includes(name)),
    [],
    'nothing piles up',
  )
  t.ok(readdirSync(join(state, 'versions')).length <= 5)
})

t.test('a kill between the swap and the restart leaves the restart pending', async t => {
  const folder = t.testdir({ 'nodes.yaml': inventory(1) })
  const at = (name: string) => join(folder, name)
  const configure = (restart: string) =>
    writeFileSync(
      at('stoker.yaml'),
      `warehouses: [{kind: file, path: nodes.yaml}]
render:
  page: {service: template, template: page.hbs, format: plain, output: ${at('page')}, restart: [sh, -c, '${restart}']}
`,
    )
  writeFileSync(at('page.hbs'), '{{#each hosts}}{{name}} {{/each}}\n')
  const options = { config: at('stoker.yaml'), env: { XDG_STATE_HOME: at('state') } }
  configure(`echo begun; mkfifo ${at('fifo')}; read x <${at('fifo')}`)
  const changes = watch(folder)
  const started = startStoker(['render', 'page'], options)
  while (!existsSync(at('fifo'))) await once(changes, 'change')
  changes.close()
  started.process.kill('SIGKILL')
  await started.ended
  // Its restart still waits there.
  closeSync(openSync(at('fifo'), 'r+'))
  t.ok(existsSync(at('page')))
  configure(`echo told >>${at('told')}`)
  t.match(await stoker(['render', 'page'], options), { code: 0, stdout: /nothing to do: .*\n.*restart: done/ })
  t.match(await stoker(['render', 'page'], options), { code: 0, stdout: /nothing to do: .*network.*\n$/ })
  t.equal(readFileSync(at('told'), 'utf8'), 'told\n')
})
