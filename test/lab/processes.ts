import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { kill, killAllWith, listProcesses, processesWith } from '../../src/lab/processes.ts'

t.test('a process is found by its environment, with its parent and command, whatever it is called', async t => {
  const mark = `MARK=${t.testdir()}`
  const program = join(t.testdirName, 'a) S (b') // as it stands in /proc/PID/stat
  copyFileSync('/bin/sh', program)
  const child = spawn(program, ['-c', 'echo up; cat; :', 'one', 'two'], {
    env: { ...process.env, MARK: t.testdirName },
  })
  await once(child.stdout, 'data')
  const found = await processesWith(mark)
  const own = found.find(({ pid }) => pid === child.pid)
  t.match(own, { parent: process.pid, command: `${program} -c echo up; cat; : one two` })
  t.ok(own?.environment.includes(mark))
  t.ok((await listProcesses()).some(({ pid, parent }) => pid === process.pid && parent === process.ppid))
  t.strictSame(await processesWith(`${mark}/elsewhere`), [])
  child.stdin.end()
  await once(child, 'exit')
  t.strictSame(await processesWith(mark), [])
})

t.test('processes which fork as fast as they can are all ended', async t => {
  const mark = { MARK: t.testdir() }
  // Each starts its successor and ends: none lives for long enough to be found and killed at leisure.
  const relay = 'relay() { echo; sh -c "$0" "$0" & sleep 0.01; }; relay'
  const child = spawn('sh', ['-c', relay, relay], { env: { ...process.env, ...mark }, detached: true })
  await once(child.stdout, 'data')
  await killAllWith(`MARK=${mark.MARK}`)
  t.strictSame(await processesWith(`MARK=${mark.MARK}`), [])
  child.stdout.destroy()
})

t.test('to signal a process which is gone is no error; one that belongs to somebody else is', async t => {
  const child = spawn('true')
  await once(child, 'exit')
  kill(child.pid ?? 0, 'SIGTERM')
  if (process.getuid?.() !== 0) t.throws(() => kill(1, 'SIGCONT'), { code: 'EPERM' })
})
