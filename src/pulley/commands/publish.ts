/**
 * `pulley publish`: a policy's folder -> checked for every node as the nodes will check it -> one signed bundle. Nothing
 * leaves this machine before everything is right.
 */
import { dirname } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { LoadedPolicy } from '../../policy/load-for-targets.ts'
import { readSecrets } from '../../policy/read-secrets.ts'
import type { ActorLibrary } from '../../run/actor.ts'
import type { Amount } from '../../run/amount.ts'
import { purposeOf } from '../agent/bundle/converge.ts'
import { treeOf, unpacked } from '../bundle/policy-folder.ts'
import { prepareFor } from '../bundle/prepare-for.ts'
import { pack, type Tree } from '../bundle/tree.ts'
import type { Administered } from '../client/admin.ts'
import type { Roster } from '../client/roster.ts'
import { BUNDLE, type Bundle } from '../protocol/documents.ts'
import { open, seal } from '../protocol/envelope.ts'
import { sealFor } from '../protocol/sealed.ts'
import type { Node } from '../store/store.ts'
import { differences } from './differences.ts'
import { allNodes, bundlesOf, tokensOf } from './vo-data.ts'
import { wavesOf } from './waves.ts'

export interface PublishFlags {
  /** Milliseconds for which it is fresh. */
  readonly expires: number
  /** What is new. */
  readonly note: string
  /** How many nodes may have it, step by step; absent: all at once. */
  readonly waves?: readonly Amount[]
  /** How much of a wave may fail. */
  readonly maxFail: Amount
  /** Only check. */
  readonly check?: boolean
  /** Show what differs from the newest bundle. */
  readonly diff?: boolean
  readonly json?: boolean
}

/** Publishes the policy file, or folder, to the VO. */
export const publish = async (
  vo: Administered,
  policy: string,
  flags: PublishFlags,
  actors: ActorLibrary,
  io: Abortable,
): Promise<number> => {
  const warn = (notice: string) => void process.stderr.write(`pulley: ${notice}\n`)
  const known = await knownIn(vo, io)
  const { nodes } = known
  const tree = await treeOf(policy)
  const secrets = await checkFor(known, tree, policy, actors, warn, io)
  if (nodes.length === 0) warn(`VO ${vo.vo} has no nodes yet; the policy is checked by those which will come`)
  if (flags.diff) process.stdout.write(await differences(vo, tree, known, actors, io))
  if (flags.check) {
    warn(`the policy is right for ${count(nodes.length, 'node')}; nothing is published`)
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
      roles: [...known.roles],
      sealed: await sealedFor(nodes, vo.vo, serial, secrets),
    },
    vo.key,
  )
  await vo.json('PUT', `/blobs/${packed.sha256}`, packed.bytes, io)
  const waves = flags.waves === undefined ? {} : { waves: wavesOf(flags.waves, flags.maxFail) }
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
  const bundles = await bundlesOf(vo, io)
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
  const bundles = await bundlesOf(vo, io)
  return Math.max(0, ...bundles.map(one => one.serial)) + 1
}

/** The nodes of the VO, and the roles which its tokens may give. */
const knownIn = async (vo: Administered, io: Abortable): Promise<Roster<Node>> => {
  const nodes = await allNodes(vo, io)
  const tokens = await tokensOf(vo, io)
  const roles = new Set(tokens.flatMap(token => token.roles))
  return { nodes: nodes.filter(node => !node.revoked), roles: [...roles].sort() }
}

/** Prepares it for every node, as it is and as it would be sent; returns the secrets. */
const checkFor = async (
  known: Roster,
  tree: Tree,
  policy: string,
  actors: ActorLibrary,
  warn: (notice: string) => void,
  io: Abortable,
): Promise<Readonly<Record<string, string>>> => {
  let secrets: Readonly<Record<string, string>> = {}
  const read = async ({ policy: own }: LoadedPolicy) => {
    secrets = await readSecrets(own, io)
    return secrets
  }
  await prepareFor(policy, known, actors, read, warn, io)
  // A file which lies outside of the folder would be missing there.
  await using files = await unpacked(tree)
  await prepareFor(
    files.folder,
    known,
    actors,
    async () => secrets,
    () => {},
    io,
  ).catch(thrown => {
    const why = (thrown as Error).message.replaceAll(files.folder, dirname(policy))
    throw new StokerError('CONFIG', policy, `${policy} needs what is not in its folder: ${why}`, { cause: thrown })
  })
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
