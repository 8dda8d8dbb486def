/**
 * `pulley publish`: a policy's folder -> checked for every node as the nodes will check it -> one signed bundle. Nothing
 * leaves this machine before everything is right.
 */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import type { Abortable } from '../../abortable.ts'
import { StokerError } from '../../errors.ts'
import { loadForTargets } from '../../policy/for-targets.ts'
import type { ActorLibrary } from '../../policy/load.ts'
import { preparePolicy } from '../../policy/prepare.ts'
import { readSecrets } from '../../policy/secrets.ts'
import type { Administered } from '../admin.ts'
import { purposeOf } from '../agent/converge.ts'
import { BUNDLE, type Bundle } from '../protocol/documents.ts'
import { open, seal } from '../protocol/envelope.ts'
import { sealFor } from '../protocol/sealed.ts'
import { pack, type Tree } from '../protocol/tree.ts'
import { ALL, rosterWarehouse } from '../roster.ts'
import type { Node, StoredBundle } from '../store/store.ts'
import { parseWaves } from './waves.ts'

export interface PublishFlags {
  /** Milliseconds for which it is fresh. */
  readonly expires: number
  readonly note: string
  /** `1,10%,100%`; absent: all nodes at once. */
  readonly waves?: string
  /** A share of the nodes of a wave, from 0 to 1. */
  readonly maxFail: number
  /** Only check. */
  readonly check: boolean
  readonly json: boolean
}

