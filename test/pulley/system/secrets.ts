/** Secrets of a policy reach the nodes which were there, and nobody else sees them. */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PulleyAgent } from '../../../src/pulley/agent/agent.ts'
import { enrol } from '../../../src/pulley/agent/enrol.ts'
import { Folder } from '../../../src/pulley/agent/state/folder.ts'
import { administer } from '../../../src/pulley/client/admin.ts'
import { publish, rollback } from '../../../src/pulley/commands/publish.ts'
import { onThisMachine } from '../../../src/site/built-in.ts'
import { target } from '../../fixtures/program/act.ts'
import { SIGNAL, startPulley } from '../../fixtures/program/pulley.ts'

const SECRET = 'open sesame 12345'
const io = { signal: SIGNAL }

t.test('a secret is sealed for the nodes, and is nowhere else', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-secrets-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await using pulley = await startPulley()
  const { key } = await pulley.vo('blue')
  await mkdir(join(folder, 'keys'))
  await writeFile(join(folder, 'keys/blue.key'), key.pem, { mode: 0o600 })
  await writeFile(join(folder, 'keys/blue.json'), JSON.stringify({ servers: [pulley.admins] }))
  await writeFile(join(folder, 'token'), await pulley.token('blue'), { mode: 0o600 })
  await writeFile(join(folder, 'password'), `${SECRET}\n`, { mode: 0o600 })
  await mkdir(join(folder, 'policy'))
  const out = join(folder, 'out')
  await writeFile(
    join(folder, 'policy/policy.yaml'),
    `name: p\nsecrets:\n  db: {file: ../password}\nresources:\n  - file: {path: ${out}, mode: "0600", content: "{{secret.db}}"}\n`,
  )
  const said: string[] = []
  const machine = await onThisMachine()
  const open = async (name: string) => {
    const state = new Folder(join(folder, name))
    const { node } = await enrol(
      state,
      { servers: [pulley.agents], vo: 'blue', tokenFile: join(folder, 'token'), name },
      io,
    )
    const agent = await PulleyAgent.open({
      ...{ folder: state, actors: machine, wait: 0, say: line => said.push(line) },
      connect: () => machine.connector.connect(target(name), io),
      runActor: () => {
        throw new Error('there are no orders')
      },
    })
    return { node, agent }
  }
  const first = await open('wn1')
  await using vo = await administer('blue', join(folder, 'keys'), undefined)
  const flags = { expires: 1e9, note: '', maxFail: { kind: 'share', percent: 0 } as const, diff: true, json: true }
  t.equal(await publish(vo, join(folder, 'policy'), flags, machine, io), 0)
  t.equal(await first.agent.once(io), true)
  t.equal(await readFile(out, 'utf8'), SECRET)
  t.equal((await stat(out)).mode & 0o777, 0o600)

  t.notMatch(said.join('\n'), SECRET)
  t.notMatch(JSON.stringify(pulley.log), SECRET)
  for (const place of [pulley.folder, join(folder, 'wn1')])
    for (const file of readdirSync(place, { recursive: true, withFileTypes: true }))
      if (file.isFile()) t.notOk(readFileSync(join(file.parentPath, file.name)).includes(SECRET), file.name)

  const late = await open('wn2')
  await late.agent.once(io)
  t.match(said.at(-1), /not sealed for this node, which joined after it was published; publish it again/)
  await t.rejects(rollback(vo, 1, flags, io), { code: 'USAGE', message: /holds secrets/ })
  for (const { agent } of [first, late]) await agent[Symbol.asyncDispose]()
})
