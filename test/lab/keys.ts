import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import t from 'tap'
import { makeKeyPair } from '../../src/lab/keys.ts'
import { need } from '../fixtures/servers/debian.ts'

t.test('ssh-keygen reads a key and finds the same public key and comment', async t => {
  if (!need(t, 'ssh-keygen', 'openssh-client')) return
  const key = makeKeyPair('some comment')
  const file = join(t.testdir(), 'key')
  writeFileSync(file, key.privateKey, { mode: 0o600 })
  t.equal(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }), `${key.publicKey} some comment\n`)
})

t.test(
  'a thousand keys can all be read, whatever bytes they begin with, and sign what their public half verifies',
  async t => {
    const data = Buffer.from('to be signed')
    const zeros = new Set<string>()
    for (let i = 0; i < 1000; i++) {
      const key = makeKeyPair('x'.repeat(i % 9)) // every length of padding
      const [secret, open] = [ssh2.utils.parseKey(key.privateKey), ssh2.utils.parseKey(key.publicKey)]
      if (secret instanceof Error || open instanceof Error) return t.fail(key.publicKey)
      if (open.verify(data, secret.sign(data)) !== true) return t.fail(key.publicKey)
      if (open.getPublicSSH().at(-32) === 0) zeros.add(key.publicKey)
    }
    t.comment(`${zeros.size} began with a zero`)
  },
)