/** Publishes the policy file, or folder, to the VO. */
export const publish = async (
  vo: Administered,
  policy: string,
  flags: PublishFlags,
  actors: ActorLibrary,
  io: Abortable,
): Promise<number> => {
  const say = (notice: string) => void process.stderr.write(`pulley: ${notice}\n`)
  const nodes = activeNodes((await vo.json('GET', '/nodes', undefined, io)) as readonly Node[])
  const tree = await treeOf(policy)
  const secrets = await checkFor(nodes, tree, policy, actors, say, io)
  if (nodes.length === 0) say(`VO ${vo.vo} has no nodes yet; the policy is checked by those which will come`)
  if (flags.check) {
    say(`the policy is right for ${count(nodes.length, 'node')}; nothing is published`)
    return 0
  }
  const serial = await nextSerial(vo, io)
  const packed = pack(tree)
  const now = Date.now()
  const document = seal(
    BUNDLE,
    {
      ...{ vo: vo.vo, serial, issued: now, expires: now + flags.expires },
      content: { sha256: packed.sha256, size: packed.bytes.length },
      nodes: nodes.map(({ id, name, roles }) => ({ id, name, roles: [...roles] })),
      sealed: await sealedFor(nodes, vo.vo, serial, secrets),
    },
    vo.key,
  )
  await vo.json('PUT', `/blobs/${packed.sha256}`, packed.bytes, io)
  const waves = flags.waves === undefined ? {} : { waves: { steps: parseWaves(flags.waves), maxFail: flags.maxFail } }
  await vo.json('POST', '/bundles', { document, note: flags.note, ...waves }, io)
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ serial, nodes: nodes.length, bytes: packed.bytes.length })}\n`)
  else process.stdout.write(`bundle ${serial} for ${count(nodes.length, 'node')}, ${packed.bytes.length} bytes\n`)
  return 0
}

/** `pulley rollback`: an earlier bundle's content again, signed anew with a higher serial. */
export const rollback = async (
  vo: Administered,
  to: number,
  flags: Pick<PublishFlags, 'expires' | 'json'>,
  io: Abortable,
): Promise<number> => {
  const bundles = (await vo.json('GET', '/bundles', undefined, io)) as readonly StoredBundle[]
  const earlier = bundles.find(one => one.serial === to)
  if (!earlier)
    throw new StokerError(
      'USAGE',
      String(to),
      `VO ${vo.vo} has no bundle ${to} (bundles: ${bundles.map(one => one.serial).join(', ') || 'none'})`,
    )
  const before = open(BUNDLE, earlier.envelope, vo.key.publicKey)
  const serial = await nextSerial(vo, io)
  if (Object.keys(before.sealed).length > 0)
    throw new StokerError(
      'USAGE',
      String(to),
      `bundle ${to} holds secrets, which are sealed for that serial alone; publish the policy again instead`,
    )
  const now = Date.now()
  const document = seal(BUNDLE, { ...before, serial, issued: now, expires: now + flags.expires }, vo.key)
  await vo.json('POST', '/bundles', { document, note: `bundle ${to} again` }, io)
  process.stdout.write(
    flags.json ? `${JSON.stringify({ serial, content: to })}\n` : `bundle ${serial}: bundle ${to} again\n`,
  )
  return 0
}

const nextSerial = async (vo: Administered, io: Abortable): Promise<number> => {
  const bundles = (await vo.json('GET', '/bundles', undefined, io)) as readonly StoredBundle[]
  return Math.max(0, ...bundles.map(one => one.serial)) + 1
}

const activeNodes = (nodes: readonly Node[]): readonly Node[] => nodes.filter(node => !node.revoked)

/** All files of the policy's folder, with the policy as `policy.yaml`. */
const treeOf = async (policy: string): Promise<Tree> => {
  const isFolder = await stat(policy).then(
    found => found.isDirectory(),
    cause => {
      throw new StokerError('CONFIG', policy, `${policy}: cannot be read: ${(cause as Error).message}`, { cause })
    },
  )
  const folder = isFolder ? policy : dirname(policy)
  const tree = new Map<string, Uint8Array>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path)
    // A repository of the administrator's, and what editors leave, are not her nodes' business.
    if (name.split('/').some(part => part.startsWith('.') || part.endsWith('~'))) continue
    tree.set(name, await readFile(path))
  }
  if (isFolder || basename(policy) === 'policy.yaml') return tree
  const named = tree.get(basename(policy))
  tree.delete(basename(policy))
  if (tree.has('policy.yaml'))
    throw new StokerError(
      'CONFIG',
      policy,
      `${folder} has a policy.yaml beside ${basename(policy)}; give each policy a folder of its own`,
    )
  return named ? tree.set('policy.yaml', named) : tree
}

/** Unpacks what would be sent and prepares it for every node; returns the secrets. */
const checkFor = async (
  nodes: readonly Node[],
  tree: Tree,
  policy: string,
  actors: ActorLibrary,
  say: (notice: string) => void,
  io: Abortable,
): Promise<Readonly<Record<string, string>>> => {
  await using roster = rosterWarehouse('pulley', async () => nodes)
  const everyone = `@${ALL}`
  const loaded = await loadForTargets(
    { policy, targets: undefined },
    { exclude: [] },
    { warehouses: [roster], actors, everyone },
    say,
    io,
  )
  const secrets = await readSecrets(loaded.policy, io)
  const { targets, nodes: all, narrowing } = loaded
  await preparePolicy(loaded.policy, { targets, nodes: all, narrowing, secrets, ...io })
  // The same from what is packed: a file which lies outside of the folder would be missing there.
  const folder = await mkdtemp(join(tmpdir(), 'pulley-publish-'))
  try {
    const { mkdir, writeFile } = await import('node:fs/promises')
    for (const [name, data] of tree) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), data, { mode: 0o600 })
    }
    const again = await loadForTargets(
      { policy: folder, targets: undefined },
      { exclude: [] },
      { warehouses: [roster], actors, everyone },
      () => {},
      io,
    )
    const how = { targets: again.targets, nodes: again.nodes, narrowing: again.narrowing, secrets, ...io }
    await preparePolicy(again.policy, how).catch(thrown => {
      throw new StokerError(
        'CONFIG',
        policy,
        `${policy} needs what is not in its folder: ${(thrown as Error).message.replaceAll(folder, dirname(policy))}`,
        { cause: thrown },
      )
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return secrets
}

const sealedFor = async (
  nodes: readonly Node[],
  vo: string,
  serial: number,
  secrets: Readonly<Record<string, string>>,
): Promise<Bundle['sealed']> => {
  if (Object.keys(secrets).length === 0) return {}
  const value = Buffer.from(JSON.stringify(secrets))
  const sealed: Record<string, string> = {}
  for (const { id, sealKey } of nodes) sealed[id] = await sealFor(sealKey, purposeOf(vo, id, serial), value)
  return sealed
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
