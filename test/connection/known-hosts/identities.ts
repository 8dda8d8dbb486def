import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { hostIdentities, type Reached } from '../../../src/connection/known-hosts/identities.ts'
import { openKnownHosts } from '../../../src/connection/known-hosts/known-hosts.ts'
import { verifyHostKey } from '../../../src/connection/known-hosts/verify-host-key.ts'
import { keyText, publicKey } from '../../fixtures/servers/public-keys.ts'

const io = { signal: new AbortController().signal }
const [its, other] = [publicKey('ssh-ed25519'), publicKey('ssh-ed25519')]

const settings = { hostName: 'h5', hostKeyAlias: undefined, checkHostIp: false }
/** As `ssh h5` finds it by its resolver. */
const named: Reached = { name: 'h5', hosts: ['h5', '10.0.0.5'], port: 22, settings, address: '10.0.0.5' }
/** As an inventory gives it. */
const listed: Reached = { name: 'h5', hosts: ['10.0.0.5'], port: 22, settings, address: '10.0.0.5' }

const verdict = async (t: Test, machine: Reached, lines: readonly string[]): Promise<string> => {
  const file = join(t.testdir({}), 'known_hosts')
  writeFileSync(file, lines.map(line => `${line}\n`).join(''))
  const knownHosts = await openKnownHosts([file], t.fail, io)
  const policy = { knownHosts, hostKeys: 'strict', file, hashed: false, rsaBits: 1024 } as const
  return await verifyHostKey('h5', hostIdentities(machine), its, policy, io).then(
    () => 'accepted',
    error => error.code,
  )
}

t.test('a name is looked up as ssh looks it up, and its addresses are not', async t => {
  const key = keyText(its)
  const odd = { ...named, port: 2200 }
  for (const [lines, machine, expected] of [
    [[`h5 ${key}`], named, 'accepted'],
    [[`10.0.0.5 ${key}`], named, 'HOST_KEY_UNKNOWN'],
    [[`10.0.0.* ${key}`], named, 'HOST_KEY_UNKNOWN'],
    [[`*,!h5 ${key}`], named, 'HOST_KEY_UNKNOWN'],
    [[`[10.0.0.5]:2200 ${key}`], odd, 'HOST_KEY_UNKNOWN'],
    [[`*,!h5 ${key}`], odd, 'accepted'],
    [[`h5 ${keyText(other)}`, `10.0.0.5 ${key}`], named, 'HOST_KEY_CHANGED'],
    [
      [`real ${key}`],
      { ...named, settings: { ...settings, hostName: 'real' }, hosts: ['real', '10.0.0.5'] },
      'accepted',
    ],
    [[`h5 ${key}`], { ...named, settings: { ...settings, hostName: 'real' }, hosts: ['real'] }, 'HOST_KEY_UNKNOWN'],
    [[`h5 ${key}`], { ...named, settings: { ...settings, hostKeyAlias: 'alias' } }, 'HOST_KEY_UNKNOWN'],
    [[`alias ${key}`], { ...odd, settings: { ...settings, hostKeyAlias: 'alias' } }, 'accepted'],
  ] as const)
    t.equal(await verdict(t, machine, lines), expected, `${lines.map(line => line.split(' ')[0])} of ${machine.port}`)
})

t.test('an address which a warehouse gives has to stand there to the letter; the name counts after it', async t => {
  const key = keyText(its)
  const odd = { ...listed, port: 2200 }
  for (const [lines, machine, expected] of [
    [[`10.0.0.5 ${key}`], listed, 'accepted'],
    [[`h7,10.0.0.5 ${key}`], listed, 'accepted'],
    [[`h*,10.0.0.5 ${key}`], listed, 'accepted'],
    [[`10.0.0.* ${key}`], listed, 'HOST_KEY_UNKNOWN'],
    [[`* ${key}`], listed, 'accepted'],
    [[`*,!h5 ${key}`], listed, 'HOST_KEY_UNKNOWN'],
    [[`10.0.0.5,!h5 ${key}`], listed, 'HOST_KEY_UNKNOWN'],
    [[`10.0.0.5,!H5 ${key}`], listed, 'HOST_KEY_UNKNOWN'],
    [[`10.0.0.5,!10.* ${key}`], listed, 'HOST_KEY_UNKNOWN'],
    [[`10.0.0.5,!10.* ${key}`, `h? ${key}`], listed, 'accepted'],
    [[`[10.0.0.5]:2200,![h5]:2200 ${key}`], odd, 'HOST_KEY_UNKNOWN'],
    [[`[10.0.0.5]:2200 ${key}`], odd, 'accepted'],
    [[`[h5]:2200 ${key}`], odd, 'accepted'],
    [[`10.0.0.5 ${keyText(other)}`, `h5 ${key}`], listed, 'HOST_KEY_CHANGED'],
    [[`10.0.0.5 ${key}`, `h5 ${keyText(other)}`], listed, 'accepted'],
    [[`10.0.0.5 ${key}`, `@revoked h5 ${key}`], listed, 'HOST_KEY_CHANGED'],
    [[`@cert-authority * ${key}`], listed, 'HOST_KEY_UNKNOWN'],
  ] as const)
    t.equal(await verdict(t, machine, lines), expected, `${lines.map(line => line.split(' ')[0])} of ${machine.port}`)
})

t.test(
  'CheckHostIP: a key which is another one’s than that of the address is refused, and none is accepted for it',
  async t => {
    const key = keyText(its)
    const checked = { ...named, settings: { ...settings, checkHostIp: true } }
    const odd = { ...checked, port: 2200 }
    for (const [lines, machine, expected] of [
      [[`h5 ${key}`], checked, 'accepted'],
      [[`h5 ${key}`, `10.0.0.5 ${key}`], checked, 'accepted'],
      [[`h5 ${key}`, `10.0.0.* ${keyText(other)}`], checked, 'HOST_KEY_CHANGED'],
      [[`h5 ${key}`, `10.0.0.* ${keyText(other)}`], named, 'accepted'],
      [[`10.0.0.5 ${key}`], checked, 'HOST_KEY_UNKNOWN'],
      [[`[h5]:2200 ${key}`, `[10.0.0.5]:2200 ${keyText(other)}`], odd, 'HOST_KEY_CHANGED'],
      [[`[h5]:2200 ${key}`, `10.0.0.5 ${keyText(other)}`], odd, 'accepted'],
      [[`h5 ${key}`, `10.0.0.5 ${keyText(other)}`], odd, 'HOST_KEY_UNKNOWN'],
      [
        [`a ${key}`, `10.0.0.5 ${keyText(other)}`],
        { ...checked, settings: { ...checked.settings, hostKeyAlias: 'a' } },
        'HOST_KEY_CHANGED',
      ],
      [[`h5 ${key}`, `127.0.0.5 ${keyText(other)}`], { ...checked, address: '127.0.0.5' }, 'accepted'],
    ] as const)
      t.equal(await verdict(t, machine, lines), expected, `${lines.map(line => line.split(' ')[0])} of ${machine.port}`)
  },
)
