import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadPolicy } from '../../src/policy/file/load-policy.ts'
import { readSecrets } from '../../src/policy/read-secrets.ts'

const io = { signal: new AbortController().signal }
const library = {
  names: [],
  actor: async () => {
    throw new Error('no actor is asked for')
  },
}
const folder = t.testdir({
  password: 'from a file\n',
  two: 'first\nsecond\n\n',
  empty: '\n',
  'give.sh': '#!/bin/sh\necho "$1 $PWD"\n',
  'fail.sh': '#!/bin/sh\necho h1dden; exit 3\n',
})
const read = async (secrets: string) => {
  const path = join(folder, 'p.yaml')
  writeFileSync(path, `secrets:\n  s: ${secrets}\n`)
  return (await readSecrets(await loadPolicy(path, library, io), io)).s
}

t.test('a value comes from a file, a program without a shell, or the environment', async t => {
  process.env.STOKER_TEST_SECRET = 'from the environment'
  for (const [source, expected] of [
    ['{file: password}', 'from a file'],
    [`{file: ${folder}/password}`, 'from a file'],
    ['{file: two}', 'first\nsecond\n'],
    ['{command: [sh, give.sh, "$HOME;x"]}', `$HOME;x ${folder}`],
    ['{environment: STOKER_TEST_SECRET}', 'from the environment'],
  ] as const)
    t.equal(await read(source), expected, source)
})

t.test('what cannot be had is told with its place, and without anything of a value', async t => {
  for (const [source, message] of [
    ['{file: none}', /p\.yaml:2:13: secrets\.s\.file: .*none: cannot be read: there is no such file/],
    ['{file: empty}', /p\.yaml:2:6: secrets\.s: is empty/],
    ['{command: [sh, fail.sh, h1dden]}', /p\.yaml:2:16: secrets\.s\.command: sh: it ended with exit code 3$/],
    ['{command: [/no/such/program]}', /\/no\/such\/program: there is no such program/],
    ['{environment: STOKER_TEST_NONE}', /p\.yaml:2:20: .*the environment has no STOKER_TEST_NONE/],
  ] as const)
    await t.rejects(read(source), { code: 'CONFIG', message }, source)
  const error = await read('{command: [sh, fail.sh, h1dden]}').catch((thrown: Error) => thrown.message)
  t.notMatch(error, /h1dden/)
})
