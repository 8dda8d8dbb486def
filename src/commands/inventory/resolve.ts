/** `stoker resolve`: who would be acted on, how they are reached, and what led to them. */
import { isIP } from 'node:net'
import type { Provenance, Target } from '../../inventory/target.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'
import { type TargetFlags, targetsOf } from '../push/targets.ts'

export interface ResolveFlags extends TargetFlags {
  readonly config?: string
  /** Take no warehouse's copy for an answer. */
  readonly fresh?: boolean
  readonly json?: boolean
}

/** Prints the targets, one a line; returns the exit code. Throws a `StokerError` when a name cannot be resolved. */
export const resolveCommand = async (text: string, flags: ResolveFlags): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const io = { signal: stdout.gone }
  const warn = (notice: string) => void stderr.write(`stoker: ${notice}\n`)
  await using site = await openSite(flags, warn, io)
  const targets = await targetsOf(text, flags, site.warehouses, warn, io)
  await stdout.write(flags.json ? targets.map(asJson).join('') : asTable(targets))
  await stdout.flush()
  return 0
}

const asJson = (target: Target): string => {
  const { name, names, addresses, port, user, macs, vars, via } = target
  return `${JSON.stringify({ name, names, addresses, port: port ?? 22, user, macs, vars, via })}\n`
}

const asTable = (targets: readonly Target[]): string => {
  const rows = targets.map(target => [
    target.name,
    `${target.addresses.find(address => isIP(address) !== 0) ?? target.addresses[0] ?? target.name} ${target.port ?? 22}`,
    target.macs.join(' ') || '-',
    `via ${target.via.map(formatProvenance).join(', ')}`,
  ])
  const widths = [0, 1, 2].map(column => Math.max(0, ...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row => `${row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  ')}\n`).join('')
}

const formatProvenance = ({ warehouse, path }: Provenance): string => `${path.join(' > ')} (${warehouse})`
