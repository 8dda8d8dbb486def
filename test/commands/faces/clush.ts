/** `stoker clush` and the real clush: the same words on the same targets, the same output, complaints and exit code. */
import { execFileSync } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  complaints,
  sortedLines,
  type ToolEnded,
  type ToolOptions,
  toolsOn,
  withoutSshWords,
} from '../../fixtures/program/tools.ts'
import { type Random, seeded } from '../../fixtures/seeded.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const GROUPS = { web: 'n[1-2]', db: 'n3', all: 'n[1-4]' }
/** Of the node itself: `1` on n1. */
const OWN = 'set -- $SSH_CONNECTION; a=$(echo $3 | cut -d. -f4)'

interface Case {
  readonly words: readonly string[]
  readonly options?: ToolOptions
  /** Whether the order of lines depends on who was faster. */
  readonly anyOrder?: boolean
}

const CASES: readonly Case[] = [
  { words: ['-w', 'n[1-3]', '-b', 'uptime -h || echo x'] },
  { words: ['-w', 'n[1-3]', 'echo hi; echo err >&2; exit 3'], anyOrder: true },
  { words: ['-w', 'n1', '-w', 'n[2-3]', '-x', 'n2', 'echo hi'], anyOrder: true },
  { words: ['-g', 'web', '-b', 'echo hi'] },
  { words: ['-g', 'web,db', '-b', 'echo hi'] },
  { words: ['-w', '@web', '-b', 'echo hi'] },
  { words: ['-w', '@all!@web', '-b', 'echo hi'] },
  { words: ['-a', '-b', 'echo hi'] },
  { words: ['-a', '-X', 'db', '-b', 'echo hi'] },
  { words: ['-a', '-s', 'local', '-r', '-b', 'echo hi'] },
  { words: ['-a', '-s', 'local', '-r', '-G', '-b', 'echo hi'] },
  { words: ['-a', '-s', 'nosuch', 'true'] },
  { words: ['-a', '-r', '-b', `${OWN}; [ $a -lt 3 ] && echo low || echo high`] },
  { words: ['-a', '-B', `${OWN}; [ $a -lt 3 ] && echo low >&2 || echo high`] },
  { words: ['-a', '-b', `${OWN}; echo $a; exit $((a % 3))`] },
  { words: ['-a', '-S', '-b', `${OWN}; echo same; exit $((a % 3))`] },
  { words: ['-a', '-qS', '-b', `${OWN}; echo same; exit $((a % 3))`] },
  { words: ['-a', '-q', '-b', `${OWN}; echo same; exit $((a % 3))`] },
  { words: ['-a', '-L', `${OWN}; echo same; echo $a; exit $((a % 3))`] },
  { words: ['-a', '-bL', `${OWN}; echo same; echo $a; seq $a`] },
  { words: ['-a', '-BL', `${OWN}; echo same; echo $a; seq $a`] },
  { words: ['-a', '-bL', '-N', `${OWN}; seq $a`] },
  { words: ['-a', '-r', '-bL', `${OWN}; echo same; echo $a`] },
  { words: ['-a', '--diff', `${OWN}; seq 20; echo $a; seq 30; [ $a != 2 ] || echo more`] },
  { words: ['-a', '--diff', `${OWN}; [ $a = 2 ] || seq 3; exit $((a % 2))`] },
  { words: ['-a', '--diff', '-L', 'true'] },
  { words: ['-a', '-N', 'echo hi'] },
  { words: ['-a', '-N', '-b', 'echo hi'] },
  { words: ['-w', 'n[1-2]', '-v', '-b', 'echo hi'], anyOrder: true },
  { words: ['-w', 'n1', 'printf foo'] },
  { words: ['-w', 'n1', '-b', 'printf "a\\r\\nb\\n\\nc"'] },
  { words: ['-w', 'n1', 'printf "a\\r\\nb\\n\\nc"'] },
  { words: ['-w', 'n1', '-b', 'echo'] },
  { words: ['-w', 'n[1-2]', '-b', 'true'] },
  { words: ['-w', 'n[1-2],dead', '-b', 'echo hi'] },
  { words: ['-w', 'n[1-2],dead', '-S', 'echo hi'], anyOrder: true },
  { words: ['-w', 'n1,nosuch.invalid', '-S', '-b', 'echo hi'] },
  { words: ['-w', 'n1', '-S', 'kill -9 $$'] },
  { words: ['-w', 'n[1-2]', '-S', '-u', '1', 'echo a; sleep 20'], anyOrder: true },
  { words: ['-w', 'n[1-2]', '-S', '-u', '1', '-b', 'echo a; sleep 20'] },
  { words: ['-w', 'n[1-2]', '-b', 'cat'], options: { stdin: 'one\ntwo\n' } },
  { words: ['-w', 'n[1-2]', '-n', '-b', 'cat'], options: { stdin: 'one\ntwo\n' } },
  { words: ['-w', 'n[1-2]', '-b'], options: { stdin: 'echo from; echo stdin\nexit 4\n' } },
  { words: ['-w', 'n[1-2]', '-b', '--color=always', 'echo hi'] },
  { words: ['-w', 'n1', '--color=always', 'echo hi; echo err >&2'] },
  { words: ['-w', 'n[1-2]', '--color=always', '--diff', OWN, ';', 'echo $a'] },
  { words: ['-w', 'n1', 'echo hi'], options: { env: { CLICOLOR_FORCE: '1' } } },
  { words: ['-w', 'n1', 'echo hi'], options: { env: { CLICOLOR_FORCE: '1', NO_COLOR: '1' } } },
  { words: ['-w', 'n[1-2]', '-O', 'node_count=no', '-b', 'echo hi'] },
  { words: ['-w', 'n[1-2]', '-O', 'fanout=x', '-b', 'echo hi'] },
  { words: ['-w', 'n[1-2]', '-O', 'maxrc=yes', 'exit 7'], anyOrder: true },
  { words: ['-w', 'n[1-3]', '-f', '1', '-b', 'echo hi'] },
  { words: ['-w', 'n[1-3]', '-R', 'exec', '-b', 'echo', '%%', '%h', '%{rank}', '%host'] },
  { words: ['-w', 'n[1-3]', '--worker=exec', '-S', 'echo %n; exit %n'], anyOrder: true },
  { words: ['-w', 'n1', '-R', 'exec', 'echo', '%nosuch'] },
  { words: ['-w', 'n1', '-l', 'nosuchuser', '-S', 'echo hi'] },
  { words: ['-w', 'n1', '-m', 'nosuch', 'echo hi'] },
  { words: ['-w', 'n[1-2', 'true'] },
  { words: ['-w', 'n1', '--bogus', 'true'] },
  { words: ['-w', 'n1', '--no', '-b', 'cat'] },
  { words: ['-w', 'n1', '-f', 'x', 'true'] },
  { words: ['-w', 'n1', '-t', 'x', 'true'] },
  { words: ['-w', 'n1', '--color', 'sometimes', 'true'] },
  { words: ['-w'] },
  { words: ['-w', 'n1', '-x', 'n1', 'true'] },
  { words: ['true'] },
  { words: ['-w', '-b', 'true'] },
  { words: ['-w', 'n1', '-c', '/nosuch/file'] },
  { words: ['-w', 'n1', '-c'] },
  { words: ['-w', 'n1', '--rcopy', '/etc/hostname', '--dest', '/nosuch/folder'] },
  { words: ['--hostfile', '/nosuch/file', 'true'] },
]

