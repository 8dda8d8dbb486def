/** `stoker pdsh` and the real pdsh: the same words on the same targets, the same output, complaints and exit code. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  complaints,
  sortedLines,
  type ToolEnded,
  type ToolOptions,
  type Tools,
  toolsOn,
  withoutSshWords,
} from '../../fixtures/program/tools.ts'
import { type Random, seeded } from '../../fixtures/seeded.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const GROUPS = { web: 'n[1-2]', db: 'n3', all: 'n[1-4]', pdsh_all_skip: 'n4' }

interface Case {
  readonly words: readonly string[]
  readonly options?: ToolOptions
}

const cases = ({ folder }: Tools): readonly Case[] => [
  { words: ['-w', 'n[1-3]', 'echo hi; echo err >&2; exit 3'] },
  { words: ['-S', '-w', 'n[1-3]', 'echo hi; echo err >&2; exit 3'] },
  { words: ['-w', 'n[1-3],-n2', 'echo', 'hi'] },
  { words: ['-w', 'n[1-3]', '-x', 'n2,n9', 'echo', 'hi'] },
  { words: ['-w', 'n1', '-w', 'n[2-3],n4,-n3', 'echo', 'hi', '-x', 'n1'] },
  { words: ['-w', 'n[1-4],/[13]$/', 'echo', 'hi'] },
  { words: ['-w', 'n[1-4],-/[13]/', 'echo', 'hi'] },
  { words: ['-w', 'n[1-4]', '-x', '/[13]/', 'echo', 'hi'] },
  { words: ['-Sw', 'n[1-2]', 'exit 9'] },
  { words: ['-wn1', '-N', 'echo', 'hi'] },
  { words: ['-N', '-w', 'n[1-2]', 'echo hi; echo err >&2'] },
  { words: ['-b', '-f', '1', '-w', 'n[1-3]', 'echo', 'hi'] },
  { words: ['-t', '30', '-w', 'n[1-3]', 'echo', 'hi'] },
  { words: ['-w', 'n[1-3]', 'echo', '%h', '%u', '%n', '%%', '%z', '100%'] },
  { words: ['-w', 'root@n1,n2', '-l', 'nosuchuser', 'echo', '%h', '%u'] },
  { words: ['-w', 'ssh:n1', 'echo', '%h'] },
  { words: ['-w', 'n1', '--', 'echo', '--', '-w', 'a  b'] },
  { words: ['-w', 'n1,dead,nosuch.invalid', '-S', 'echo', 'hi'] },
  { words: ['-w', 'n1', 'kill -9 $$'] },
  { words: ['-S', '-w', 'n1', 'kill -9 $$'] },
  { words: ['-u', '1', '-S', '-w', 'n[1-2]', 'echo a; exec sleep 20'] },
  { words: ['-g', 'web', 'echo', 'hi'] },
  { words: ['-g', 'web,db', 'echo', 'hi'] },
  { words: ['-g', 'all--web', 'echo', 'hi'] },
  { words: ['-g', '~web&&~db', 'echo', 'hi'] },
  { words: ['-g', '(web||db)&&all', 'echo', 'hi'] },
  { words: ['-a', 'echo', 'hi'] },
  { words: ['-A', 'echo', 'hi'] },
  { words: ['-A', '-X', 'web', 'echo', 'hi'] },
  { words: ['-a', '-x', 'n1', '-X', 'db', 'echo', 'hi'] },
  { words: ['-w', 'n[1-3]', '-g', 'web', 'echo', 'hi'] },
  { words: ['-w', 'n[1-3]', '-X', 'web', 'echo', 'hi'] },
  { words: ['-a', '-g', 'web', 'echo', 'hi'] },
  { words: ['-w', '-', 'echo', 'hi'], options: { stdin: 'n1\nn[2-3]  # not n4\n\n' } },
  { words: ['-w', `^${folder}/list`, 'echo', 'hi'] },
  { words: ['-w', `n[1-4],-^${folder}/list`, 'echo', 'hi'] },
  { words: ['-w', '^/nosuch/file', 'echo', 'hi'] },
  { words: ['echo', 'hi'], options: { env: { WCOLL: join(folder, 'list') } } },
  { words: ['-w', 'n1', 'echo', 'hi'], options: { env: { WCOLL: '/nosuch/file' } } },
  { words: ['-w', 'n1', 'echo $PATH'], options: { env: { DSHPATH: '/usr/bin:/bin:/x' } } },
  {
    words: ['-w', 'n1', '-q'],
    options: { env: { FANOUT: '3', PDSH_CONNECT_TIMEOUT: '4', PDSH_COMMAND_TIMEOUT: '5' } },
  },
  { words: ['-w', 'n1', 'echo', 'hi'], options: { env: { FANOUT: 'x' } } },
  { words: ['-q', '-w', 'n[1-4]', '-x', 'n2', '-l', 'bob', '-N', '-b', '-t', '3', '-u', '4', '-f', '5', 'echo', 'hi'] },
  { words: ['-q', '-w', 'n3,n1,n2,m[08-11],x,n1'] },
  { words: ['-Q', '-w', 'n[1-2]-[0-1],a[09-10]'] },
  { words: ['-q', '-g', 'all'] },
  { words: ['-R', 'exec', '-w', 'n[1-2]', 'echo', '%h', '%n', '%u', "it's", '$HOME  *'] },
  { words: ['-R', 'exec', '-S', '-w', 'n[1-2]', 'sh', '-c', 'exit $1', 'sh', '%n'] },
  { words: ['-R', 'exec', '-t', '3', '-w', 'n[1-2]', 'true'] },
  { words: ['-w', 'n1', 'true'], options: { env: { PDSH_RCMD_TYPE: 'nosuch' } } },
  { words: ['-R', 'nosuch', '-w', 'n1', 'true'] },
  { words: ['-w', 'n1.example.invalid,n2.example.invalid', 'true'] },
  { words: ['-w', 'n1.a.invalid,n2.b.invalid', 'true'] },
  { words: ['-K', '-w', 'n1.a.invalid,n2.a.invalid', 'true'] },
  { words: ['-w', 'n[3-1]', 'true'] },
  { words: ['-f', 'x', '-w', 'n1', 'true'] },
  { words: ['true'] },
  { words: ['-w', 'n1', '-x', 'n1', 'true'] },
  { words: ['-z', '-w', 'n1', 'true'] },
  { words: ['-w'] },
  { words: ['-h'] },
]

const HOSTS = ['n[1-4]', 'n[1,3]', 'n2,dead', 'n[1-4],-n2', 'n4,n1', 'n[1-4],/[124]/']
const FLAGS = ['-N', '-S', '-b', '-f 2', '-x n4', '-X db', '-g web', '-x /3/', '-l nosuchuser', '-t 20']
const COMMANDS = [
  'echo same',
  'true',
  'echo %h %n %u',
  'exit %n',
  'echo out; echo err >&2; exit $((%n * 3))',
  'seq %n',
  'echo %% %d %h%h',
]

const randomCase = (random: Random): Case => {
  const flags = FLAGS.filter(() => random.below(4) === 0).flatMap(flag => flag.split(' '))
  const command = random.oneOf(COMMANDS)
  return { words: [...flags, '-w', random.oneOf(HOSTS), ...(random.below(2) === 0 ? [command] : command.split(' '))] }
}

/** Each tool has its own help, its own path, and its own words for what makes no sense. */
const told = ({ code, stdout, stderr }: ToolEnded) => ({
  code,
  stdout: withoutSshWords(sortedLines(stdout).replaceAll(/(program p(?:athname|ath))\t.*/g, '$1')),
  stderr: complaints(
    stderr
      .replaceAll(/^(Usage: pdsh).*/gms, '$1')
      .replaceAll(/^(pdsh@\S+: ).*(?:[Rr]ange|No such file|no such file).*/gm, '$1...'),
  ),
})

