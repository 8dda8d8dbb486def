/** What the settings of several services have in common. Pure. */
import * as z from 'zod'
import { parseAge } from '../../base/duration.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import { mapping, parseOptions, text } from '../../config/shape.ts'
import { parseAddress } from '../data/address.ts'
import { parseHostName } from '../data/host-name.ts'
import type { ConfiguredService } from './service.ts'
import type { NetworkView } from './view.ts'

/** A value as `parse` makes it; what that throws is the message. */
export const parsedBy = <T>(parse: (input: string) => T) =>
  z.string().transform((input, context): T => {
    try {
      return parse(input)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as Error).message })
      return z.NEVER
    }
  })

/** One, or a list of them; always a list. */
export const several = <S extends z.ZodType>(one: S) =>
  z.union([z.array(one), one.transform(value => [value])]) as unknown as z.ZodType<readonly z.output<S>[]>

export const hostName = parsedBy(parseHostName)
export const address = parsedBy(input => parseAddress(input).text)
export const path = text.regex(/^\/[^\p{C}"\\]+$/u, 'expected an absolute path, without quotes and backslashes')

/** A program and its arguments: no shell reads them. */
export const words = z.array(text).min(1, 'is empty; leave it out instead')

/** Seconds, of `3600`, `12h` or `7d`. */
export const seconds = z.union([z.number(), z.string()], { error: 'expected a time' }).transform((input, context) => {
  try {
    return Math.round(parseAge(input) / 1000)
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: (thrown as Error).message })
    return z.NEVER
  }
})

const orNobody = z.union([words, z.literal(false)], { error: 'expected the words of a command as a list, or false' })

/** Settings of every service. */
const COMMON = {
  /** For names which have none, outside of networks which have one. */
  domain: hostName.optional(),
  /** A site's own constants, for templates of its own. */
  values: z.record(z.string(), z.unknown()).default({}),
  /** Commands in place of those which are usual; `false`: there is none. */
  reload: orNobody.optional(),
  restart: orNobody.optional(),
}

export type Common = z.output<z.ZodObject<typeof COMMON>>

/** The settings of one service: these and the common ones, and no others. Throws `CONFIG` naming a wrong one. */
export const parseSettings = <S extends z.core.$ZodShape>(shape: S, settings: unknown) =>
  parseOptions(mapping({ ...COMMON, ...shape }), settings)

/** Those of the networks which are wanted, all if none is named; throws `CONFIG` for a name which no network has. */
export const wantedNetworks = (
  networks: readonly NetworkView[],
  names: readonly string[] | undefined,
): readonly NetworkView[] => {
  if (names === undefined) return networks
  const known = networks.map(({ name }) => name)
  const unknown = names.find(name => !known.includes(name))
  if (unknown === undefined) return networks.filter(({ name }) => names.includes(name))
  const [near] = nearest(unknown, known, 1)
  const hint = near === undefined ? '' : `; did you mean ${shown(near)}?`
  const all = known.map(name => shown(name)).join(', ') || 'none'
  throw new StokerError(
    'CONFIG',
    'networks',
    `networks: there is no network ${shown(unknown)}${hint} (there are: ${all})`,
  )
}

/** The commands of a service: the site's own in place of those which are usual. */
export const commandsOf = (
  { reload, restart }: Pick<Common, 'reload' | 'restart'>,
  usual: Pick<ConfiguredService, 'reload' | 'restart'> = {},
): Pick<ConfiguredService, 'reload' | 'restart'> => ({
  ...withWords('reload', reload ?? usual.reload),
  ...withWords('restart', restart ?? usual.restart),
})

const withWords = (key: 'reload' | 'restart', command: readonly string[] | false | undefined) =>
  command ? { [key]: command } : {}

/** What a change asks for where nothing is usual: whatever the site has a command for. */
export const changeOf = ({ reload, restart }: Pick<Common, 'reload' | 'restart'>): 'reload' | 'restart' | 'none' =>
  reload ? 'reload' : restart ? 'restart' : 'none'