const NODES = ['n[1-4]', 'n[1,3]', '@web', 'n2,dead', 'n[1-4]!n2']
const FLAGS = [
  '-b',
  '-B',
  '-L',
  '-N',
  '-q',
  '-S',
  '-r',
  '--diff',
  '-n',
  '-G',
  '-f 2',
  '-x n4',
  '-X db',
  '-O node_count=no',
]
const COMMANDS = [
  'echo same',
  'true',
  `${OWN}; echo $a`,
  `${OWN}; echo same; exit $((a / 2))`,
  `${OWN}; [ $a -ge 3 ] && seq 12 || seq 3 15`,
  `${OWN}; [ $a = 2 ] || printf 'no end'`,
  `${OWN}; [ $a -lt 3 ] && echo err >&2`,
  `${OWN}; printf '\\r\\n%s\\r\\n\\nx\\n' "$a"; exit 5`,
]

const randomCase = (random: Random): Case => {
  const flags = FLAGS.filter(() => random.below(4) === 0).flatMap(flag => flag.split(' '))
  const words = ['-w', random.oneOf(NODES), ...flags, random.oneOf(COMMANDS)]
  const isOrdered = ['-b', '-B', '-L', '--diff'].some(flag => flags.includes(flag))
  return { words, anyOrder: !isOrdered }
}