/** What each says when a time was up: pdsh tells how it ends its ssh, too. */
const withoutEndings = (lines: readonly string[]) => lines.filter(line => !/ssh exited with exit code 255$/.test(line))

t.test('as the real pdsh has it', async t => {
  if (!needFleet(t) || !need(t, 'pdsh', 'pdsh')) return
  const random = seeded(t)
  await using fleet = await startFleet({ count: 4, names: n => `n${n}` })
  const tools = await toolsOn(fleet, GROUPS)
  await writeFile(join(tools.folder, 'list'), 'n1\nn[2-3] # and no more\n\n')
  const all = [...cases(tools), ...Array.from({ length: 16 }, () => randomCase(random))]
  for (const { words, options } of all) {
    const [theirs, ours] = (
      await Promise.all([tools.theirs('pdsh', words, options), tools.ours('pdsh', words, options)])
    ).map(told)
    const isLate = theirs?.stderr.some(line => line.endsWith('command timeout'))
    const compared = (one: typeof theirs) => (one && isLate ? { ...one, stderr: withoutEndings(one.stderr) } : one)
    t.strictSame(compared(ours), compared(theirs), `pdsh ${words.join(' ')}`)
  }
})

t.test('what pdsh does not do well is done otherwise', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 2, names: n => `n${n}` })
  const tools = await toolsOn(fleet, {})
  const run = (...words: readonly string[]) => tools.ours('pdsh', words)
  t.equal((await run('-w', 'n1,n1', 'echo', '%n')).stdout, 'n1: 0\n', 'a host named twice is acted on once')
  t.equal(sortedLines((await run('-w', 'n[1-2]', 'printf x')).stdout), '\nn1: x\nn2: x', 'every line has an end')
  t.equal((await run('-w', 'n1', 'echo', "''", '', "'a'")).stdout, 'n1:  a\n', 'an empty word does not end the command')
  t.equal((await run('-R', 'exec', '-w', 'n1', 'printf', '<%%s>', '', 'a')).stdout, 'n1: <><a>\n')
  t.match(await run('-w', 'n1', 'cat'), { code: 0, stdout: /^$/ }, 'a command which reads does not wait for ever')
})

