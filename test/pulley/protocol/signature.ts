import t from 'tap'
import { makeSigningKey } from '../../../src/pulley/protocol/keys.ts'
import { claimOf, type SignedRequest, signRequest } from '../../../src/pulley/protocol/signature.ts'

const key = makeSigningKey()
const request: SignedRequest = { method: 'POST', target: '/v1/reports?a=1', body: Buffer.from('[1]') }
const headers = { ...signRequest(request, key, 'n-1', 1_700_000_000_999) }

t.test('a signed request tells who, when, and a nonce of its own', async t => {
  const claim = claimOf(request, headers)
  t.match(claim, { keyid: 'n-1', created: 1_700_000_000, nonce: /^[\w-]{22}$/ })
  t.equal(claim?.isRight(key.publicKey), true)
  t.equal(claim?.isRight(makeSigningKey().publicKey), false)
  t.not(claimOf(request, { ...signRequest(request, key, 'n-1', 0) })?.nonce, claim?.nonce)
})

t.test('a request without a query or a body is signed as well', async t => {
  const empty: SignedRequest = { method: 'GET', target: '/v1/poll', body: Buffer.alloc(0) }
  t.equal(claimOf(empty, { ...signRequest(empty, key, 'vo:blue', 0) })?.isRight(key.publicKey), true)
})

const others: readonly (readonly [string, Partial<SignedRequest>])[] = [
  ['method', { method: 'PUT' }],
  ['path', { target: '/v1/actions?a=1' }],
  ['query', { target: '/v1/reports?a=2' }],
  ['place of the question mark', { target: '/v1/reports' }],
]
for (const [what, change] of others)
  t.test(`another ${what} is not what was signed`, async t => {
    t.equal(claimOf({ ...request, ...change }, headers)?.isRight(key.publicKey), false)
  })

t.test('another body is not what was signed, whatever its digest says', async t => {
  const changed = { ...request, body: Buffer.from('[2]') }
  t.equal(claimOf(changed, headers), undefined)
  const { 'content-digest': digest } = signRequest(changed, key, 'n-1', 0)
  t.equal(claimOf(changed, { ...headers, 'content-digest': digest })?.isRight(key.publicKey), false)
})

for (const [from, to] of [
  ['created=1700000000', 'created=1700000001'],
  ['keyid="n-1"', 'keyid="n-2"'],
  ['nonce="', 'nonce="A'],
] as const)
  t.test(`a changed parameter is not what was signed: ${to}`, async t => {
    const input = headers['signature-input'].replace(from, to)
    t.not(input, headers['signature-input'])
    t.equal(claimOf(request, { ...headers, 'signature-input': input })?.isRight(key.publicKey), false)
  })

const malformed: readonly (readonly [string, Record<string, string | string[] | undefined>])[] = [
  ['no signature', { signature: undefined }],
  ['no input', { 'signature-input': undefined }],
  ['no digest', { 'content-digest': undefined }],
  ['two inputs', { 'signature-input': ['a', 'b'] }],
  ['fewer covered parts', { 'signature-input': headers['signature-input'].replace(' "content-digest"', '') }],
  ['another algorithm', { 'signature-input': headers['signature-input'].replace('ed25519', 'hmac-sha256') }],
  ['a path for a key', { 'signature-input': headers['signature-input'].replace('n-1', '../n-1') }],
  ['a short signature', { signature: 'sig=:AAAA:' }],
]
for (const [what, change] of malformed)
  t.test(`a request with ${what} claims nothing`, async t => {
    t.equal(claimOf(request, { ...headers, ...change }), undefined)
  })
