/** An agent without its server: what it goes on with, and what is told of that afterwards. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Report } from '../../../src/pulley/protocol/messages.ts'
import {
  enrol,
  type PulleySite,
  pollOnce,
  startAgent,
  startPulleySite,
} from '../../fixtures/program/pulley-processes.ts'
import { until } from '../../fixtures/until.ts'

/** A node which has never polled. */
const ready = async () => {
  await using stack = new AsyncDisposableStack()
  const site = stack.use(await startPulleySite())
  const place = { state: join(site.folder, 'state') }
  const token = await site.token('all')
  await enrol(place, ['--server', `http://127.0.0.1:${site.port}`, '--token-file', token, '--name', 'wn1'])
  const file = join(site.folder, 'version')
  const moved = stack.move()
  return { site, place, file, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

const publish = async (site: PulleySite, file: string, version: number, words: readonly string[] = []) => {
  const folder = join(site.folder, 'policy')
  await mkdir(folder, { recursive: true })
  const policy = `resources:\n  - file: {path: "${file}", content: "${version}\\n"}\n`
  await writeFile(join(folder, 'policy.yaml'), policy)
  await site.pulley(['publish', folder, ...words])
}

/** The reports which the agent keeps for the server. */
const noted = async (state: string): Promise<readonly Report[]> => {
  const folder = join(state, 'reports')
  const names = (await readdir(folder)).filter(name => name.endsWith('.json'))
  return await Promise.all(names.map(async name => JSON.parse(await readFile(join(folder, name), 'utf8'))))
}

const text = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')

t.test(
  'a machine which boots while there is no server converges on what was last good, and tells it later',
  async t => {
    await using here = await ready()
    const { site, place, file } = here
    await publish(site, file, 1)
    t.equal((await pollOnce(place)).code, 0)
    t.equal(await text(file), '1\n')
    await publish(site, file, 2)
    await site.server.end('SIGKILL')
    await writeFile(file, 'damaged\n')
    await using agent = startAgent(place)
    await until('repaired', async () => (await text(file)) === '1\n', { why: agent.text })
    await agent.says(/no contact \(1\): no answer from http/)
    await agent.says(/drift file/)
    await until('it is noted', async () => (await noted(place.state)).some(report => report.counts.drift > 0))
    const back = Date.now()
    await site.server.begin()
    const drift = await until(
      'it is told',
      async () => (await site.reports()).find(report => report.counts.drift > 0),
      { why: agent.text },
    )
    t.equal(drift.serial, 1)
    t.ok(drift.at < back, 'with the time at which it was')
    await until('the newest', async () => (await text(file)) === '2\n', { why: agent.text })
    t.equal((await agent.end('SIGTERM')).code, 0)
  },
)

t.test('a machine whose server is away tells a timer so by exit code 4, and has converged', async t => {
  await using here = await ready()
  const { site, place, file } = here
  await publish(site, file, 1)
  t.equal((await pollOnce(place)).code, 0)
  await site.server.end('SIGTERM')
  await writeFile(file, 'damaged\n')
  t.equal((await pollOnce(place)).code, 4)
  t.equal(await text(file), '1\n')
})

t.test('a bundle which expires is applied as before, and told as stale until there is a newer one', async t => {
  await using here = await ready()
  const { site, place, file } = here
  let serial = 0
  /** It is in use, and told as fresh, before it expires; on a slow machine that takes one which lives longer. */
  const inUse = async (seconds: number): Promise<void> => {
    serial++
    await publish(site, file, 1, ['--expires', `${seconds}s`])
    const polled = await pollOnce(place)
    const status = await site.pulley(['status'], [0, 1])
    if (polled.code !== 0 || status.code !== 0) await inUse(seconds * 3)
  }
  await inUse(5)
  await site.server.end('SIGKILL')
  const { expires } = await expiry(place.state, serial)
  await until('it has expired', async () => Date.now() > expires)
  await writeFile(file, 'damaged\n')
  t.equal((await pollOnce(place)).code, 4)
  t.equal(await text(file), '1\n')
  await site.server.begin()
  t.equal((await pollOnce(place)).code, 0)
  const { stdout } = await site.pulley(['status'], [1])
  t.match(stdout, new RegExp(`stale: wn1 \\(1\\): bundle ${serial} expired at 20\\d\\d-`))
  await publish(site, file, 2)
  t.equal((await pollOnce(place)).code, 0)
  t.equal((await site.pulley(['status'])).code, 0)
  t.equal(await text(file), '2\n')
})

t.test('a node which is silent for several of its own intervals is told, with how long', async t => {
  await using here = await ready()
  const { site, place, file } = here
  await publish(site, file, 1)
  t.equal((await pollOnce(place)).code, 0)
  const { stdout } = await until('it is silent', async () => {
    const ended = await site.pulley(['status'], [0, 1])
    return ended.code === 1 && ended
  })
  t.match(stdout, /silent: wn1 \(1\), the longest for \d+ /)
})

/** As it was signed. */
const expiry = async (state: string, serial: number): Promise<{ readonly expires: number }> => {
  const { payload } = JSON.parse(await readFile(join(state, `bundles/${serial}/bundle.json`), 'utf8'))
  return JSON.parse(Buffer.from(payload, 'base64').toString())
}
