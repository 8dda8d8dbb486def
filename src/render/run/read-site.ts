/** From the warehouses to a site which is fit to be rendered. */
import { type Abortable, orAborted } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Site } from '../data/model.ts'
import type { Problem } from '../data/problem.ts'
import type { CheckedSite } from '../data/site.ts'
import type { Size } from '../output/result.ts'
import type { Render } from './open-render.ts'

/** The site as a render wants it. Each call may ask the warehouses anew, or not. */
export type ReadSite = (render: Render, io: Abortable) => Promise<CheckedSite>

/**
 * Throws `WAREHOUSE_FAILED` when a source is broken, `RENDER_FAILED` when the data has problems which are errors. `found` is
 * given the problems of all kinds before that.
 */
export const readFor = async (
  render: Render,
  read: ReadSite,
  io: Abortable & { readonly found: (problems: readonly Problem[]) => void },
): Promise<Site> => {
  const { site, problems } = await orAborted(read(render, io), io)
  io.found(problems)
  const wrong = problems.filter(({ verdict }) => verdict === 'error')
  if (wrong.length > 0) throw unfitData(render.name, wrong)
  return site
}

export const sizeOf = ({ hosts, networks }: Site): Size => ({ hosts: hosts.length, networks: networks.length })

const unfitData = (name: string, wrong: readonly Problem[]): StokerError => {
  const messages = wrong.map(({ message }) => `\n  ${message}`).slice(0, MAX_SHOWN)
  const more = wrong.length > messages.length ? `\n  and ${wrong.length - messages.length} more` : ''
  const what = 'the data is not fit, and nothing is written (problems: in the configuration says what is an error)'
  return new StokerError('RENDER_FAILED', name, `${what}:${messages.join('')}${more}`)
}

const MAX_SHOWN = 20
