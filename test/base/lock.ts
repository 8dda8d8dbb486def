import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import {
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync as statOf,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { removeLeftovers } from '../../src/base/atomic-file.ts'
import { type Holder, LockHeld, takeLock } from '../../src/base/lock.ts'
import { bootId, processId, startOf } from '../../src/base/process-identity.ts'
import { seeded } from '../fixtures/seeded.ts'

const io = { signal: new AbortController().signal }
const limited = { ...io, limit: 0 }

/** Runs this in a process of its own, with `takeLock`, `io` and the words. */
const start = (code: string, ...words: readonly string[]) => {
  const module = new URL('../../src/base/lock.ts', import.meta.url).href
  const head = `const { takeLock } = await import(${JSON.stringify(module)}); const io = { signal: new AbortController().signal }\n`
  const child = spawn(process.execPath, ['--input-type=module', '-e', head + code, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return { child, exit: once(child, 'exit') }
}

const HOLD = `await takeLock(process.argv[1], io); process.stdout.write('held'); process.stdin.resume()`

/** The lock as this process would write it, with changes. It has to know its own file's number. */
const forge = (path: string, changes: object): void => {
  writeFileSync(path, '')
  const inode = String(statOf(path).ino)
  const claim = { process: processId(), host: hostname(), boot: bootId(), since: 0, beat: 60_000, inode, id: 'x' }
  writeFileSync(path, JSON.stringify({ ...claim, ...changes }))
}

t.test('one at a time has it, however many want it', async t => {
  const path = `${t.testdir()}/new/lock`
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
  t.strictSame(readdirSync(`${t.testdirName}/new`), [])
})

t.test('the lock of a process which was killed is free at once', async t => {
  const path = `${t.testdir()}/lock`
  const { child, exit } = start(HOLD, path)
  await once(child.stdout, 'data')

  const holders: Holder[] = []
  const waiting = Promise.withResolvers<void>()
  const taking = takeLock(path, {
    ...io,
    waiting: holder => {
      holders.push(holder)
      waiting.resolve()
    },
  })
  await waiting.promise
  t.match(holders, [{ pid: child.pid, host: undefined }], 'who waits is told for whom, once')
  child.kill('SIGKILL')
  await exit
  await (await taking)[Symbol.asyncDispose]()
  t.strictSame(readdirSync(t.testdirName), [])
})

t.test('who holds it stands in it, and in the error of who does not wait any longer', async t => {
  const path = `${t.testdir()}/lock`
  const { child, exit } = start(HOLD, path)
  await once(child.stdout, 'data')
  t.match(JSON.parse(readFileSync(path, 'utf8')), {
    process: `${child.pid}-${startOf(child.pid ?? 0)}-`,
    host: hostname(),
  })
  t.equal(statOf(path).mode & 0o777, 0o600)
  const error = await takeLock(path, limited).catch(thrown => thrown)
  t.ok(error instanceof LockHeld)
  t.match(error, { code: 'LOCKED', holder: { pid: child.pid } })
  t.match(
    error.message,
    new RegExp(`lock is held by process ${child.pid} since \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC$`),
  )
  child.stdin.end()
  child.kill('SIGKILL')
  await exit
})

t.test('what is no living process of this machine does not hold it', async t => {
  const { pid } = process
  const scope = processId().split('-')[2]
  const folder = t.testdir()
  const path = join(folder, 'lock')
  for (const [name, make] of [
    ['a later process of the same number', () => forge(path, { process: `${pid}-1-${scope}` })],
    ['no process', () => forge(path, { process: `4194999-1-${scope}` })],
    ['before the last boot', () => forge(path, { process: `${pid}-1-00000000`, boot: 'another' })],
    ['a copy', () => forge(path, { inode: '1' })],
    ['nothing in it', () => writeFileSync(path, '')],
    ['something else in it', () => writeFileSync(path, '12345 web1')],
    ['half of it', () => writeFileSync(path, '{"process":"1-')],
  ] as const) {
    make()
    await using _lock = await takeLock(path, limited)
    t.match(JSON.parse(readFileSync(path, 'utf8')), { process: processId() }, name)
  }
  t.strictSame(readdirSync(folder), [])
})

t.test('of many who find a dead one, one at a time has it', async t => {
  const folder = t.testdir()
  const path = join(folder, 'lock')
  let inside = 0
  let most = 0
  for (let round = 0; round < 10; round++) {
    forge(path, { process: `${process.pid}-1-${processId().split('-')[2]}` })
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        await using _lock = await takeLock(path, io)
        inside += 1
        most = Math.max(most, inside)
        for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
        inside -= 1
      }),
    )
  }
  t.equal(most, 1)
  t.strictSame(readdirSync(folder), [])
})

