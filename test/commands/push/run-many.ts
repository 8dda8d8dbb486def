import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { PATIENT_DEFAULTS } from '../../fixtures/patience.ts'
import { startStoker, stoker } from '../../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

t.test('200 unknown host keys accepted at once are 200 whole lines, which a strict run then knows', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 200, mode: 'shared', groups: { all: 'node[001-200]' } })
  const known = `${fleet.folder}/learned`
  const config = `${fleet.folder}/learning.yaml`
  await writeFile(
    config,
    `warehouses: [{kind: file, path: ${fleet.inventory}}]\nssh: {known-hosts: [${known}], identity: [${fleet.identity}], config: none}\n${PATIENT_DEFAULTS}`,
  )
  const words = ['run', 'shell', '@all', '-f', '200', '-q', '-b']
  t.match(await stoker([...words, '--host-keys', 'accept-new', '--', 'echo in'], { config }), { code: 0 })
  const lines = (await readFile(known, 'utf8')).trim().split('\n')
  t.equal(lines.length, 200)
  t.equal(new Set(lines.map(line => /^\[127\.20\.\d+\.\d+\]:\d+ ssh-ed25519 \S{68}$/.test(line) && line)).size, 200)
  t.match(await stoker([...words, '--', 'echo in'], { config }), { code: 0, stdout: /node\[001-200\] \(200\)/ })
})

t.test('whoever reads only the head of the output ends the run, quietly', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2 })
  const run = startStoker(['run', 'shell', 'node[1-2]', '-n', '--', 'yes'], { config: fleet.config })
  await run.says(/node\d: y/)
  run.process.stdout?.destroy()
  const ended = await run.ended
  t.not(ended.code, null)
  t.notMatch(ended.stderr, /EPIPE|Error/)
  t.ok(await fleet.gone('yes'))
})
