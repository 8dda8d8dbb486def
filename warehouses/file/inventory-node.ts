/** One entry of an inventory's `nodes:`, which may be many nodes: the ranges of the key and of the attributes run side by side. */
import { isIP } from 'node:net'
import * as z from 'zod'
import { parseMac } from '../../src/base/mac.ts'
import { isNodeName, type NodeName, parseNodeName, shown } from '../../src/base/names.ts'
import { mapping, parseShape, text, texts } from '../../src/config/shape.ts'
import type { Path, YamlSource } from '../../src/config/yaml-source.ts'
import type { NodeFacts } from '../../src/inventory/warehouse.ts'
import { countPattern, expandPattern, parsePattern } from '../../src/nodeset/syntax/pattern.ts'
import { parseBootFile, parseNextServer } from '../../src/render/data/boot.ts'
import { parseDhcpOption } from '../../src/render/data/dhcp-options.ts'
import { parseDuid } from '../../src/render/data/duid.ts'
import { parsePublicKey } from '../../src/render/data/public-key.ts'

const number = z.number().transform(String)

const schema = z.looseObject({
  id: z.union([text, number], { error: 'expected text' }).optional(),
  address: texts.optional(),
  addresses: texts.optional(),
  mac: texts.optional(),
  macs: texts.optional(),
  alias: texts.optional(),
  aliases: texts.optional(),
  port: z.union([text, number], { error: 'expected a port number' }).optional(),
  user: text.regex(/^[^\s\p{C}:@-][^\s\p{C}:@]*$/u, 'expected a user name').optional(),
  duid: texts.optional(),
  duids: texts.optional(),
  boot: z
    .union([text.transform(file => ({ file })), mapping({ file: text.optional(), 'next-server': text.optional() })], {
      error: "expected a boot file's name, or a mapping with file and next-server",
    })
    .optional(),
  'host-key': texts.optional(),
  'host-keys': texts.optional(),
  'dhcp-options': texts.optional(),
  vars: z.record(z.string(), z.unknown()).nullish(),
})

/** Gives each of the names its facts; throws `CONFIG` with the place of what is wrong. */
export const nodeFacts = (
  names: readonly NodeName[],
  value: unknown,
  path: Path,
  source: YamlSource,
): readonly NodeFacts[] => {
  if (value === null) return names.map(name => ({ name }))
  const { id, address, addresses, mac, macs, alias, aliases, port, user, vars, ...more } = parseShape(
    schema,
    value,
    problem => source.error([...path, ...problem.path], problem.message, problem),
  )
  const { duid, duids, boot, 'host-key': hostKey, 'host-keys': hostKeys, 'dhcp-options': dhcpOptions, ...others } = more
  const zip = (text: string, at: Path): Each<string> => each(names, text, at, source)
  /** `key` and its plural say the same: a text or a list of them. */
  const list = <T>(
    key: string,
    one: Texts,
    plural: string,
    many: Texts,
    parse: (text: string) => T,
  ): Each<readonly T[] | undefined> => {
    if (one && many)
      throw source.error([...path, key], `stands here beside ${plural}; write one of them`, { on: 'key' })
    const given = one ? key : plural
    const isList = Array.isArray((value as Record<string, unknown>)[given])
    const values = (one ?? many)?.map((text, i) => {
      const at = isList ? [...path, given, i] : [...path, given]
      return parsed(zip(text, at), parse, at, source)
    })
    return index => values?.map(of => of(index))
  }
  const under = <T>(key: string, rest: Path, text: string | undefined, parse: (text: string) => T) => {
    const at = [...path, key, ...rest]
    return text === undefined ? () => undefined : parsed(zip(text, at), parse, at, source)
  }
  const single = <T>(key: string, text: string | undefined, parse: (text: string) => T): Each<T | undefined> =>
    under(key, [], text, parse)

  const ids = single('id', id, String)
  const addressLists = list('address', address, 'addresses', addresses, parseAddress)
  const macLists = list('mac', mac, 'macs', macs, parseMac)
  const aliasLists = list('alias', alias, 'aliases', aliases, parseNodeName)
  const ports = single('port', port, parsePort)
  const users = single('user', user, String)
  const duidLists = list('duid', duid, 'duids', duids, parseDuid)
  const keyLists = list('host-key', hostKey, 'host-keys', hostKeys, parsePublicKey)
  const optionLists = list('dhcp-options', dhcpOptions, 'dhcp-options', undefined, knownOption)
  const isFile = typeof (value as Record<string, unknown>).boot === 'string'
  const bootFiles = under('boot', isFile ? [] : ['file'], boot?.file, parseBootFile)
  const nextServer = boot && 'next-server' in boot ? boot['next-server'] : undefined
  const nextServers = under('boot', ['next-server'], nextServer, parseNextServer)
  const further = Object.entries(others).map(([key, given]) => {
    const at = [...path, key]
    if (vars && Object.hasOwn(vars, key))
      throw source.error(at, `stands here and under vars: as well; write it once`, { on: 'key' })
    return [key, typeof given === 'string' && RANGE.test(given) ? zip(given, at) : () => given] as const
  })
  const hasVars = vars || further.length > 0

  return names.map((name, i) =>
    defined({
      name,
      id: ids(i),
      aliases: aliasLists(i)?.filter(other => other !== name),
      addresses: addressLists(i),
      port: ports(i),
      user: users(i),
      macs: macLists(i),
      duids: duidLists(i),
      boot: bootOf(bootFiles(i), nextServers(i)),
      hostKeys: keyLists(i),
      dhcpOptions: optionLists(i),
      vars: hasVars ? { ...Object.fromEntries(further.map(([key, of]) => [key, of(i)])), ...vars } : undefined,
    }),
  )
}