t.test('whoever is late in taking a dead one away leaves the living one which came instead', async t => {
  const path = `${t.testdir()}/lock`
  const abort = new AbortController()
  const waits = Promise.withResolvers<void>()
  const other = await takeLock(`${path}.break`, io)
  forge(path, { process: '4194999-1-'.concat(processId().split('-')[2] ?? '') })
  const dead = readFileSync(path, 'utf8')
  const taking = takeLock(path, { signal: abort.signal, waiting: () => waits.resolve() }).catch(thrown => thrown)
  // Enough for it to get to where it waits, and further if it did not.
  for (let i = 0; i < 200; i++) await stat(path)
  t.equal(readFileSync(path, 'utf8'), dead, 'only one at a time takes away')
  forge(path, {})
  const living = readFileSync(path, 'utf8')
  await other[Symbol.asyncDispose]()
  await waits.promise
  t.equal(readFileSync(path, 'utf8'), living)
  abort.abort(new Error('enough'))
  t.match(await taking, { message: 'enough' })
})

t.test('what stays of one who was killed while taking a dead one away goes as well', async t => {
  const folder = t.testdir()
  const dead = { process: `4194999-1-${processId().split('-')[2]}` }
  for (const name of ['lock', 'lock.break', 'lock.break.break']) forge(join(folder, name), dead)
  {
    await using _lock = await takeLock(join(folder, 'lock'), limited)
    t.strictSame(readdirSync(folder), ['lock'])
  }
  forge(join(folder, 'lock.break'), dead)
  await using _lock = await takeLock(join(folder, 'lock'), limited)
  t.strictSame(readdirSync(folder), ['lock'])
})

t.test('in a copy of its folder it is not held, although its holder lives', async t => {
  const folder = t.testdir({ one: {} })
  await using _lock = await takeLock(`${folder}/one/lock`, io)
  cpSync(`${folder}/one`, `${folder}/two`, { recursive: true, preserveTimestamps: true })
  await using _other = await takeLock(`${folder}/two/lock`, limited)
  await t.rejects(takeLock(`${folder}/one/lock`, limited), { code: 'LOCKED' })
  await t.rejects(takeLock(`${folder}/two/lock`, limited), { code: 'LOCKED' })
})

t.test('one of another machine holds it as long as it gives signs of life', async t => {
  const folder = t.testdir()
  const path = join(folder, 'lock')
  const elsewhere = { process: '1-1-00000000', host: 'web9', boot: 'another' }
  forge(path, { ...elsewhere, beat: 60_000 })
  const told: Holder[] = []
  const looked = Promise.withResolvers<void>()
  const waiting = (holder: Holder) => {
    told.push(holder)
    looked.resolve()
  }
  const refused = takeLock(path, { ...limited, waiting }).catch(thrown => thrown)
  await looked.promise
  utimesSync(path, 1, 1)
  t.match((await refused).message, /held by process 1 on web9 since/)
  t.match(told, [{ pid: 1, host: 'web9' }])
  // So it does: a sign every millisecond, of which three are not given any more.
  forge(path, { ...elsewhere, beat: 1 })
  await using _lock = await takeLock(path, limited)
  t.match(JSON.parse(readFileSync(path, 'utf8')), { process: processId() })
})

