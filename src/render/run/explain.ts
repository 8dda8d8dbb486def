/** Which lines of a service's files come from one host, and who said so. */
import type { Abortable } from '../../base/abortable.ts'
import { linesGone } from '../../base/diff.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import type { Host, Origin, Site } from '../data/model.ts'
import type { Problem } from '../data/problem.ts'
import type { Render } from './open-render.ts'
import { type ReadSite, readFor } from './read-site.ts'

export interface Explanation {
  readonly name: string
  readonly host: string
  /** Who says that there is such a host, and who fills in more. */
  readonly origins: readonly Origin[]
  readonly files: readonly ExplainedFile[]
}

export interface ExplainedFile {
  readonly path: string
  /** The template which made it, where one did. */
  readonly template: string | undefined
  readonly lines: readonly {
    readonly number: number
    readonly text: string
    /** The line of the template. */
    readonly from: number | undefined
  }[]
}

/**
 * The lines which would not be there, or not as they are, without the host: what a template makes of it, not what looks like
 * it. `wanted` is a name, an alias, an address, a MAC or a DUID. Throws `UNKNOWN_NAME` when the site has no such host,
 * with the problems which speak of it.
 */
export const explain = async (
  render: Render,
  wanted: string,
  read: ReadSite,
  io: Abortable,
): Promise<readonly Explanation[]> => {
  let problems: readonly Problem[] = []
  const found = (all: readonly Problem[]) => {
    problems = all
  }
  const site = await readFor(render, read, { ...io, found })
  const hosts = site.hosts.filter(host => identitiesOf(host).has(wanted.toLowerCase()))
  if (hosts.length === 0) throw unknown(wanted, site, problems)
  const whole = await render.service.files(site, render.templates)
  return await Promise.all(
    hosts.map(async host => {
      const others = await render.service.files(without(site, host), render.templates)
      const files = whole.map(({ path, text, template }): ExplainedFile => {
        const lines = text.split('\n')
        const rest = others.find(one => one.path === path)?.text ?? ''
        const numbers = linesGone(text, rest) ?? linesWith(lines, host)
        return {
          path,
          template: template?.name,
          lines: numbers.map(number => ({ number, text: lines[number - 1] ?? '', from: template?.lineOf(number) })),
        }
      })
      return { name: render.name, host: host.name, origins: [host.origin, ...host.furtherOrigins], files }
    }),
  )
}

const identitiesOf = ({ name, aliases, addresses, macs, duids }: Host): ReadonlySet<string> => {
  const names = [name, ...aliases]
  const short = names.map(one => one.replace(/\..*/, ''))
  return new Set([...names, ...short, ...addresses.map(({ text }) => text), ...macs, ...duids])
}

const without = ({ networks, hosts, groups }: Site, host: Host): Site => ({
  networks,
  hosts: hosts.filter(one => one !== host),
  groups: new Map([...groups].map(([group, names]) => [group, names.filter(name => name !== host.name)])),
})

/** For a format in which one host less changes nearly every line: those which have a word of it. */
const linesWith = (lines: readonly string[], host: Host): readonly number[] => {
  const words = identitiesOf(host)
  return lines.flatMap((line, i) => (line.split(/[^\w.:-]+/).some(word => words.has(word)) ? [i + 1] : []))
}

const unknown = (wanted: string, site: Site, problems: readonly Problem[]): StokerError => {
  const about = problems.filter(({ message }) => message.toLowerCase().includes(wanted.toLowerCase()))
  const near = nearest(
    wanted,
    site.hosts.map(({ name }) => name),
    3,
  )
  const hint = near.length > 0 ? ` (did you mean ${near.join(', ')}?)` : ''
  const why = about.slice(0, 5).map(({ message }) => `\n  ${message}`)
  return new StokerError('UNKNOWN_NAME', wanted, `no host ${shown(wanted)} is rendered${hint}${why.join('')}`)
}