type Texts = readonly string[] | undefined
/** A value for each of the entry's names, by their index. */
type Each<T> = (index: number) => T

/** Brackets in free text are a range only when nothing but numbers is in them. */
const RANGE = /\[[\d,/\s-]+\]/

const each = (names: readonly NodeName[], text: string, at: Path, source: YamlSource): Each<string> => {
  if (!text.includes('[')) return () => text
  try {
    const pattern = parsePattern(text)
    const count = countPattern(pattern)
    if (count !== 1 && count !== names.length)
      throw new RangeError(
        `${shown(text)} has ${count} values for ${names.length} ${names.length === 1 ? 'name' : 'names'}; a range needs one for each, and text which is no range goes under vars:`,
      )
    const values = expandPattern(pattern)
    return index => values[count === 1 ? 0 : index] as string
  } catch (cause) {
    throw source.error(at, (cause as Error).message, { cause })
  }
}

const parsed = <T>(of: Each<string>, parse: (text: string) => T, at: Path, source: YamlSource): Each<T> => {
  return index => {
    try {
      return parse(of(index))
    } catch (cause) {
      throw source.error(at, (cause as Error).message, { cause })
    }
  }
}

const parsePort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= 65535) return port
  throw new RangeError(`expected a port from 1 to 65535, not ${shown(text)}`)
}

const parseAddress = (text: string): string => {
  if (isIP(text)) return text
  // Numbers with dots which are no address would be taken for one in an old notation: 10.1 is 10.0.0.1 there.
  if (isNodeName(text) && !text.includes(':') && !/^[\d.]+$/.test(text)) return text
  throw new TypeError(`${shown(text)} is neither an IP address nor a host name; a port goes under port:`)
}

/** The statement as it is, if it can be used. */
const knownOption = (statement: string): string => {
  parseDhcpOption(statement)
  return statement
}

const bootOf = (file: string | undefined, nextServer: string | undefined): NodeFacts['boot'] =>
  file === undefined && nextServer === undefined
    ? undefined
    : { ...(file !== undefined && { file }), ...(nextServer !== undefined && { nextServer }) }

/** Without the keys which have no value. */
const defined = (
  facts: { readonly [K in keyof NodeFacts]: NodeFacts[K] | undefined } & { readonly name: NodeName },
): NodeFacts =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as unknown as NodeFacts
