import ssh2, { type ParsedKey } from 'ssh2'
import t from 'tap'
import type { AlgorithmList } from '../../../src/connection/ssh-config/ssh-config.ts'
import { signaturesFor } from '../../../src/connection/ssh2/signatures.ts'
import { keyText, publicKey } from '../../fixtures/servers/public-keys.ts'

const [rsa, ed25519] = [publicKey('ssh-rsa'), publicKey('ssh-ed25519')].map(key => {
  const parsed = ssh2.utils.parseKey(keyText(key))
  if (parsed instanceof Error) throw parsed
  return parsed
}) as [ParsedKey, ParsedKey]

const list = (kind: AlgorithmList['kind'], ...names: string[]): AlgorithmList => {
  return { kind, names, location: { file: 'f', line: 1 } }
}

t.test('keys are offered, and sign, as PubkeyAcceptedAlgorithms has it', t => {
  for (const [wanted, offered, hashes] of [
    [undefined, [true, true], ['sha512', 'sha256', 'sha1']],
    [list('only', 'ssh-ed25519'), [false, true], []],
    [list('only', 'rsa-sha2-*'), [true, false], ['sha512', 'sha256']],
    [list('append', 'ssh-rsa'), [true, true], ['sha512', 'sha256', 'sha1']],
    [list('append', 'nonsense'), [true, true], ['sha512', 'sha256']],
    [list('remove', 'rsa-*'), [false, true], []],
    [list('remove', 'ssh-ed*', 'rsa-sha2-512'), [true, false], ['sha256']],
    [list('prepend', 'ssh-rsa'), [true, true], ['sha512', 'sha256', 'sha1']],
  ] as const) {
    const signatures = signaturesFor({ pubkeyAcceptedAlgorithms: wanted, requiredRsaSize: 1024 })
    const title = wanted === undefined ? 'nothing' : `${wanted.kind} ${wanted.names}`
    t.strictSame([signatures.offers(rsa), signatures.offers(ed25519)], offered, title)
    t.strictSame(
      ['sha512', 'sha256', 'sha1'].filter(hash => signatures.signs(rsa, hash)),
      hashes,
      title,
    )
    t.equal(signatures.signs(rsa, undefined), signatures.signs(rsa, 'sha1'), title)
    t.ok(signatures.signs(ed25519, undefined), title)
  }
  t.end()
})

t.test('an RSA key with too few bits is not offered', t => {
  const offers = (requiredRsaSize: number) =>
    [rsa, ed25519].map(key => signaturesFor({ pubkeyAcceptedAlgorithms: undefined, requiredRsaSize }).offers(key))
  t.strictSame(
    [offers(2048), offers(2049)],
    [
      [true, true],
      [false, true],
    ],
  )
  t.end()
})
