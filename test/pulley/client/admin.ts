import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { keysFolder, readKey, writeNew } from '../../../src/pulley/client/admin.ts'
import { makeSigningKey } from '../../../src/pulley/protocol/keys.ts'

t.test('keys are in the folder which is named, else in the user’s configuration', async t => {
  const usual = join(homedir(), '.config/pulley')
  for (const [flag, env, expected] of [
    ['keys', { PULLEY_KEYS: '/k', XDG_CONFIG_HOME: '/c' }, 'keys'],
    [undefined, { PULLEY_KEYS: '/k', XDG_CONFIG_HOME: '/c' }, '/k'],
    [undefined, { PULLEY_KEYS: '', XDG_CONFIG_HOME: '/c' }, '/c/pulley'],
    [undefined, { XDG_CONFIG_HOME: '' }, usual],
    [undefined, { XDG_CONFIG_HOME: 'relative' }, usual],
    [undefined, {}, usual],
  ] as const)
    t.equal(keysFolder(flag, env), expected, JSON.stringify([flag, env]))
})

t.test('a new key is for its owner only, and never put over another one', async t => {
  const folder = join(t.testdir(), 'keys')
  const path = join(folder, 'vo.key')
  const { pem, publicKey } = makeSigningKey()
  await writeNew(path, pem)
  t.strictSame([statSync(path).mode & 0o777, statSync(folder).mode & 0o777], [0o600, 0o700])
  t.equal((await readKey(path, 'vo')).publicKey, publicKey)
  await t.rejects(writeNew(path, 'other'), { code: 'CONFIG', message: /it is there already; move it away first$/ })
  t.strictSame([readFileSync(path, 'utf8'), readdirSync(folder)], [pem, ['vo.key']])
  chmodSync(path, 0o640)
  await t.rejects(readKey(path, 'vo'), { code: 'CONFIG', message: /can be read by others.*chmod 600/ })
})
