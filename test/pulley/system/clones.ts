/** State folders which are where they should not be: on another machine, or back from an earlier time. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  enrol,
  type PulleySite,
  pollOnce,
  startAgent,
  startPulleySite,
} from '../../fixtures/program/pulley-processes.ts'
import {
  type NatMachine,
  needNatSites,
  putToken,
  readIn,
  serverUrl,
  startNatSites,
} from '../../fixtures/servers/nat-sites.ts'
import { until } from '../../fixtures/until.ts'

const FOLDER = '/var/lib/pulley'

/** As whoever makes an image does: everything, as it is at this moment. */
const copyState = async (from: NatMachine, to: NatMachine): Promise<void> => {
  const packed = await from.says(['sh', '-c', `tar -C ${FOLDER} -cz . | base64 -w0`])
  await to.says(['sh', '-c', `mkdir -p ${FOLDER} && echo "$1" | base64 -d | tar -C ${FOLDER} -xz`, 'sh', packed])
}

const publish = async (site: PulleySite, text: string): Promise<void> => {
  const folder = join(site.folder, 'policy')
  await mkdir(folder, { recursive: true })
  const file = `{path: /etc/version, content: "${text} on {{node.name}}\\n"}`
  await writeFile(join(folder, 'policy.yaml'), `resources:\n  - file: ${file}\n`)
  await site.pulley(['publish', folder])
}

/** An enrolled machine which has converged on a first bundle, and others which are bare. */
const image = async (t: Test, names: readonly string[], uses = '10') => {
  if (!needNatSites(t)) return undefined
  await using stack = new AsyncDisposableStack()
  const nat = stack.use(await startNatSites([names]))
  const site = stack.use(await startPulleySite({ host: '0.0.0.0' }))
  const [original, ...others] = nat.machines as [NatMachine, ...NatMachine[]]
  const token = await site.token('image', ['--role', 'workers', '--uses', uses])
  const file = await putToken(original, token)
  await enrol(original.agent, ['--server', serverUrl(site.port), '--token-file', file])
  const [node] = await site.nodes()
  if (!node) throw new Error('nobody has enrolled')
  await publish(site, 'first')
  const on = (serial: number, count: number, why?: () => string) =>
    until(
      `${count} on bundle ${serial}`,
      async () => (await site.nodes()).filter(one => one.lastReport?.serial === serial).length === count,
      { ...(why && { why }) },
    )
  const moved = stack.move()
  return { site, original, others, token, node, on, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

t.test("a copy on another machine enrols anew with the image's token, and takes nothing over", async t => {
  await using ready = await image(t, ['golden', 'copy'])
  if (!ready) return
  const { site, original, others, token, node, on } = ready
  const [copy] = others as [NatMachine]
  await using first = startAgent(original.agent)
  await on(1, 1, first.text)
  await putToken(copy, token)
  // With the lock of the agent which runs.
  await copyState(original, copy)
  await using second = startAgent(copy.agent)
  await on(1, 2, second.text)

  const nodes = await site.nodes()
  t.match(
    nodes.map(({ id, name, cloneOf, clonesSeen }) => ({ id, name, cloneOf, clonesSeen })),
    [
      { name: 'copy', cloneOf: node.id, clonesSeen: 0 },
      { id: node.id, name: 'golden', clonesSeen: 1 },
    ],
  )
  t.not(nodes[0]?.id, node.id)
  t.match(second.text(), new RegExp(`this machine is a clone of node ${node.id}: it enrols anew`))
  t.equal(await readIn(copy, '/etc/version'), 'first on copy\n', 'it knows itself by its own name')

  await site.pulley(['send', 'shell', '--to', 'golden', '--wait', '--', 'echo ran >>/var/ran'])
  await publish(site, 'second')
  await on(2, 2, second.text)
  t.equal(await readIn(original, '/etc/version'), 'second on golden\n')
  t.equal(await readIn(copy, '/etc/version'), 'second on copy\n')
  t.equal(await readIn(original, '/var/ran'), 'ran\n')
  t.equal(await readIn(copy, '/var/ran'), '', "the original's action is not the copy's")

  const { stdout } = await site.pulley(['nodes'])
  t.match(stdout, new RegExp(`^copy .*clone of ${node.id}$`, 'm'))
  t.match(stdout, /^golden .*seen as a clone 1 time$/m)
  t.match((await site.pulley(['status'])).stdout, /clones: copy,golden \(2\)/)
  t.equal((await second.end('SIGTERM')).code, 0)
  t.equal((await pollOnce(copy.agent)).code, 0)
  t.equal((await site.nodes()).length, 2, 'after a restart it is who it has become')
})

t.test('a copy which has no token, or one that is used up, stops and says so; the original goes on', async t => {
  await using ready = await image(t, ['golden', 'bare', 'late'], '1')
  if (!ready) return
  const { site, original, others, token, node, on } = ready
  const [bare, late] = others as [NatMachine, NatMachine]
  await using first = startAgent(original.agent)
  await on(1, 1, first.text)
  await copyState(original, bare)
  await copyState(original, late)
  await putToken(late, token)
  const clone = `this machine is a clone of node ${node.id}, and cannot enrol anew`
  for (const [machine, why] of [
    [bare, 'cannot read the token file /etc/pulley/token: ENOENT'],
    [late, 'the token has been used as often as it may be'],
  ] as const) {
    await using agent = startAgent(machine.agent)
    const { code, stderr } = await agent.ended
    t.not(code, 0)
    t.match(stderr, new RegExp(`${clone}: .*${why}`), stderr)
  }
  t.match(await site.nodes(), [{ id: node.id, clonesSeen: 2 }])
  await publish(site, 'second')
  await on(2, 1, first.text)
  t.equal(await readIn(original, '/etc/version'), 'second on golden\n')
  for (const machine of [bare, late]) t.equal(await readIn(machine, '/etc/version'), '', 'nothing was done there')
})

t.test('a state folder which is put back runs nothing again, applies nothing older, and is seen', async t => {
  await using ready = await image(t, ['golden'])
  if (!ready) return
  const { site, original, node, on } = ready
  {
    await using agent = startAgent(original.agent)
    await on(1, 1, agent.text)
    await original.says(['cp', '-a', FOLDER, '/var/before'])
    await publish(site, 'second')
    await on(2, 1, agent.text)
    await site.pulley(['send', 'shell', '--to', 'golden', '--wait', '--', 'echo ran >>/var/ran'])
    await agent.end('SIGKILL')
  }
  await original.says(['sh', '-c', `rm -rf ${FOLDER} && mv /var/before ${FOLDER}`])
  await original.says(['sh', '-c', 'stat -c %Y.%i /etc/version >/var/seen'])
  await using agent = startAgent(original.agent)
  const seen = await until('it is seen', async () => (await site.nodes()).find(one => one.rolledBack !== undefined), {
    why: agent.text,
  })
  t.equal(seen.id, node.id)
  await agent.says(/its state folder was put back[\s\S]*bundle 2: taken/)
  const { stderr } = await site.pulley(['send', 'shell', '--to', 'golden', '--wait', '--', 'echo next >>/var/ran'])
  t.match(stderr, /1 ok/)
  t.equal(await readIn(original, '/var/ran'), 'ran\nnext\n')
  t.equal(await readIn(original, '/etc/version'), 'second on golden\n')
  t.equal(
    await original.says(['stat', '-c', '%Y.%i', '/etc/version']),
    await readIn(original, '/var/seen'),
    'the older bundle was not applied meanwhile',
  )
  t.match((await site.pulley(['nodes'])).stdout, /^golden .*state put back, seen /m)
})
