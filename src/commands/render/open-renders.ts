/** From names on the command line to renders, and from warehouses to what they read. */
import { StokerError } from '../../base/errors.ts'
import { homeFolder } from '../../base/folders.ts'
import type { Warehouse } from '../../inventory/warehouse.ts'
import { type CheckedSite, readSite } from '../../render/data/site.ts'
import { openRender, type Render } from '../../render/run/open-render.ts'
import type { ReadSite } from '../../render/run/read-site.ts'
import type { StateEnvironment } from '../../render/run/state-folder.ts'
import type { Site } from '../../site/site.ts'

/** Those of the names; without any, all of the configuration. Throws `USAGE` when there are none, or one is not known. */
export const openRenders = async (names: readonly string[], { config }: Site): Promise<readonly Render[]> => {
  const { SERVICES } = await import('../../render/services/services.ts')
  const wanted = names.length > 0 ? [...new Set(names)] : [...config.renders.keys()]
  if (wanted.length === 0) {
    const known = Object.keys(SERVICES).join(', ')
    throw new StokerError('USAGE', 'render', `which one? The configuration has no render: (services: ${known})`)
  }
  const renders: Render[] = []
  for (const name of wanted) renders.push(await openRender(name, config, SERVICES, stateWhere()))
  return renders
}

/** Where this user's renders keep what they remember. */
export const stateWhere = (): StateEnvironment => ({
  env: process.env,
  home: homeFolder(),
  isRoot: process.geteuid?.() === 0,
})

/** Asks the warehouses once for renders which want the same. */
export const readerOf = (warehouses: readonly Warehouse[]): ReadSite => {
  const read = new Map<string, Promise<CheckedSite>>()
  return ({ warehouses: names, wanted }, io) => {
    const key = JSON.stringify([names, wanted.groups, wanted.policy])
    const sources = warehouses.filter(({ name }) => names?.includes(name) ?? true)
    const reading = read.get(key) ?? readSite(sources, wanted, io)
    read.set(key, reading)
    return reading
  }
}
