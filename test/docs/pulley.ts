/** The command lines of docs/pulley.md are run, in their order, as they stand there but for hosts and folders. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type Started, startProgram } from '../fixtures/program/cli.ts'
import { freePort } from '../fixtures/servers/sshd.ts'

const PULLEY = join(import.meta.dirname, '../../src/pulley.ts')
const text = readFileSync(join(import.meta.dirname, '../../docs/pulley.md'), 'utf8')
const documented = [...text.matchAll(/^ {4}(pulley .*)$/gm)].map(([, line = '']) => line)

const folder = mkdtempSync(join(tmpdir(), 'stoker-pulley-docs-'))
const started: Started[] = []
t.teardown(async () => {
  for (const one of started) one.process.kill('SIGTERM')
  await Promise.all(started.map(one => one.ended))
  rmSync(folder, { recursive: true, force: true })
})
const start = (words: readonly string[]) => {
  const one = startProgram(PULLEY, words, { cwd: folder, env: { PULLEY_KEYS: join(folder, 'keys') } })
  started.push(one)
  return one
}
const pulley = async (...words: readonly string[]) => {
  const ended = await start(words).ended
  return { ...ended, said: `${words.join(' ')}\n${ended.stdout}${ended.stderr}` }
}

const agents = await freePort()
const admins = await freePort()
const here: readonly (readonly [string | RegExp, string])[] = [
  ['0.0.0.0:8440', `127.0.0.1:${agents}`],
  ['127.0.0.1:8441', `127.0.0.1:${admins}`],
  ['https://pulley.example.org:8440', `http://127.0.0.1:${agents}`],
  ['https://pulley.example.org:8441', `http://127.0.0.1:${admins}`],
  ['/etc/pulley/token', 'blue.token'],
  [/ --tls-cert \S+ --tls-key \S+/, ` --data ${join(folder, 'data')} --interval 1`],
]
const words = (line: string): string[] => {
  const changed = here.reduce((before, [from, to]) => before.replace(from, to), line)
  return [...changed.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1)
}
/** The line which begins so. */
const line = (beginning: string): string[] => {
  const found = documented.find(one => one.startsWith(beginning))
  if (!found) throw new Error(`docs/pulley.md has no line which begins with ${beginning}`)
  return words(found)
}

await mkdir(join(folder, 'site'))
await writeFile(
  join(folder, 'site/policy.yaml'),
  `name: site\ntargets: '@worker'\nresources:\n  - file: {path: ${folder}/motd, content: "I am {{node.name}}\\n"}\n`,
)

t.test('from nothing to an order which was obeyed', async t => {
  await start(line('pulley serve')).says(/"admins"/)
  const state = ['--state', join(folder, 'state')]
  const steps: readonly (readonly string[])[] = [
    [...line('pulley vo create'), '--operator-key', join(folder, 'data/operator.key')],
    line('pulley token create'),
    line('pulley publish'),
    [...line('pulley enrol'), ...state, '--name', 'wn1'],
    [...line('pulley agent install'), ...state, '--print'],
    ['agent', '--once', ...state],
  ]
  for (const step of steps) {
    const { code, said } = await pulley(...step)
    t.equal(code, 0, said)
  }
  t.equal(await readFile(join(folder, 'motd'), 'utf8'), 'I am wn1\n')
  const agent = start(['agent', ...state])
  const sent = await pulley(...line('pulley send'))
  t.equal(sent.code, 0, sent.said)
  t.match(sent.stdout, /^wn1: .*load average/)
  t.match(sent.stderr, /1 target: 1 ok/)
  const status = await pulley('status', '--vo', 'blue')
  t.equal(status.code, 0, status.said)
  t.match(status.stdout, /^VO blue: 1 node, newest bundle 1 of .*\n {2}ok: wn1 \(1\)\n {2}bundle 1: wn1 \(1\)\n$/)
  agent.process.kill('SIGTERM')
  t.equal((await agent.ended).code, 0)
})

t.test('mistakes are told before anything leaves this machine', async t => {
  await mkdir(join(folder, 'wrong'))
  const rows: readonly (readonly [string, string, RegExp])[] = [
    [
      'a mistyped option',
      'resources:\n  - file: {path: /x, contnet: a}\n',
      /policy\.yaml:3:\d+.*contnet.*did you mean "?content/,
    ],
    [
      'a missing key',
      'resources:\n  - file: {path: /x, content: "{{node.nmae}}"}\n',
      /policy\.yaml:3:\d+.*node\.nmae.*did you mean node\.name.*on wn1/,
    ],
    ['an unknown actor', 'resources:\n  - fiel: {path: /x}\n', /policy\.yaml:3:\d+.*fiel/],
  ]
  for (const [what, resources, expected] of rows) {
    await writeFile(join(folder, 'wrong/policy.yaml'), `name: wrong\n${resources}`)
    const { code, stderr } = await pulley('publish', 'wrong', '--vo', 'blue')
    t.equal(code, 2, what)
    t.match(stderr, expected, what)
  }
  t.equal((await pulley('history', '--vo', 'blue', '--json')).stdout.trim().split('\n').length, 1)
  for (const [args, expected] of [
    [['publish', 'site', '--vo', 'red'], /there is no key of red/],
    [['--keys', 'none', 'status'], /--vo has to name the virtual organisation: there is no key of a VO in none/],
    [['send', 'shell', '--vo', 'blue', '--to', 'wn2', '--', 'x'], /wn2/],
    [['send', 'ping', '--vo', 'blue', '--to', 'wn1'], /actor ping cannot be sent/],
    [['publish', 'site', '--vo', 'blue', '--waves', '1,50%'], /the last has to be 100%/],
    [['serve', '--listen', 'nonsense', '--data', join(folder, 'other')], /--listen nonsense: expected HOST:PORT/],
  ] as const) {
    const { code, stderr } = await pulley(...args)
    t.ok(code === 2 || code === 3, `${args.join(' ')}: ${code}`)
    t.match(stderr, expected)
  }
  t.notOk(existsSync(join(folder, 'other')), 'and nothing is made of wrong words')
})

t.test('a policy is seen, spread and taken back', async t => {
  await writeFile(
    join(folder, 'site/policy.yaml'),
    `name: site\nresources:\n  - file: {path: ${folder}/motd, content: "now {{node.name}}\\n"}\n`,
  )
  t.match((await pulley('publish', 'site', '--vo', 'blue', '--diff', '--check')).stdout, /-.*I am wn1\n\+.*now wn1/)
  t.match(await pulley('publish', 'site', '--vo', 'blue', '--waves', '1,100%', '--note', 'second'), {
    code: 0,
    stdout: /^bundle 2 for 1 node/,
  })
  t.match((await pulley('history', '--vo', 'blue')).stdout, /2 .*\[1\],100% running.* second\n1 .*all nodes/)
  t.match((await pulley('waves', '2', 'finish', '--vo', 'blue')).stdout, /bundle 2: all nodes/)
  t.match((await pulley('rollback', '1', '--vo', 'blue')).stdout, /bundle 3: bundle 1 again/)
  t.match(await pulley('rollback', '9', '--vo', 'blue'), { code: 2, stderr: /has no bundle 9/ })
})
