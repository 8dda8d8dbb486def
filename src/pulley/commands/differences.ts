/** What a new bundle would change of what is asked of each node: differences of plans, equal ones once. */
import type { Abortable } from '../../base/abortable.ts'
import { unifiedDiff } from '../../base/diff.ts'
import { harmlessLines } from '../../base/printable.ts'
import { fold } from '../../nodeset/fold.ts'
import { formatPlan } from '../../policy/format-plan.ts'
import { preview } from '../../policy/preview.ts'
import type { ActorLibrary } from '../../run/actor.ts'
import { unpacked } from '../bundle/policy-folder.ts'
import { prepareFor } from '../bundle/prepare-for.ts'
import { type Tree, unpack } from '../bundle/tree.ts'
import type { Administered } from '../client/admin.ts'
import type { Roster } from '../client/roster.ts'
import { bundlesOf } from './vo-data.ts'

/** Text for people: for each group of nodes the difference of its plan from that of the newest bundle. Secrets are not read. */
export const differences = async (
  vo: Administered,
  tree: Tree,
  known: Roster,
  actors: ActorLibrary,
  io: Abortable,
): Promise<string> => {
  const { nodes } = known
  const [newest] = await bundlesOf(vo, io)
  const old = newest ? unpack(await vo.bytes(`/blobs/${newest.contentSha256}`, io), newest.contentSha256) : undefined
  const before = old ? await plansOf(old, known, actors, io) : new Map<string, string>()
  const after = await plansOf(tree, known, actors, io)
  const name = newest ? `bundle ${newest.serial}` : 'nothing'
  const found = nodes.map(node => ({
    node: node.name,
    text: unifiedDiff(`plan (from ${name})`, before.get(node.name) ?? '', after.get(node.name) ?? ''),
  }))
  const groups = Map.groupBy(
    found.filter(({ text }) => text !== ''),
    ({ text }) => text,
  )
  const texts = [...groups].map(([text, list]) => `${fold(list.map(({ node }) => node))}:\n${text}`)
  return harmlessLines(texts.length > 0 ? texts.join('\n') : `no node's plan differs from ${name}\n`)
}

const plansOf = async (
  tree: Tree,
  known: Roster,
  actors: ActorLibrary,
  io: Abortable,
): Promise<ReadonlyMap<string, string>> => {
  await using files = await unpacked(tree)
  const unread = async ({ policy }: { readonly policy: { readonly secrets: ReadonlyMap<string, unknown> } }) =>
    Object.fromEntries([...policy.secrets.keys()].map(name => [name, `<secret.${name}>`]))
  const { prepared, targets } = await prepareFor(files.folder, known, actors, unread, () => {}, io)
  const plans = new Map<string, string>()
  for (const target of targets) {
    let text = ''
    for await (const planned of preview(prepared, target, io)) text += formatPlan(planned)
    plans.set(target.name, text)
  }
  return plans
}
