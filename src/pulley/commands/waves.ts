/** Waves: how a bundle is spread, as people type it and read it. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Amount } from '../../run/amount.ts'
import type { Administered } from '../client/admin.ts'
import { MAX_WAVES } from '../protocol/limits.ts'
import type { Waves } from '../store/store.ts'
import { formatTime } from './format-time.ts'
import { table } from './table.ts'
import { bundlesOf } from './vo-data.ts'

/** The steps, the last of which has to be all nodes, and how much of each may fail. Throws `USAGE`. */
export const wavesOf = (amounts: readonly Amount[], maxFail: Amount): Pick<Waves, 'steps' | 'maxFail'> => {
  if (amounts.length > MAX_WAVES)
    throw new StokerError('USAGE', '--waves', `--waves: ${amounts.length} steps; ${MAX_WAVES} are the most`)
  const steps = amounts.map(stepOf)
  const last = steps.at(-1)
  if (!last || !('share' in last) || last.share !== 1)
    throw new StokerError('USAGE', '--waves', '--waves: the last has to be 100%')
  const allowed = stepOf(maxFail)
  return { steps, maxFail: 'share' in allowed ? allowed.share : allowed }
}

const stepOf = (amount: Amount): Waves['steps'][number] =>
  amount.kind === 'share' ? { share: amount.percent / 100 } : { nodes: amount.count }

export const wavesText = ({ steps, open, state, why }: Waves): string => {
  if (state === 'done') return 'all nodes'
  const shown = steps.map((step, i) => {
    const text = 'share' in step ? `${step.share * 100}%` : String(step.nodes)
    return i === open ? `[${text}]` : text
  })
  return `${shown.join(',')} ${state}${why ? `: ${why}` : ''}`
}

/** `pulley history` */
export const history = async (
  vo: Administered,
  { json }: { readonly json?: boolean },
  io: Abortable,
): Promise<number> => {
  const bundles = await bundlesOf(vo, io)
  if (json) {
    const lines = bundles.map(({ serial, created, note, contentSha256, waves }) => ({
      serial,
      created,
      note,
      contentSha256,
      waves,
    }))
    process.stdout.write(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    return 0
  }
  const rows = bundles.map(({ serial, created, note, contentSha256, waves }) => [
    ...[String(serial), formatTime(created), contentSha256.slice(0, 12), wavesText(waves), note],
  ])
  process.stdout.write(table(['BUNDLE', 'PUBLISHED', 'CONTENT', 'REACHES', 'NOTE'], rows))
  return 0
}

/** `pulley waves SERIAL halt|resume|finish` */
export const changeWaves = async (
  vo: Administered,
  serial: number,
  what: 'halt' | 'resume' | 'finish',
  io: Abortable,
): Promise<number> => {
  const waves = (await vo.json('POST', `/bundles/${serial}/waves`, { do: what }, io)) as Waves
  process.stdout.write(`bundle ${serial}: ${wavesText(waves)}\n`)
  return 0
}
