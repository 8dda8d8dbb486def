import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { takeLock } from '../../src/base/lock.ts'
import { startOf } from '../../src/base/process-start.ts'

const io = { signal: new AbortController().signal }
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

t.test('one at a time has it, however many want it', async t => {
  const path = `${t.testdir()}/lock`
  let inside = 0
  let most = 0
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      await using _lock = await takeLock(path, io)
      inside += 1
      most = Math.max(most, inside)
      await new Promise(resolve => setImmediate(resolve))
      inside -= 1
    }),
  )
  t.equal(most, 1)
  t.strictSame(readdirSync(t.testdirName), [])
})

t.test('the lock of a process which was killed is free at once', async t => {
  const path = `${t.testdir()}/lock`
  const module = new URL('../../src/base/lock.ts', import.meta.url)
  const code = `const { takeLock } = await import(${JSON.stringify(module.href)})
    await takeLock(${JSON.stringify(path)}, { signal: new AbortController().signal })
    process.stdout.write('held')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  await once(child.stdout, 'data')

  const pids: string[] = []
  const waiting = Promise.withResolvers<void>()
  const taking = takeLock(path, {
    ...io,
    waiting: pid => {
      pids.push(pid)
      waiting.resolve()
    },
  })
  await waiting.promise
  t.strictSame(pids, [String(child.pid)], 'who waits is told for whom')
  child.kill('SIGKILL')
  await exit
  await (await taking)[Symbol.asyncDispose]()
  t.strictSame(readdirSync(t.testdirName), [])
})

t.test('a later process of the same number, or after a reboot, is not who has it', async t => {
  const { pid } = process
  for (const [name, text] of [
    ['other start', `${pid} 1 ${boot} 1`],
    ['other boot', `${pid} ${await startOf(pid)} 00000000-0000-0000-0000-000000000000 1`],
    ['no process', `4194999 1 ${boot} 1`],
    ['damaged', ''],
  ] as const) {
    mkdirSync(`${t.testdirName}/${name}`, { recursive: true })
    writeFileSync(`${t.testdirName}/${name}/lock`, text)
    await using _lock = await takeLock(`${t.testdirName}/${name}/lock`, { signal: AbortSignal.timeout(5000) })
    t.match(readFileSync(`${t.testdirName}/${name}/lock`, 'utf8'), new RegExp(`^${pid} \\d+ ${boot} `), name)
  }
})

t.test('a wait which is aborted ends with the reason, and leaves the lock to who has it', async t => {
  const path = `${t.testdir()}/lock`
  await using _lock = await takeLock(path, io)
  const abort = new AbortController()
  const waiting = () => abort.abort(new Error('enough'))
  await t.rejects(takeLock(path, { signal: abort.signal, waiting }), { message: 'enough' })
  t.strictSame(readdirSync(t.testdirName), ['lock'])
})