t.test('whoever has it gives signs of life', async t => {
  const path = `${t.testdir()}/lock`
  await using _lock = await takeLock(path, { ...io, beat: 1 })
  utimesSync(path, 1, 1)
  const watcher = watch(path)
  while (statOf(path).mtimeMs < 2_000) await once(watcher, 'change')
  watcher.close()
  t.ok(statOf(path).mtimeMs > 1_000_000)
})

t.test('giving it back leaves the lock of another one alone', async t => {
  const path = `${t.testdir()}/lock`
  const lost = await takeLock(path, io)
  rmSync(path)
  await using _other = await takeLock(path, io)
  await lost[Symbol.asyncDispose]()
  await t.rejects(takeLock(path, limited), { code: 'LOCKED' })
})

t.test('a wait which is aborted ends with the reason, and leaves the lock to who has it', async t => {
  const path = `${t.testdir()}/lock`
  await using _lock = await takeLock(path, io)
  const abort = new AbortController()
  const waiting = () => abort.abort(new Error('enough'))
  await t.rejects(takeLock(path, { signal: abort.signal, waiting }), { message: 'enough' })
  await t.rejects(takeLock(path, { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
  t.strictSame(readdirSync(t.testdirName), ['lock'])
})

t.test('a folder in which nothing can be made is told', async t => {
  const folder = t.testdir({ file: '' })
  await t.rejects(takeLock(`${folder}/file/lock`, io), { code: 'EEXIST' })
})

// Each takes the lock, finds nobody inside, says that it is inside, and leaves: without an end, until it is killed.
const WORK = `
  import { readFileSync, rmSync, writeFileSync } from 'node:fs'
  const [path, inside] = process.argv.slice(1)
  const running = pid => { try { return readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1][0] !== 'Z' } catch { return false } }
  for (let turn = 1; ; turn++) {
    await using lock = await takeLock(path, io)
    let other = ''
    try { other = readFileSync(inside, 'utf8') } catch {}
    if (other !== '' && running(other)) { process.stdout.write('X'); break }
    writeFileSync(inside, String(process.pid))
    await new Promise(setImmediate)
    if (readFileSync(inside, 'utf8') !== String(process.pid)) { process.stdout.write('X'); break }
    rmSync(inside)
    process.stdout.write('.')
  }`

t.test('however they are killed, one at a time has it, and somebody always gets it', async t => {
  const random = seeded(t)
  const folder = t.testdir({ held: {} })
  const path = join(folder, 'held/lock')
  let turns = 0
  let twice = false
  const news = new EventEmitter()
  const workers = new Set<ReturnType<typeof work>>()
  const work = () => {
    const worker = start(WORK, path, join(folder, 'inside'))
    worker.child.stdout.setEncoding('utf8').on('data', (said: string) => {
      twice ||= said.includes('X')
      turns += said.length
      news.emit('turn')
    })
    return worker
  }
  for (let i = 0; i < 4; i++) workers.add(work())
  for (let kill = 0; kill < 24; kill++) {
    const enough = turns + 1 + random.below(60)
    while (turns < enough) await once(news, 'turn')
    for (let i = 0; i <= random.below(2); i++) {
      const one = random.oneOf([...workers])
      one.child.kill('SIGKILL')
      await one.exit
      workers.delete(one)
      workers.add(work())
    }
  }
  for (const { child } of workers) child.kill('SIGKILL')
  await Promise.all([...workers].map(({ exit }) => exit))
  {
    await using _lock = await takeLock(path, limited)
    await removeLeftovers(join(folder, 'held'))
    t.strictSame(readdirSync(join(folder, 'held')), ['lock'])
  }
  t.notOk(twice, `two had it, in ${turns} turns`)
})
