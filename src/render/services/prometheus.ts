/** `prometheus`: targets for Prometheus, as its file_sd_configs read them. */
import * as z from 'zod'
import { text } from '../../config/shape.ts'
import { JSON_TEXT } from '../formats/json.ts'
import { fromTemplate } from './from-template.ts'
import type { Service } from './service.ts'
import { changeOf, commandsOf, parseSettings, path } from './settings.ts'
import { type GroupView, type HostView, viewOf } from './view.ts'

/** What Prometheus takes for the name of a label; two underscores in front are its own. */
const label = z.string().regex(/^(?!__)[A-Za-z_]\w*$/, 'expected the name of a label: letters, digits and _')

export const prometheus: Service = {
  name: 'prometheus',
  summary: 'targets for Prometheus (file_sd)',
  groups: true,
  configure(input) {
    const settings = parseSettings(
      {
        output: path.default('/etc/prometheus/stoker.json'),
        /** That of the exporter. */
        port: z.int().min(1).max(65_535).default(9100),
        /** Whether targets are full names, or first addresses. */
        by: z.enum(['name', 'address']).default('name'),
        /** Labels, and the var which each takes its value from. */
        labels: z.record(label, text).default({}),
      },
      input,
    )
    return {
      async files(site, templates) {
        const view = viewOf(site, settings)
        const groupsOf = membership(view.groups)
        const targets = view.hosts.flatMap(host => {
          const target = settings.by === 'name' ? host.fqdn : bracketed(host)
          if (target === undefined) return []
          const groups = groupsOf.get(host) ?? []
          const labels = {
            host: host.name,
            // A comma on both sides, so that a regular expression can look for one group: .*,web,.*
            ...(groups.length > 0 && { groups: `,${groups.join(',')},` }),
            ...labelled(host.vars, settings.labels),
          }
          return [{ name: host.name, origin: host.origin, entry: { targets: [`${target}:${settings.port}`], labels } }]
        })
        const data = { ...view, targets, settings, values: settings.values }
        return [
          {
            ...(await fromTemplate(templates, 'prometheus.json.hbs', JSON_TEXT, data)),
            path: settings.output,
            mode: 0o644,
            onChange: changeOf(settings),
          },
        ]
      },
      ...commandsOf(settings),
    }
  },
}

const bracketed = ({ addresses: [first] }: HostView): string | undefined =>
  first && (first.family === 6 ? `[${first.text}]` : first.text)

const membership = (groups: readonly GroupView[]): ReadonlyMap<HostView, readonly string[]> => {
  const found = new Map<HostView, string[]>()
  for (const { name, hosts } of groups)
    for (const host of hosts) {
      const list = found.get(host)
      if (list) list.push(name)
      else found.set(host, [name])
    }
  return found
}

/** A label is text; a list is joined as groups are. */
const labelled = (vars: HostView['vars'], labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([name, key]) => {
      const value = Object.hasOwn(vars, key) ? vars[key] : undefined
      if (value === undefined || value === null) return []
      if (Array.isArray(value)) return [[name, `,${value.map(textOf).join(',')},`]]
      return [[name, textOf(value)]]
    }),
  )

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
