import { existsSync } from 'node:fs'
import t from 'tap'
import { StokerError } from '../../src/base/errors.ts'
import { quote } from '../../src/base/quote.ts'
import { withLibrary } from '../../src/converge/batch.ts'
import type { ProbeResult } from '../../src/converge/convergent.ts'
import { probeAll } from '../../src/converge/probe-all.ts'
import { withShell } from '../../src/converge/remote-shell.ts'
import { listProcesses } from '../../src/lab/processes.ts'
import { counted, shells } from '../fixtures/roots/shells.ts'
import { until } from '../fixtures/until.ts'

const io = { signal: new AbortController().signal }

/** What was seen, as text; errors as their message. */
const told = (seen: readonly (ProbeResult | StokerError)[]) =>
  seen.map(one => (one instanceof StokerError ? `! ${one.message}` : Buffer.from(one.stdout).toString()))

for (const shell of shells())
  for (const how of ['inline', 'hidden', 'in an open shell'])
    t.test(`${shell}, ${how}: all looks in one exec, each by itself`, async t => {
      const bare = counted(shell)
      await using connection = how === 'in an open shell' ? withShell(bare, io) : bare
      const hidden = how !== 'inline'
      const scripts = [
        'echo one',
        'printf "no newline"',
        'echo to stderr >&2; echo last words >&2; exit 3',
        'false',
        "echo 'not closed",
        'cat; echo "input was empty"',
        'v=left; cd /; umask 777; echo() { false; }; set -e; PATH=; LC_ALL=xx',
        'echo "v=$v"; umask -S; echo "$LC_ALL"; command -v sysctl >/dev/null || command -v sshd >/dev/null || echo lost',
        "printf 'a\\000b\\377'",
        'exit',
        '',
        `printf %s ${quote("it's $(x) `y` \\ !\n")}`,
      ]
      const seen = await probeAll(connection, scripts, { ...io, hidden })
      t.equal(bare.commands.length, 1, 'one exec')
      t.equal(bare.commands[0]?.stdin !== undefined, hidden)
      const [syntax, ...bytes] = [told(seen)[4], ...Buffer.from((seen[8] as ProbeResult).stdout)]
      t.match(syntax, /^! .*(syntax|unterminated|unexpected|EOF|no closing)/i)
      t.strictSame(bytes, [97, 0, 98, 255])
      t.strictSame(
        told(seen).filter((_, index) => index !== 4 && index !== 8),
        [
          'one\n',
          'no newline',
          '! last words',
          '! exit code 1',
          'input was empty\n',
          '',
          'v=\nu=rwx,g=rx,o=rx\nC\n',
          '',
          '',
          "it's $(x) `y` \\ !\n",
        ],
      )
    })

t.test('stderr of a probe which went well is there as well', async t => {
  const [seen] = await probeAll(counted(), ['echo warned >&2'], io)
  t.match(seen, { stderr: 'warned\n' })
})

t.test('what scripts share travels once, and works wherever the text is parted', async t => {
  const connection = counted()
  const library = `say() { echo "said $1"; } # it's ${'x'.repeat(2000)}`
  const scripts = Array.from({ length: 40 }, (_, i) => withLibrary(library, `say ${i}`))
  const parted = "echo 'a\n#;\nb'"
  const seen = await probeAll(connection, [...scripts, parted], io)
  t.strictSame(told(seen), [...scripts.map((_, i) => `said ${i}\n`), 'a\n#;\nb\n'])
  t.equal(connection.commands[0]?.stdin, undefined)
})

t.test('scripts which are too long for a command line go by standard input', async t => {
  const connection = counted()
  const long = `: ${'x'.repeat(400_000)}`
  t.strictSame(told(await probeAll(connection, [`${long}; echo one`, `${long}; echo two`], io)), ['one\n', 'two\n'])
  t.equal(connection.commands.length, 1)
  t.not(connection.commands[0]?.stdin, undefined)
})

t.test('one who prints too much is told so, and the others are heard', async t => {
  const seen = await probeAll(counted(), ['echo one', 'head -c 20000000 /dev/zero', 'echo three'], io)
  t.strictSame(told(seen), ['one\n', '! there is more than 8 MiB to see', 'three\n'])
})

t.test('a shell which ends under them: those which ran are told, the others say why not', async t => {
  for (const connection of [counted(), withShell(counted(), io)]) {
    const seen = told(await probeAll(connection, ['echo one', 'echo why >&2; kill -s KILL $$', 'echo three'], io))
    t.equal(seen[0], 'one\n')
    for (const text of seen.slice(1)) t.match(text, /^! the shell on the target ended early \(signal KILL\): why$/)
    await connection[Symbol.asyncDispose]()
  }
})

t.test('no scripts, no exec', async t => {
  const connection = counted()
  t.strictSame(await probeAll(connection, [], io), [])
  t.equal(connection.commands.length, 0)
})

t.test('an open shell serves one batch after the other, and is opened again when it has ended', async t => {
  const bare = counted()
  const connection = withShell(bare, io)
  const ask = async (script: string) => told(await probeAll(connection, [script], { ...io, hidden: true }))
  t.strictSame(await ask('echo one'), ['one\n'])
  t.strictSame(await ask('echo two'), ['two\n'])
  t.strictSame(told(await probeAll(connection, ['echo three'], io)), ['three\n'], 'also what need not be hidden')
  t.equal(bare.commands.length, 1)
  await ask('kill -s KILL $$')
  t.strictSame(await ask('echo four'), ['four\n'])
  t.equal(bare.commands.length, 2)
  t.strictSame(
    await Promise.all([ask('sleep 0; echo a'), ask('echo b')]),
    [['a\n'], ['b\n']],
    'two at once do not come into each other',
  )
  await connection[Symbol.asyncDispose]()
})

t.test('an abort ends a probe, and the shell with it', async t => {
  for (const hidden of [false, true]) {
    const abort = new AbortController()
    await using connection = withShell(counted(), abort)
    const fifo = `${t.testdir({})}/started`
    const looking = probeAll(connection, [`: >${fifo}; sleep 600`], { signal: abort.signal, hidden })
    await until('it has started', () => existsSync(fifo))
    abort.abort(new Error('enough'))
    await t.rejects(looking, { message: 'enough' })
  }
})

t.test('disposing ends what a script has left running with the shell', async t => {
  const connection = withShell(counted(), io)
  const mark = `76${process.pid}`
  const left = async () => (await listProcesses()).filter(({ command }) => command.includes(`sleep ${mark}`)).length
  await probeAll(connection, [`sleep ${mark} & echo up`], { ...io, hidden: true })
  t.equal(await left(), 1)
  await connection[Symbol.asyncDispose]()
  t.equal(await left(), 0)
})
