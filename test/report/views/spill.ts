import { mkdir, readdir } from 'node:fs/promises'
import t from 'tap'
import { BLOCK_BYTES, spill } from '../../../src/report/views/spill.ts'
import { openFiles } from '../../fixtures/report/open-files.ts'

t.test('blocks come back as they were, and freed places are used again', async t => {
  const folder = t.testdir({})
  await using store = spill(folder)
  const blocks = await Promise.all([1, 2, 3].map(fill => store.store(Buffer.alloc(BLOCK_BYTES, fill))))
  t.strictSame([...blocks].sort(), [0, 1, 2])
  store.free(1)
  t.equal(await store.store(Buffer.from('short')), 1)
  t.equal((await store.load(1, 5)).toString(), 'short')
  t.ok((await store.load(blocks[2] ?? -1, BLOCK_BYTES)).equals(Buffer.alloc(BLOCK_BYTES, 3)))
  t.strictSame(await readdir(folder), [])
})

t.test('the file is for its owner only', { skip: process.platform !== 'linux' }, async t => {
  const folder = t.testdir({})
  await mkdir(`${folder}/here`)
  await using store = spill(`${folder}/here`)
  await store.store(Buffer.from('secret'))
  t.strictSame(
    openFiles(`${folder}/here`).map(({ mode }) => mode & 0o777),
    [0o600],
  )
})
