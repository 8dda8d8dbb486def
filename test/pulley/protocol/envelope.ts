import t from 'tap'
import { BUNDLE, type Bundle, ORDER } from '../../../src/pulley/protocol/documents.ts'
import { type Envelope, envelope, open, seal, signDocument } from '../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey, parseSigningKey } from '../../../src/pulley/protocol/keys.ts'

const key = makeSigningKey()
const bundle: Bundle = {
  ...{ vo: 'blue', serial: 3, issued: 1, expires: 2, content: { sha256: 'a'.repeat(64), size: 0 } },
  ...{ nodes: [{ id: 'n-22222222222222222222', name: 'wn1', roles: ['worker'] }], roles: ['worker'], sealed: {} },
}
const signed = seal(BUNDLE, bundle, key)

/** One bit of a base64 text, as bytes. */
const flipped = (text: string, bit: number): string => {
  const bytes = Buffer.from(text, 'base64')
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return bytes.toString('base64')
}

t.test('what was signed is read again, also by the key from its file, and after a way as JSON', async t => {
  t.strictSame(open(BUNDLE, signed, key.publicKey), bundle)
  const read = parseSigningKey(key.pem)
  t.equal(read.publicKey, key.publicKey)
  t.strictSame(
    open(BUNDLE, envelope.parse(JSON.parse(JSON.stringify(seal(BUNDLE, bundle, read)))), key.publicKey),
    bundle,
  )
})

t.test('every flipped bit is refused', async t => {
  const [signature] = signed.signatures
  const bits = Buffer.from(signed.payload, 'base64').length * 8
  for (let bit = 0; bit < bits; bit += 7)
    t.throws(() => open(BUNDLE, { ...signed, payload: flipped(signed.payload, bit) }, key.publicKey), {
      code: 'UNTRUSTED',
    })
  for (let bit = 0; bit < 512; bit += 3) {
    const signatures = [{ keyid: '', sig: flipped(signature?.sig ?? '', bit) }]
    t.throws(() => open(BUNDLE, { ...signed, signatures }, key.publicKey), { code: 'UNTRUSTED' })
  }
})

const wrong: readonly (readonly [string, Envelope, string])[] = [
  ['by another key', seal(BUNDLE, bundle, makeSigningKey()), key.publicKey],
  [
    'that names the right key and is signed by another',
    {
      ...seal(BUNDLE, bundle, makeSigningKey()),
      signatures: [{ keyid: key.publicKey, sig: seal(BUNDLE, bundle, makeSigningKey()).signatures[0]?.sig ?? '' }],
    },
    key.publicKey,
  ],
  ['of another type', seal({ ...BUNDLE, type: ORDER.type }, bundle, key), key.publicKey],
  [
    'of another type under this name',
    { ...seal({ ...BUNDLE, type: ORDER.type }, bundle, key), payloadType: BUNDLE.type },
    key.publicKey,
  ],
  ['of another shape', signDocument(BUNDLE.type, { ...bundle, serial: 0 }, key), key.publicKey],
  ['with a key too many', signDocument(BUNDLE.type, { ...bundle, run: 'rm' }, key), key.publicKey],
  ['which is no JSON', signDocument(BUNDLE.type, 'x', key), key.publicKey],
  ['for no key at all', signed, ''],
  ['for a key of zeros', signed, 'A'.repeat(43)],
  ['with an empty signature', { ...signed, signatures: [{ keyid: key.publicKey, sig: '' }] }, key.publicKey],
]
for (const [what, document, publicKey] of wrong)
  t.test(`a document ${what} is refused`, async t => {
    t.throws(() => open(BUNDLE, document, publicKey), { code: 'UNTRUSTED', message: /bundle/ })
  })

t.test('a key of another kind is no signing key', async t => {
  t.throws(() => parseSigningKey('x'))
})
