/** Whether there is something which a service could start with, whatever has gone wrong. */
import { stat } from 'node:fs/promises'
import type { Site } from '../data/model.ts'
import type { RenderState } from '../output/render-state.ts'
import type { LiveFiles } from '../output/result.ts'
import type { Render } from './open-render.ts'

const NO_HOSTS: Site = { networks: [], hosts: [], groups: new Map() }

/**
 * The live files, when all of them are there. Which ones they are is known from the last render; before the first, those which a
 * site without hosts has, as far as that can be known.
 */
export const lastGoodFiles = async ({ state, service, templates }: Render): Promise<LiveFiles | undefined> =>
  await goodFiles(state, async () => (await service.files(NO_HOSTS, templates).catch(() => [])).map(({ path }) => path))

/** The same where it is not even known what the render is; `otherwise` gives the paths before the first render. */
export const goodFiles = async (
  state: RenderState,
  otherwise: () => Promise<readonly string[]>,
): Promise<LiveFiles | undefined> => {
  const last = await state.lastGood()
  const times: number[] = []
  for (const path of last?.files ?? (await otherwise())) {
    const stats = await stat(path).catch(() => undefined) // not there, or not for us: no file to start with
    if (!stats) return undefined
    times.push(stats.mtimeMs)
  }
  return times.length > 0 ? { at: last?.at ?? Math.min(...times) } : undefined
}
