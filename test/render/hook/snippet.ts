import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { hookCommand } from '../../../src/render/hook/command.ts'
import { type Daemon, HOOKED_SERVICES } from '../../../src/render/hook/services.ts'
import { snippetOf } from '../../../src/render/hook/snippet.ts'
import { findProgram } from '../../fixtures/servers/debian.ts'

const run = promisify(execFile)
/** Seconds: nothing but what hangs is meant to meet it. */
const LIMIT = 600
const daemonOf = (name: string): Daemon => {
  const daemon = HOOKED_SERVICES.find(one => one.name === name)?.daemons[0]
  if (!daemon) throw new Error(name)
  return daemon
}

/** An init script's folder: a snippet whose command is this shell text, and `script`, which reads it and then goes on. */
const site = async (folder: string, name: string, command: string, script: string, limit = LIMIT): Promise<string> => {
  await mkdir(folder, { recursive: true })
  const program = join(folder, "it's a $(touch pwned) program")
  await writeFile(program, `#!/bin/sh\necho "$@" >>'${folder}/calls'\n${command}\n`)
  await chmod(program, 0o755)
  const words = hookCommand(
    { node: program, entry: '/opt/stoker.js', config: '/etc/stoker $HOME/%h.yaml' },
    ['dhcpd'],
    limit,
  )
  await writeFile(join(folder, 'defaults'), snippetOf(words, limit, daemonOf(name)))
  await writeFile(join(folder, 'script'), script.replaceAll('DEFAULTS', `${folder}/defaults`))
  return join(folder, 'script')
}

const calls = (script: string): Promise<readonly string[]> =>
  readFile(join(script, '../calls'), 'utf8').then(
    text => text.trimEnd().split('\n'),
    () => [],
  )

const PLAIN =
  '. DEFAULTS\necho "status $?"\nset | grep -i -e "^[a-z_]*stoker" -e "^line" || :; command -v stoker_hook || :; echo "$@"\n'
const SHELLS = ['dash', 'bash'].filter(shell => findProgram(shell) !== undefined)

for (const shell of SHELLS)
  t.test(`${shell}: it acts at start and restart only, and leaves nothing behind`, async t => {
    const folder = t.testdir()
    for (const options of ['', '-e', '-u', '-eu', '-f']) {
      const acts = ['start', 'restart', 'force-reload']
      for (const word of [...acts, 'stop', 'status', 'reload', '']) {
        const script = await site(join(folder, `${options}${word}`), 'dnsmasq', 'exit 1', PLAIN)
        const words = [...(options ? [options] : []), script, ...(word ? [word, 'more'] : [])]
        // npm has variables of its own with the package's name.
        const { stdout, stderr } = await run(shell, words, { env: { PATH: '/usr/bin:/bin' } })
        const isDone = acts.includes(word)
        const what = `${options} ${word}`
        t.match(stdout, /^status 0\n/, what)
        t.notMatch(stdout, /stoker|line/i, `${what}: no variable and no function`)
        t.equal((await calls(script)).length, isDone ? 1 : 0, what)
        t.equal(stderr, '', what)
      }
    }
  })

t.test('the words of the command arrive as they are', async t => {
  const script = await site(t.testdir(), 'dnsmasq', '', PLAIN)
  await run('sh', [script, 'start'])
  t.strictSame(await calls(script), ['/opt/stoker.js --config /etc/stoker $HOME/%h.yaml render dhcpd --start'])
})

t.test('what the command says is told on standard error, line by line', async t => {
  const script = await site(t.testdir(), 'dnsmasq', "printf '%s\\n' '\\n  one %s *'; echo two >&2; exit 3", PLAIN)
  const { stderr } = await run('sh', [script, 'start'])
  t.match(stderr, '\\n  one %s *\ntwo\n')
})

t.test('a command which hangs is ended, told, and the start goes on', async t => {
  const script = await site(t.testdir(), 'dnsmasq', "trap '' TERM; sleep 60000 & wait; sleep 60000", PLAIN, 3)
  const { stdout, stderr } = await run('sh', [script, 'start'])
  t.match(stdout, /^status 0\n/)
  t.match(stderr, /sending signal TERM/)
})

t.test('a program which is not there any more is told, and the start goes on', async t => {
  const script = await site(t.testdir(), 'dnsmasq', '', PLAIN)
  await writeFile(join(script, '../defaults'), snippetOf(['/nowhere/timeout', 'x'], LIMIT, daemonOf('dnsmasq')))
  const { stdout, stderr } = await run('sh', ['-e', script, 'start'])
  t.match(stdout, /^status 0\n/)
  t.match(stderr, /nowhere.*not found/)
})

const CALLING_ITSELF = `. DEFAULTS
case "$1" in
  start) echo started >>DEFAULTS.log; env | grep STOKER >>DEFAULTS.log || : ;;
  stop) echo stopped >>DEFAULTS.log ;;
  restart) "$SHELL" "$0" stop; "$SHELL" "$0" start ;;
esac
`

for (const shell of SHELLS)
  t.test(
    `${shell}: a script which calls itself renders once, while it stops, and is done before it starts`,
    async t => {
      const say = 'sleep 1; echo rendered >>"$(dirname "$0")/defaults.log"'
      const folder = t.testdir()
      for (const [word, log] of [
        ['restart', 'stopped rendered started'],
        ['start', 'rendered started'],
        ['stop', 'stopped'],
      ] as const) {
        const script = await site(join(folder, word), 'dhcpd', say, CALLING_ITSELF)
        await run(shell, ['-e', script, word], { env: { ...process.env, SHELL: shell } })
        const lines = await readFile(join(script, '../defaults.log'), 'utf8')
        t.equal(lines.trimEnd().replaceAll('\n', ' '), log, word)
        t.equal((await calls(script)).length, word === 'stop' ? 0 : 1)
      }
    },
  )
