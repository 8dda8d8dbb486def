/** `pulley nodes`, `pulley status`, `pulley reports`: who is there, how far each is, and what is wrong. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { fold } from '../../nodeset/fold.ts'
import type { Administered } from '../client/admin.ts'
import type { Node } from '../store/store.ts'
import { formatAgo, formatTime } from './format-time.ts'
import { targetsOf } from './send.ts'
import { table } from './table.ts'
import { activeNodes, allNodes, reportsOf } from './vo-data.ts'
import { type Health, healthOf, type VoStatus, voStatus } from './vo-status.ts'
import { wavesText } from './waves.ts'

/** `--json`. */
interface JsonFlag {
  readonly json?: boolean
}

export const listNodes = async (vo: Administered, { json }: JsonFlag, io: Abortable): Promise<number> => {
  const nodes = await allNodes(vo, io)
  const now = Date.now()
  if (json) {
    process.stdout.write(nodes.map(node => `${JSON.stringify({ ...node, health: healthOf(node, now) })}\n`).join(''))
    return 0
  }
  const rows = nodes.map(node => [
    ...[
      node.name,
      healthOf(node, now),
      String(node.serial || '-'),
      node.lastContact ? formatAgo(node.lastContact, now) : 'never',
    ],
    ...[node.roles.join(','), node.version, node.id, remarksOf(node)],
  ])
  process.stdout.write(table(['NODE', 'HEALTH', 'BUNDLE', 'CONTACT', 'ROLES', 'VERSION', 'ID', ''], rows))
  return 0
}

const remarksOf = ({ cloneOf, clonesSeen, rolledBack }: Node): string =>
  [
    ...(cloneOf ? [`clone of ${cloneOf}`] : []),
    ...(clonesSeen > 0 ? [`seen as a clone ${clonesSeen} time${clonesSeen === 1 ? '' : 's'}`] : []),
    ...(rolledBack ? [`state put back, seen ${formatTime(rolledBack)}`] : []),
  ].join('; ')

/** One screen: how many are how, on which bundle, and what the newest bundle does. Names are folded. Exit code 1 when something is wrong. */
export const status = async (vo: Administered, { json }: JsonFlag, io: Abortable): Promise<number> => {
  const found = await voStatus(vo, io)
  process.stdout.write(json ? statusJson(found) : statusText(found))
  return found.isFine ? 0 : 1
}

const statusJson = ({ vo, nodes, byHealth, byBundle, newest }: VoStatus): string => {
  const names = (groups: ReadonlyMap<unknown, readonly Node[]>) =>
    Object.fromEntries([...groups].map(([key, list]) => [String(key), list.map(node => node.name)]))
  const status = { vo, nodes: nodes.length, health: names(byHealth), bundles: names(byBundle), newest: newest?.serial }
  return `${JSON.stringify(status)}\n`
}

const statusText = ({ vo, now, nodes, byHealth, byBundle, newest }: VoStatus): string => {
  const bundle = newest ? `${newest.serial} of ${formatTime(newest.created)} (${wavesText(newest.waves)})` : 'none'
  const clones = nodes.filter(node => node.clonesSeen > 0 || node.cloneOf)
  const drifted = nodes.filter(node => (node.lastReport?.counts.drift ?? 0) > 0)
  const lines = [
    `VO ${vo}: ${nodes.length} node${nodes.length === 1 ? '' : 's'}, newest bundle ${bundle}`,
    ...[...byHealth].map(([health, list]) => `  ${health}: ${foldNames(list)}${detailOf(health, list, now)}`),
    ...[...byBundle]
      .sort(([a], [b]) => b - a)
      .map(([serial, list]) => `  bundle ${serial || 'none'}: ${foldNames(list)}`),
    ...(clones.length > 0 ? [`  clones: ${foldNames(clones)}`] : []),
    ...(drifted.length > 0 ? [`  drift repaired: ${foldNames(drifted)}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

const foldNames = (nodes: readonly Node[]): string => `${fold(nodes.map(node => node.name))} (${nodes.length})`

const detailOf = (health: Health, list: readonly Node[], now: number): string => {
  const [first] = list
  if (!first) return ''
  if (health === 'silent')
    return `, the longest for ${formatAgo(Math.min(...list.map(node => node.lastContact ?? node.enrolled)), now)}`
  const trouble = first.lastReport?.trouble[0]?.message
  if (health === 'refused' || health === 'stale') return trouble ? `: ${trouble}` : ''
  const failure = first.lastReport?.results.find(result => result.state === 'failed')
  return health === 'failed' && failure ? `: ${failure.resource}: ${failure.what.join('; ')}` : ''
}

export const listReports = async (
  vo: Administered,
  node: string | undefined,
  flags: JsonFlag & { readonly last: number },
  io: Abortable,
): Promise<number> => {
  const nodes = await allNodes(vo, io)
  const names = new Map(nodes.map(node => [node.id, node.name]))
  const [target] = node === undefined ? [] : await targetsOf(nodes, node, io)
  if (node !== undefined && !target) throw new StokerError('UNKNOWN_NAME', node, `${node} means no node of VO ${vo.vo}`)
  const only = target && { node: String(target.vars.id) }
  const list = await reportsOf(vo, { limit: flags.last, ...only }, io)
  if (flags.json) {
    process.stdout.write(list.map(one => `${JSON.stringify({ ...one, name: names.get(one.node) })}\n`).join(''))
    return 0
  }
  for (const { node: id, received, report } of list) {
    const { counts, serial, at, took } = report
    const numbers = Object.entries(counts).flatMap(([what, n]) => (n > 0 ? [`${n} ${what}`] : []))
    const late = received - at > 60_000 ? `, told ${formatTime(received)}` : ''
    const lines = report.results.map(one => `  ${one.state} ${one.resource}: ${one.what.join('; ')}`)
    const trouble = report.trouble.map(one => `  ${one.kind}: ${one.message}`)
    const head = `${formatTime(at)} ${names.get(id) ?? id} bundle ${serial}: ${numbers.join(', ') || 'nothing'} in ${took} ms${late}`
    process.stdout.write(`${[head, ...lines, ...trouble].join('\n')}\n`)
  }
  return 0
}

/** `pulley role NODES ROLE...` */
export const setRoles = async (
  vo: Administered,
  nodes: string,
  roles: readonly string[],
  io: Abortable,
): Promise<number> => {
  for (const { id, name } of await nodesOf(vo, nodes, io)) {
    await vo.json('PATCH', `/nodes/${id}`, { roles }, io)
    process.stdout.write(`${name}: ${roles.join(',') || 'no roles'}\n`)
  }
  return 0
}

/** `pulley revoke NODES` */
export const revokeNodes = async (vo: Administered, nodes: string, io: Abortable): Promise<number> => {
  for (const { id, name } of await nodesOf(vo, nodes, io)) {
    await vo.json('DELETE', `/nodes/${id}`, undefined, io)
    process.stdout.write(`${name} (${id}) is out\n`)
  }
  return 0
}

/** The nodes which an expression means, but for revoked ones. */
const nodesOf = async (vo: Administered, expression: string, io: Abortable) => {
  const nodes = await activeNodes(vo, io)
  const targets = await targetsOf(nodes, expression, io)
  return targets.map(target => ({ id: String(target.vars.id), name: target.name }))
}
