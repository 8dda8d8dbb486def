import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { pack, unpack } from '../../../src/pulley/bundle/tree.ts'

const files = new Map([
  ['policy.yaml', Buffer.from('name: web\n')],
  ["files/it's é", Buffer.from([0, 255, 10])],
  ['files/empty', Buffer.alloc(0)],
])

t.test('files go in and come out, and their order does not count', async t => {
  const packed = pack(files)
  t.strictSame(packed, pack(new Map([...files].reverse())))
  const back = unpack(packed.bytes, packed.sha256)
  t.strictSame([...back.keys()].sort(), [...files.keys()].sort())
  for (const [name, data] of files) t.ok(data.equals(back.get(name) ?? Buffer.from('?')), name)
})

t.test('other bytes than those of the checksum are refused', async t => {
  const { bytes, sha256 } = pack(files)
  t.throws(() => unpack(Buffer.concat([bytes, Buffer.from('x')]), sha256), { code: 'UNTRUSTED', message: /checksum/ })
})

const bad = (value: unknown) => gzipSync(typeof value === 'string' ? value : JSON.stringify(value))
for (const [what, bytes] of [
  ['no compressed text', Buffer.from('x')],
  ['no JSON', bad('{')],
  ['another format', bad({ format: 2, files: {} })],
  ['a way out', bad({ format: 1, files: { '../etc/passwd': '' } })],
  ['a way out in the middle', bad({ format: 1, files: { 'a/../../b': '' } })],
  ['an absolute path', bad({ format: 1, files: { '/etc/passwd': '' } })],
  ['a NUL', bad({ format: 1, files: { 'a\0b': '' } })],
  ['a bomb', gzipSync(Buffer.alloc(600 * 1024 * 1024, ' '), { level: 1 })],
] as const)
  t.test(`content with ${what} is refused`, async t => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    t.throws(() => unpack(bytes, sha256), { code: 'UNTRUSTED' })
  })
