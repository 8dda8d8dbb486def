/** A render as the configuration has it, ready to be done. */

import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import { atLocation } from '../../config/at-location.ts'
import { type Config, type RenderEntry, renderEntry } from '../../config/config.ts'
import type { SiteWanted } from '../data/site.ts'
import { type RenderState, renderState } from '../output/render-state.ts'
import { templateTexts } from '../output/template-texts.ts'
import type { ConfiguredService, Service, TemplateTexts } from '../services/service.ts'
import { type StateEnvironment, stateFolder } from './state-folder.ts'

export interface Render {
  readonly name: string
  readonly service: ConfiguredService
  readonly templates: TemplateTexts
  readonly wanted: SiteWanted
  /** The warehouses which are asked, by name; `undefined`: all. */
  readonly warehouses: readonly string[] | undefined
  /** Milliseconds for all of it. */
  readonly deadline: number
  /** The share of hosts and networks which may be gone at once. */
  readonly maxShrink: number
  readonly state: RenderState
}

/** The services by name, each loaded when it is used. */
export type Services = Readonly<Record<string, () => Promise<Service>>>

/**
 * The render of that name: one of the configuration, or a service with nothing to set. Throws `USAGE` for a name which is
 * neither, and `CONFIG` with its place for a setting which is wrong.
 */
export const openRender = async (
  name: string,
  config: Config,
  services: Services,
  where: StateEnvironment,
): Promise<Render> => {
  const entry = config.renders.get(name) ?? builtIn(name, config, services)
  try {
    const service = await serviceOf(entry, services)
    refuseUnknown(entry, config)
    const configured = service.configure(entry.settings)
    return {
      name,
      service: entry.check ? configured : unchecked(configured),
      templates: templateTexts(config.folder, entry.templates),
      wanted: { networks: config.networks, groups: service.groups, policy: entry.policy },
      warehouses: entry.warehouses,
      deadline: entry.deadline,
      maxShrink: entry.maxShrink,
      state: renderState(stateFolder(name, where)),
    }
  } catch (thrown) {
    throw atLocation(config, entry.path, thrown)
  }
}

/** The same, but for the daemons' checks: for a machine which has none of them. */
const unchecked = (service: ConfiguredService): ConfiguredService => ({
  ...service,
  files: async (site, templates) => (await service.files(site, templates)).map(({ check, ...file }) => file),
})

const builtIn = (name: string, config: Config, services: Services): RenderEntry => {
  if (Object.hasOwn(services, name)) return renderEntry(name, {}, path => path)
  const known = [...new Set([...config.renders.keys(), ...Object.keys(services)])]
  const [near] = nearest(name, known, 1)
  const hint = near === undefined ? '' : ` did you mean ${near}?`
  throw new StokerError('USAGE', name, `no render is called ${shown(name)};${hint} (there is: ${known.join(', ')})`)
}

const serviceOf = async ({ service }: RenderEntry, services: Services): Promise<Service> => {
  if (Object.hasOwn(services, service)) return await (services[service] as Services[string])()
  const known = Object.keys(services)
  const [near] = nearest(service, known, 1)
  const hint = near === undefined ? '' : ` did you mean ${near}?`
  throw new StokerError('CONFIG', 'service', `no service ${shown(service)};${hint} (services: ${known.join(', ')})`)
}

const refuseUnknown = ({ warehouses }: RenderEntry, config: Config): void => {
  const known = config.warehouses.map(one => one.name)
  const unknown = warehouses?.find(one => !known.includes(one))
  if (unknown === undefined) return
  const message = `no warehouse is called ${shown(unknown)} (there is: ${known.join(', ')})`
  throw new StokerError('CONFIG', 'warehouses', message)
}
