import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { runCommand } from '../../../src/render/output/run-command.ts'
import { control, hangUp, restartService } from '../../../src/render/services/commands.ts'

const run = (words: readonly string[]) => runCommand(words, { signal: AbortSignal.timeout(600_000) })

t.test('a SIGHUP goes to the program of the pid file, and to no other', async t => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-hup-'))
  const pidFile = join(folder.path, 'pid')
  const child = spawn('sh', ['-c', 'trap "echo told" HUP; echo ready; while :; do read -r line; done'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  try {
    t.strictSame((await lines.next()).value, 'ready')
    const comm = (await readFile(`/proc/${child.pid}/comm`, 'utf8')).trim()
    await writeFile(pidFile, `${child.pid}\n`)
    t.strictSame(await run(hangUp(comm, pidFile)), { code: 0, output: '' })
    // The shell looks at its signals between two lines.
    child.stdin.write('\n')
    t.strictSame((await lines.next()).value, 'told')
    const { code, output } = await run(hangUp('dnsmasq', pidFile))
    t.strictSame([code, output], [0, `dnsmasq is not running, by ${pidFile}: it reads its files when it starts\n`])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

t.test('a daemon which does not run is not told, and that is no failure', async t => {
  for (const words of [hangUp('dnsmasq', '/nonexistent/pid'), control('named', '/nonexistent/pid', ['false'])])
    t.match(await run(words), {
      code: 0,
      output: /is not running, by \/nonexistent\/pid: it reads its files when it starts/,
    })
})

t.test('a control program is run for a daemon which runs, and its failure is one', async t => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-pid-'))
  const pidFile = join(folder.path, 'pid')
  await writeFile(pidFile, `${process.pid}\n`)
  t.strictSame(await run(control('named', pidFile, ['echo', 'a b', '$HOME'])), { code: 0, output: 'a b $HOME\n' })
  t.strictSame(await run(control('named', pidFile, ['sh', '-c', 'exit 3'])), { code: 3, output: '' })
})

t.test('a service which is not on this machine is told', async t => {
  const { code, output } = await run(restartService('no-such-service'))
  t.ok(code === 5 || code === 0, output)
  t.match(output, /no-such-service (is not running)?|there is no service no-such-service here/)
})
