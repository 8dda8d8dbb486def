import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openKnownHosts } from '../../../src/connection/known-hosts/known-hosts.ts'
import { type HostKeyPolicy, knownFirst, verifyHostKey } from '../../../src/connection/known-hosts/verify-host-key.ts'
import { keyText, publicKey, wire } from '../../fixtures/servers/public-keys.ts'

const io = { signal: new AbortController().signal }
const host = { name: 'h5', port: 2200 }
const key = publicKey('ssh-ed25519')

const policyOf = async (t: Test, lines: readonly string[], changes: Partial<HostKeyPolicy> = {}) => {
  const file = join(t.testdir({}), 'known_hosts')
  writeFileSync(file, lines.map(line => `${line}\n`).join(''))
  const knownHosts = await openKnownHosts([file], t.fail, io)
  return { knownHosts, hostKeys: 'accept-new', file, hashed: false, rsaBits: 1024, ...changes } as const
}

t.test('HashKnownHosts hides the name of a new key, and it is found again', async t => {
  const policy = await policyOf(t, [], { hashed: true })
  await verifyHostKey('h5', [host], key, policy, io)
  const text = readFileSync(policy.file as string, 'utf8')
  t.match(text, /^\|1\|[\w+/]{27}=\|[\w+/]{27}= ssh-ed25519 \S+\n$/)
  const again = await policyOf(t, text.trim().split('\n'), { hostKeys: 'strict' })
  await verifyHostKey('h5', [host], key, again, io)
  await t.rejects(verifyHostKey('h6', [{ name: 'h6', port: 2200 }], key, again, io), { code: 'HOST_KEY_UNKNOWN' })
})

t.test('without a file to write to, or with a name which ssh would not write, nothing new is accepted', async t => {
  const nowhere = await policyOf(t, [], { file: undefined })
  await t.rejects(verifyHostKey('h5', [host], key, nowhere, io), {
    code: 'HOST_KEY_UNKNOWN',
    message: /no file to write new ones to/,
  })
  const policy = await policyOf(t, [])
  for (const name of ['h*', 'a@b', 'a"b', '[h5]'])
    await t.rejects(verifyHostKey('h5', [{ name, port: 22 }], key, policy, io), { code: 'HOST_KEY_UNKNOWN' }, name)
  t.equal(readFileSync(policy.file as string, 'utf8'), '')
})

t.test('an RSA key with too few bits is refused, also when it is known', async t => {
  const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 1536 }).publicKey.export({ format: 'jwk' })
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.from(n, 'base64url')])
  const short = wire('ssh-rsa', Buffer.from(e, 'base64url'), modulus)
  const lines = [`[h5]:2200 ${keyText(short)}`]
  await verifyHostKey('h5', [host], short, await policyOf(t, lines, { rsaBits: 1536 }), io)
  await t.rejects(verifyHostKey('h5', [host], short, await policyOf(t, lines, { rsaBits: 1537 }), io), {
    code: 'CONNECT_FAILED',
    message:
      'its host key is an RSA key of 1536 bits, and fewer than 1537 are not safe (RequiredRSASize in ssh_config)',
  })
})

t.test('algorithms of known keys come first, unless the best one is known', async t => {
  const all = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256']
  const rsa = keyText(publicKey('ssh-rsa'))
  for (const [lines, expected] of [
    [[], all],
    [[`[h5]:2200 ${rsa}`], ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519', 'ecdsa-sha2-nistp256']],
    [[`[h5]:2200 ${rsa}`, `[h5]:2200 ${keyText(key)}`], all],
    [[`h5 ${rsa}`], all],
    [[`@revoked [h5]:2200 ${rsa}`, `@cert-authority [h5]:2200 ${rsa}`], all],
  ] as const)
    t.strictSame(knownFirst(all, [host], await policyOf(t, lines)), expected, `${lines.length} lines`)
})
