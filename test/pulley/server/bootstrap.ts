import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { buildAgent } from '../../../scripts/build.ts'
import { startPulley } from '../../fixtures/program/pulley.ts'

const folder = await mkdtemp(join(tmpdir(), 'stoker-bootstrap-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

t.test('the script is plain sh, and knows the checksum of the file which the same server gives', async t => {
  await buildAgent(join(import.meta.dirname, '../../../dist/pulley-agent.mjs'))
  await using pulley = await startPulley()
  const script = await (await fetch(`${pulley.agents}/v1/bootstrap.sh`)).text()
  const agent = Buffer.from(await (await fetch(`${pulley.agents}/v1/agent.mjs`)).arrayBuffer())
  t.match(script, new RegExp(createHash('sha256').update(agent).digest('hex')))
  const file = join(folder, 'bootstrap.sh')
  await writeFile(file, script)
  execFileSync('sh', ['-n', file])
  const { status, stderr } = spawnSync('sh', [file], { encoding: 'utf8' })
  t.equal(status, 2)
  t.match(stderr, /usage: sh bootstrap\.sh SERVER VO TOKEN-FILE/)
})

t.test('the single file runs by itself, and says what is missing', async t => {
  const file = join(folder, 'agent.mjs')
  await buildAgent(file)
  t.match(execFileSync(process.execPath, [file, '--version'], { encoding: 'utf8', cwd: folder }), /^pulley-agent \d/)
  const { status, stderr } = spawnSync(process.execPath, [file, 'agent', '--once', '--state', join(folder, 'none')], {
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.match(stderr, /holds no identity: enrol first/)
})
