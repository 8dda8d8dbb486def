import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  areOptions,
  fingerprint,
  keyLine,
  parseKey,
  withKeys,
  withoutKeys,
} from '../../../actors/accounts/authorized-keys-file.ts'
import { joinLines, splitLines } from '../../../actors/files/lines.ts'
import { makeKeyPair } from '../../../src/lab/keys.ts'
import { need } from '../../fixtures/servers/debian.ts'

const [a, b, c] = ['a', 'b', 'c'].map(name => makeKeyPair(name).publicKey) as [string, string, string]
const bare = a.split(' ').slice(0, 2).join(' ')
const key = (line: string) => {
  const parsed = parseKey(line)
  if (!parsed) throw new Error(`no key: ${line}`)
  return parsed
}

t.test('keys are known with their options and comments', async t => {
  for (const [options, comment] of [
    ['', ''],
    ['', 'alice@laptop and more'],
    ['no-pty', 'x'],
    ['command="echo \\"ssh-rsa AAAA\\" # x",from="10.0.0.0/8,!10.1.0.1"', 'y'],
  ] as const) {
    const line = [options, bare, comment].filter(Boolean).join(' ')
    t.match(parseKey(line), { options, type: 'ssh-ed25519', comment }, line)
    t.equal(keyLine(key(line)), line)
  }
})

t.test('what is no key is none', async t => {
  const [type, blob] = bare.split(' ') as [string, string]
  for (const line of [
    '',
    '# x',
    `# ${a}`,
    'ssh-ed25519',
    `${type} ${blob.slice(0, 40)}`,
    `${type} ${blob}AAAA`,
    `ssh-rsa ${blob}`,
    `${blob}`,
    `x y ${a}`,
    '-----BEGIN OPENSSH PRIVATE KEY-----',
  ])
    t.equal(parseKey(line), undefined, line)
})

/** Of this length, what looks at each piece of a line twice for every other is not done in a day. */
const MANY = 5_000_000

t.test('a hostile line is read in one pass: only so does this come to an end', async t => {
  const blanks = ' '.repeat(MANY)
  for (const line of [
    `${blanks}x`,
    `${bare} x${blanks}x`,
    'a"'.repeat(MANY),
    '""'.repeat(MANY),
    `"${'\\\\'.repeat(MANY)}`,
  ])
    t.equal(parseKey(line)?.options ?? '', '')
})

t.test('the fingerprint is the one of ssh-keygen', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const file = join(t.testdir(), 'a.pub')
  await writeFile(file, `${a}\n`)
  t.ok(execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).includes(` ${fingerprint(key(a))} `))
})

t.test('options are one word but for what is quoted', async t => {
  for (const [text, expected] of [
    ['no-pty', true],
    ['command="a b",no-pty', true],
    ['no-pty no-X11', false],
    ['command="a', false],
    ['a"b"', true],
    ['no-pty\nx', false],
    ['ssh-rsa', false],
    ['', false],
  ] as const)
    t.equal(areOptions(text), expected, text)
})

const edited = (before: string, keys: readonly string[], exclusive = false): string =>
  Buffer.from(joinLines(withKeys(splitLines(Buffer.from(before)), keys.map(key), exclusive).lines)).toString()

t.test('keys are added, changed, or alone', async t => {
  for (const [before, keys, exclusive, after] of [
    ['', [a, b], false, `${a}\n${b}\n`],
    [`${a}`, [b], false, `${a}\n${b}\n`],
    [`# mine\n\n${a}\n`, [a], false, `# mine\n\n${a}\n`],
    [`no-pty ${a}\n`, [a], false, `${a}\n`],
    [`${a}\n`, [`no-pty ${bare}`], false, `no-pty ${a}\n`],
    [`${bare} old\n`, [bare], false, `${bare} old\n`],
    [`${bare} old\n`, [`${bare} new`], false, `${bare} new\n`],
    [`${a}\n${b}\n${a}\n`, [a], false, `${a}\n${b}\n`],
    [`${a}\n${b}\n# x\nrubbish\n\n`, [b, c], true, `${b}\n# x\n\n${c}\n`],
    [`${a}\r\n`, [b], false, `${a}\r\n${b}\r\n`],
  ] as const) {
    t.equal(edited(before, keys, exclusive), after, before)
    t.equal(edited(after, keys, exclusive), after, 'and the second time nothing is left to do')
  }
})

t.test('keys are removed whatever their options and comments', async t => {
  const { lines, removed } = withoutKeys(splitLines(Buffer.from(`no-pty ${bare} old\n${b}\n# ${a}\nrubbish\n`)), [
    key(a),
  ])
  t.equal(removed, 1)
  t.equal(Buffer.from(joinLines(lines)).toString(), `${b}\n# ${a}\nrubbish\n`)
})
