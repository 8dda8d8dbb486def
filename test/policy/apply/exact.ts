/** Names and contents which shells and text tools like to spoil, through a policy and over SSH. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

const NAMES = [
  '-rf',
  '--help',
  `both "quotes" and it's`,
  '$(touch made) `touch made` $HOME',
  'two\nlines',
  'ends in a newline\n',
  ' blanks around ',
  'back\\slash\\n',
  'ünïcödé 測試 🦊',
  '*?[a-z]{1,2}~!#&;|<>%s',
  '{braces}',
]

const CONTENTS: readonly Buffer[] = [
  ...[
    '',
    '\n',
    'no newline at the end',
    `it's "quoted" $(touch made) \`touch made\` \${HOME} \\ \\n %s %%\n`,
    '-n\n--\n',
    'EOF\n\u0001\r\n\t\u001b[31m\n\n\n',
    'ünïcödé 測試 🦊\n',
    '#!/bin/sh\nexit 1\n',
    '{{node.name}} is text in a file\n',
  ].map(text => Buffer.from(text)),
  Buffer.from([0]),
  Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255)),
  randomBytes(200_000),
]
const LARGE = 50 << 20

const sum = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

t.test('names and contents arrive as they are, from a source or within the policy', async t => {
  if (!needFleet(t)) return
  await using fleet = await startFleet({ count: 1, names: () => 'web1' })
  const [target] = fleet.targets
  const home = target?.folder ?? ''
  const policy = t.testdir({})
  await mkdir(join(policy, 'files'))
  const escaped = (text: string) => text.replaceAll('{{', '\\{{')
  const resources: object[] = []
  const expected = new Map<string, Buffer>()
  const file = (name: string, options: object, content: Buffer) => {
    expected.set(name, content)
    resources.push({ file: { path: escaped(join(home, name)), ...options } })
  }
  for (const [i, name] of NAMES.entries()) {
    const content = CONTENTS[i % CONTENTS.length] as Buffer
    await writeFile(join(policy, 'files', name), content)
    file(name, { source: name }, content)
  }
  for (const [i, content] of CONTENTS.entries()) {
    await writeFile(join(policy, 'files', `content${i}`), content)
    file(`from source ${i}`, { source: `content${i}` }, content)
    const text = content.toString()
    if (Buffer.from(text).equals(content)) file(`within ${i}`, { content: escaped(text) }, content)
  }
  await writeFile(join(policy, 'files/large'), randomBytes(LARGE))
  resources.push({ file: { path: join(home, 'large'), source: 'large', mode: '0600' } })
  // JSON is YAML.
  await writeFile(join(policy, 'policy.yaml'), JSON.stringify({ targets: 'web1', resources }))

  const first = await stoker(['apply', policy, '--diff'], fleet)
  t.match(first, { code: 0, stderr: new RegExp(`web1: ${resources.length} changed`) }, first.stderr)
  for (const [name, content] of expected)
    t.ok((await readFile(join(home, name))).equals(content), `${JSON.stringify(name)} is exact`)
  t.equal(await sum(join(home, 'large')), await sum(join(policy, 'files/large')))
  t.strictSame(
    (await readdir(home)).filter(name => name !== '.local').sort(),
    [...expected.keys(), 'large'].sort(),
    'and nothing else was made',
  )
  t.match(await stoker(['apply', policy], fleet), {
    code: 0,
    stdout: /^$/,
    stderr: new RegExp(`web1: ${resources.length} ok`),
  })
})
