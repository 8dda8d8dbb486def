import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkOffer, loadBundle, removeOtherBundles, saveBundle } from '../../../../src/pulley/agent/bundle/bundles.ts'
import { Folder } from '../../../../src/pulley/agent/state/folder.ts'
import { NO_PROGRESS } from '../../../../src/pulley/agent/state/identity-files.ts'
import { pack } from '../../../../src/pulley/bundle/tree.ts'
import { BUNDLE, type Bundle, ORDER } from '../../../../src/pulley/protocol/documents.ts'
import { seal, signDocument } from '../../../../src/pulley/protocol/envelope.ts'
import { makeSigningKey } from '../../../../src/pulley/protocol/keys.ts'

const key = makeSigningKey()
const former = makeSigningKey()
const packed = pack(
  new Map([
    ['policy.yaml', Buffer.from('name: web\n')],
    ['files/a', Buffer.from([0, 1])],
  ]),
)
const bundle = (serial: number, changes: Partial<Bundle> = {}): Bundle => ({
  ...{ vo: 'blue', serial, issued: 1, expires: 2000, content: { sha256: packed.sha256, size: packed.bytes.length } },
  ...{ nodes: [], roles: [], sealed: {} },
  ...changes,
})
const keys = [key.publicKey, former.publicKey]
const progress = { ...NO_PROGRESS, seen: 5, current: 5, reverted: [7] }

const rows: readonly (readonly [string, ReturnType<typeof seal>, object])[] = [
  ['a newer one is new', seal(BUNDLE, bundle(6), key), { kind: 'new', bundle: { serial: 6 } }],
  ['the one in use is the same', seal(BUNDLE, bundle(5), key), { kind: 'same' }],
  ['the one in use by a former key is the same', seal(BUNDLE, bundle(5), former), { kind: 'same' }],
  [
    'a newer one by a former key is refused',
    seal(BUNDLE, bundle(6), former),
    { kind: 'refused', why: /not by the key of this VO/ },
  ],
  ['an older one is refused', seal(BUNDLE, bundle(4), key), { kind: 'refused', serial: 4, why: /older than bundle 5/ }],
  ['one of another VO is refused', seal(BUNDLE, bundle(6, { vo: 'red' }), key), { kind: 'refused', why: /for VO red/ }],
  ['one by another key is refused', seal(BUNDLE, bundle(6), makeSigningKey()), { kind: 'refused', serial: 0 }],
  ['one which cost the contact is refused', seal(BUNDLE, bundle(7), key), { kind: 'refused', why: /taken back/ }],
  [
    'one which expired before it came here is refused',
    seal(BUNDLE, bundle(6, { expires: 1000 }), key),
    { kind: 'refused', serial: 6, why: /expired at .* publish it again/ },
  ],
  ['the one in use may be past its expiry', seal(BUNDLE, bundle(5, { expires: 3 }), key), { kind: 'same' }],
  ['an order is no bundle', signDocument(ORDER.type, bundle(6), key), { kind: 'refused' }],
]
for (const [what, document, expected] of rows)
  t.test(what, async t => {
    t.match(checkOffer(document, 'blue', keys, progress, 1000), expected)
  })

const temporary = async () => {
  const path = await mkdtemp(join(tmpdir(), 'stoker-agent-'))
  return { folder: new Folder(path), path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

t.test('a kept bundle is there after a restart, verified again, and repaired where its files were changed', async t => {
  await using at = await temporary()
  const document = seal(BUNDLE, bundle(6), key)
  const kept = await saveBundle(at.folder, document, bundle(6), packed.bytes)
  await writeFile(join(kept.folder, 'policy.yaml'), 'name: evil\n')
  const again = await loadBundle(at.folder, 6, 'blue', keys)
  t.match(again, { bundle: { serial: 6 }, folder: kept.folder })
  t.equal(await readFile(join(kept.folder, 'policy.yaml'), 'utf8'), 'name: web\n')
})

t.test('what is whole on disk is not written again', async t => {
  await using at = await temporary()
  const { folder } = await saveBundle(at.folder, seal(BUNDLE, bundle(6), key), bundle(6), packed.bytes)
  const before = await stat(join(folder, 'policy.yaml'))
  await loadBundle(at.folder, 6, 'blue', keys)
  t.equal((await stat(join(folder, 'policy.yaml'))).ino, before.ino)
})

t.test('a bundle which is kept once more holds nothing of what was there', async t => {
  await using at = await temporary()
  const kept = await saveBundle(at.folder, seal(BUNDLE, bundle(6), key), bundle(6), packed.bytes)
  await writeFile(join(kept.folder, 'left.yaml'), 'name: left\n')
  await saveBundle(at.folder, seal(BUNDLE, bundle(6), key), bundle(6), packed.bytes)
  t.strictSame((await readdir(kept.folder)).sort(), ['files', 'policy.yaml'])
})

t.test('a disk which cannot be read is told, and not taken for a bundle which is not there', async t => {
  await using at = await temporary()
  const kept = await saveBundle(at.folder, seal(BUNDLE, bundle(6), key), bundle(6), packed.bytes)
  await rm(join(kept.folder, 'policy.yaml'))
  await mkdir(join(kept.folder, 'policy.yaml'))
  await t.rejects(loadBundle(at.folder, 6, 'blue', keys), { code: 'AGENT_STATE', message: /EISDIR/ })
})

t.test('content which is not what was signed is never kept', async t => {
  await using at = await temporary()
  await t.rejects(saveBundle(at.folder, seal(BUNDLE, bundle(6), key), bundle(6), Buffer.from('x')), {
    code: 'UNTRUSTED',
  })
  t.equal(await loadBundle(at.folder, 6, 'blue', keys), undefined)
})

for (const [what, file, text] of [
  ['document', 'bundle.json', '{"payload":'],
  ['document of another key', 'bundle.json', JSON.stringify(seal(BUNDLE, bundle(6), makeSigningKey()))],
  ['document of another serial', 'bundle.json', JSON.stringify(seal(BUNDLE, bundle(8), key))],
  ['content', 'content', 'x'],
] as const)
  t.test(`a damaged ${what} on disk is as good as none`, async t => {
    await using at = await temporary()
    await saveBundle(at.folder, seal(BUNDLE, bundle(6), key), bundle(6), packed.bytes)
    await writeFile(join(at.path, 'bundles/6', file), text)
    t.equal(await loadBundle(at.folder, 6, 'blue', keys), undefined)
  })

t.test('bundles which are not needed any more go', async t => {
  await using at = await temporary()
  for (const serial of [1, 2, 3])
    await saveBundle(at.folder, seal(BUNDLE, bundle(serial), key), bundle(serial), packed.bytes)
  await removeOtherBundles(at.folder, [3, 1])
  t.strictSame(await at.folder.list('bundles'), ['1', '3'])
})