t.test('genders: other names, and values of attributes', async t => {
  if (!needFleet(t) || !need(t, 'pdsh', 'pdsh')) return
  await using fleet = await startFleet({ count: 3, names: n => `n${n}` })
  const tools = await toolsOn(fleet, {})
  const genders = join(tools.folder, 'other')
  await writeFile(genders, 'e1 altname=n1,web,os=linux\ne2 altname=n2,web,os=bsd\nn3 db\n')
  for (const words of [
    ['-g', 'web'],
    ['-g', 'os=bsd'],
    ['-g', 'db'],
    ['-A', '-i'],
    ['-A', '-X', 'os=linux'],
    ['-w', 'n1,n3', '-q'],
    ['-w', 'e1,n3', '-i'],
  ]) {
    const list = ['-F', genders, '-q', ...words]
    const [theirs, ours] = await Promise.all([tools.theirs('pdsh', list), tools.ours('pdsh', list)])
    t.strictSame(told(ours), told(theirs), words.join(' '))
  }
})

t.test('what has no meaning here is told in one line, and is no success', async t => {
  for (const words of [['-k'], ['-j', '12'], ['-v'], ['-R', 'rsh'], ['-M', 'netgroup'], ['-w', 'exec:n1']]) {
    const ended = await ours([...words, '-w', 'n1', 'true'])
    t.match(ended, { code: 2, stdout: /^$/, stderr: /^pdsh: -?\S+.* has no meaning here: .+\n$/ }, words.join(' '))
  }
})

t.test('groups of dsh, where there is no genders file', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 3, names: n => `n${n}` })
  const tools = await toolsOn(fleet, {})
  const groups = join(tools.folder, 'home/.dsh/group')
  await mkdir(groups, { recursive: true })
  await writeFile(join(groups, 'web'), 'n1\nn2 # the other\n')
  await writeFile(join(groups, 'some'), '#include web\nn3\n#include some\n')
  const env = { PDSH_MISC_MODULES: 'dshgroup' }
  const hosts = async (...words: readonly string[]) =>
    (await tools.ours('pdsh', ['-q', ...words], { env })).stdout.trim().split('\n').at(-1)
  t.equal(await hosts('-g', 'web'), 'n[1-2]')
  t.equal(await hosts('-g', 'some', '-X', 'web'), 'n3')
  t.equal(await hosts('-w', 'n[1-9]', '-X', 'some'), 'n[4-9]')
  const ended = await tools.ours('pdsh', ['-g', '../web', 'true'], { env })
  t.match(ended, { code: 1, stderr: /is no name of a group/ })
})

const ours = async (words: readonly string[]) => {
  const { stoker } = await import('../../fixtures/program/cli.ts')
  return await stoker(['pdsh', ...words], { env: { HOME: t.testdirName } })
}