const told = ({ code, stdout, stderr }: ToolEnded, { anyOrder }: Case) => ({
  code,
  stdout: withoutSshWords(anyOrder ? sortedLines(stdout) : stdout),
  stderr: complaints(stderr),
})

t.test('as the real clush has it', async t => {
  if (!needFleet(t) || !need(t, 'clush', 'clustershell')) return
  const random = seeded(t)
  await using fleet = await startFleet({ count: 4, names: n => `n${n}` })
  const tools = await toolsOn(fleet, GROUPS)
  const cases = [...CASES, ...Array.from({ length: 16 }, () => randomCase(random))]
  for (const one of cases) {
    const [theirs, ours] = await Promise.all([
      tools.theirs('clush', one.words, one.options),
      tools.ours('clush', one.words, one.options),
    ])
    t.strictSame(told(ours, one), told(theirs, one), `clush ${one.words.join(' ')}`)
  }
})

/** No line is ended by what follows, and nothing is written to files: nobody knows what chance makes of a command. */
const PIECES = [
  'a',
  'B',
  '-',
  '--',
  '-w',
  '-b',
  "'",
  '"',
  '\\',
  '\n',
  ' ',
  '\t',
  '$HOME',
  '$x',
  '*',
  '%h',
  '%',
  '{}',
  'é',
  '~',
  '!',
  '=',
]

t.test('words of a command come to the target as the real clush hands them on', async t => {
  if (!needFleet(t) || !need(t, 'clush', 'clustershell')) return
  const random = seeded(t)
  await using fleet = await startFleet({ count: 1, names: n => `n${n}` })
  const tools = await toolsOn(fleet, GROUPS)
  const word = () => Array.from({ length: random.below(4) }, () => random.oneOf(PIECES)).join('')
  const lists = [
    ['-la', '/'],
    ['-n', '3', 'num'],
    ['', '-w', ''],
    ['--', '-S'],
    ["a'b c'd", 'e\nf'],
  ]
  for (let i = 0; i < 16; i++) lists.push(Array.from({ length: 1 + random.below(5) }, word))
  for (const list of lists) {
    const words = ['-w', 'n1', 'printf', '"<%s>"', ...list]
    const [theirs, ours] = await Promise.all([tools.theirs('clush', words), tools.ours('clush', words)])
    t.strictSame(told(ours, { words }), told(theirs, { words }), JSON.stringify(list))
  }
})

t.test('a link of its name is clush', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2, names: n => `n${n}` })
  const tools = await toolsOn(fleet, GROUPS)
  const link = join(tools.folder, 'clush')
  await symlink(join(import.meta.dirname, '../../../src/stoker.ts'), link)
  const stdout = execFileSync(process.execPath, [link, '-w', 'n[1-2]', '-b', 'echo hi'], {
    cwd: tools.folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: tools.folder, CLUSTERSHELL_CFGDIR: tools.folder },
  })
  t.equal(stdout, `${'-'.repeat(15)}\nn[1-2] (2)\n${'-'.repeat(15)}\nhi\n`)
})
