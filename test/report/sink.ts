import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import t from 'tap'
import { descriptorStream, sinks } from '../../src/report/sink.ts'
import { Memory } from '../fixtures/report/events.ts'

const ERASE = '\r\u001b[K'
const plain = (text: string) =>
  ['\u001b[?7l', '\u001b[?7h', '\u001b[K'].reduce((rest, code) => rest.replaceAll(code, ''), text)

/** A stream which keeps each write waiting until it is told. */
class Slow extends Writable {
  readonly waiting: (() => void)[] = []

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    this.waiting.push(done)
  }
}

t.test('a write waits while there is no room, and flush until all has gone', async t => {
  const slow = new Slow({ highWaterMark: 10 })
  const { stdout } = sinks(slow, new Memory(), {})
  await stdout.write('12345')
  let hasRoom = false
  let flushed = false
  const writing = stdout.write('6789012').then(() => {
    hasRoom = true
  })
  const flushing = stdout.flush().then(() => {
    flushed = true
  })
  await new Promise(setImmediate)
  t.notOk(hasRoom)
  slow.waiting.shift()?.()
  await new Promise(setImmediate)
  t.notOk(flushed)
  slow.waiting.shift()?.()
  await writing
  await new Promise(setImmediate)
  slow.waiting.shift()?.() // the empty chunk which flush puts behind the others
  await flushing
  t.ok(hasRoom && flushed)
  t.notOk(stdout.gone.aborted)
})

t.test('when the reader has gone, gone aborts, what waits goes on, and later writes do nothing', async t => {
  const broken = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      setImmediate(() => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })))
    },
  })
  const { stdout } = sinks(broken, new Memory(), {})
  const gone = once(stdout.gone, 'abort')
  await stdout.write('hello\n')
  await gone
  await t.resolves(stdout.write('more\n'))
  await t.resolves(stdout.flush())
})

t.test('any other fault of the output is an error which says where and why', async t => {
  const full = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      setImmediate(() => done(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })))
    },
  })
  const { stdout } = sinks(full, new Memory(), {})
  const fault = { code: 'INTERNAL', message: /cannot write to standard output: ENOSPC/ }
  await t.rejects(stdout.write('hello\n'), fault)
  await t.rejects(stdout.write('hello\n'), fault)
  await t.rejects(stdout.flush(), fault)
  t.notOk(stdout.gone.aborted)
})

t.test('a fault of the very last write is not lost', async t => {
  const full = new Writable({
    write(_chunk, _encoding, done) {
      setImmediate(() => done(new Error('no space')))
    },
  })
  const { stdout } = sinks(full, new Memory(), {})
  await stdout.write('fits into the buffer\n')
  await t.rejects(stdout.flush(), { code: 'INTERNAL' })
})

t.test('the status line is erased before anything else is written, and cut to the terminal', async t => {
  const terminal = new Memory({ isTTY: true, columns: 20 })
  const { stdout, stderr, status, hasStatus } = sinks(terminal, terminal, { TERM: 'xterm' })
  t.ok(hasStatus)
  status('done 1/2')
  await stdout.write('web1: hello\n')
  t.equal(plain(terminal.text), '\rdone 1/2\rweb1: hello\n')
  t.ok(terminal.text.includes(`${ERASE}web1: hello\n`))
  await stderr.write('no status, nothing to erase\n')
  t.ok(terminal.text.endsWith('hello\nno status, nothing to erase\n'))

  const before = terminal.text.length
  status('0123456789012345678901234567890')
  t.equal(plain(terminal.text.slice(before)), '\r0123456789012345678')
  status('漢字漢字漢字漢字漢字漢字')
  t.ok(plain(terminal.text).endsWith('\r漢字漢字漢字漢字漢'))
  const same = terminal.text.length
  status('漢字漢字漢字漢字漢字漢字')
  t.equal(terminal.text.length, same, 'the same text is not drawn twice')
  status('')
  t.ok(terminal.text.endsWith(ERASE))
})

t.test('with output into a pipe, the status line on the terminal stays as it is', async t => {
  const [pipe, terminal] = [new Memory(), new Memory({ isTTY: true })]
  const { stdout, stderr, status } = sinks(pipe, terminal, {})
  t.equal(stdout.isTerminal, false)
  t.equal(stderr.columns, 80)
  status('working')
  const drawn = terminal.text
  await stdout.write('data\n')
  t.equal(terminal.text, drawn)
  t.equal(pipe.text, 'data\n')
})

t.test('without a terminal that can do it there is no status line', async t => {
  for (const [isTTY, env] of [
    [false, {}],
    [true, { TERM: 'dumb' }],
  ] as const) {
    const err = new Memory({ isTTY })
    const all = sinks(new Memory(), err, env)
    t.notOk(all.hasStatus)
    all.status('x')
    t.equal(err.text, '')
  }
})

t.test('colour is for terminals, and NO_COLOR counts', async t => {
  const cases = [
    [true, {}, true],
    [true, { NO_COLOR: '' }, true], // no-color.org: when present and not an empty string
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ] as const
  for (const [isTTY, env, expected] of cases)
    t.equal(sinks(new Memory({ isTTY }), new Memory(), env).stdout.colour, expected, JSON.stringify({ isTTY, env }))
})

t.test('a slow pipe holds up the writer, not the program; closing it ends the writing quietly', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'sink-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = spawn('cat', [path], { stdio: 'ignore' })
  const pipe = await open(path, 'w')
  t.teardown(() => pipe.close())
  reader.kill('SIGSTOP')
  const { stdout } = sinks(descriptorStream(pipe.fd), new Memory(), {})
  const much = Buffer.alloc(2 * 1024 * 1024, 'x\n')
  const writing = stdout.write(much).then(() => 'written')
  const ticking = new Promise(resolve => setTimeout(resolve, 20, 'the timers of this program run'))
  t.equal(await Promise.race([writing, ticking]), 'the timers of this program run')
  reader.kill('SIGCONT')
  t.equal(await writing, 'written')
  const closed = once(reader, 'exit')
  reader.kill('SIGKILL')
  await closed
  t.notOk(stdout.gone.aborted)
  await stdout.write(much)
  t.ok(stdout.gone.aborted)
})

t.test('standard output and error in one pipe do not cut each other in two', async t => {
  const program = join(import.meta.dirname, '../fixtures/report/both.ts')
  const command = `"${process.execPath}" --no-warnings "${program}" 2>&1 | cat`
  const lines = execFileSync('/bin/sh', ['-c', command], { maxBuffer: 1e8, env: {} }).toString().trimEnd().split('\n')
  t.equal(lines.filter(line => line === 'o'.repeat(100_000)).length, 20)
  t.equal(lines.filter(line => line === 'e'.repeat(100_000)).length, 20)
})

t.test('many small writes to a file arrive whole and in order', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'sink-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'out')
  const file = await open(path, 'w')
  const { stdout } = sinks(descriptorStream(file.fd), new Memory(), {})
  const expected = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`)
  for (const line of expected) await stdout.write(line)
  await stdout.flush()
  await file.close()
  t.equal(await readFile(path, 'utf8'), expected.join(''))
})
