import { gzipSync } from 'node:zlib'
import t from 'tap'
import { unpacker } from '../../../../actors/files/fetch/unpacker.ts'
import { seeded } from '../../../fixtures/seeded.ts'

const header = { sha256: 'a'.repeat(64), size: 1, at: 0 }

t.test('however the packed bytes are cut, all of them are there after the last piece', async t => {
  const { below } = seeded(t)
  for (let i = 0; i < 20; i++) {
    const noise = Buffer.from(Array.from({ length: below(100_000) }, () => below(256)))
    const content = Buffer.concat([Buffer.alloc(below(3_000_000)), noise, Buffer.alloc(below(3_000_000))])
    const packed = gzipSync(content)
    const unpacking = unpacker({ ...header, isSparse: true })
    const got: Uint8Array[] = []
    for (let at = 0; at < packed.length; ) {
      // Some pieces are empty, as the one is which holds nothing but the header.
      const end = at + below(3) * below(20_000)
      got.push(...(await unpacking.push(packed.subarray(at, end))))
      at = end
    }
    t.ok(Buffer.concat(got).equals(content), `${content.length} bytes`)
  }
})

t.test('what is not packed stays as it is, and what is not what it says is an error', async t => {
  t.strictSame(await unpacker({ ...header, isSparse: false }).push(Buffer.from('x')), [Buffer.from('x')])
  await t.rejects(unpacker({ ...header, isSparse: true }).push(Buffer.from('no gzip')), { code: 'Z_DATA_ERROR' })
})
