/** The options of the LDAP warehouse. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import * as z from 'zod'
import { parseGroupName } from '../../src/base/names.ts'
import { mapping, parseOptions, text, texts } from '../../src/config/shape.ts'
import type { WarehouseContext } from '../../src/inventory/warehouse.ts'
import { badOption, duration } from '../common/options.ts'
import { type Filter, parseFilter } from './filter.ts'
import { type Mapping, presetOf, type Reader } from './presets.ts'

const filter = text.transform((input, context): Filter => {
  try {
    return parseFilter(input)
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: `expected an LDAP filter: ${(thrown as Error).message}` })
    return z.NEVER
  }
})

const groupName = z.string().refine(isGroupName, 'expected a name which can be written after @')

const attribute = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, "expected an attribute's name")

const attributes = z.union([attribute.transform(one => [one]), z.array(attribute)], {
  error: 'expected the name of an attribute or a list of such names',
})

const presetName = z.enum(['rfc2307', 'dhcp', 'none'])

const part = mapping({ base: texts.optional(), filter: filter.optional() })

const schema = mapping({
  url: texts,
  base: text,
  bind: z
    .union(
      [
        z.enum(['anonymous', 'external']),
        mapping({ dn: text, 'password-file': text, 'allow-plaintext': z.boolean().optional() }),
      ],
      { error: 'expected anonymous, external, or a mapping with dn and password-file' },
    )
    .default('anonymous'),
  tls: mapping({ starttls: z.boolean(), ca: text, cert: text, key: text, servername: text }).partial().optional(),
  deadline: duration.default(5_000),
  'page-size': z.int().min(1, 'expected 1 or more').optional(),
  preset: z
    .union([presetName.transform(one => [one]), z.array(presetName).min(1, 'is an empty list')], {
      error: 'expected rfc2307, dhcp, none or a list of them',
    })
    .default(['rfc2307']),
  nodes: part.optional(),
  groups: part.optional(),
  networks: part.optional(),
  attributes: mapping({
    name: attribute,
    address: attribute,
    mac: attribute,
    duid: attribute,
    'boot-file': attribute,
    'next-server': attribute,
    'host-key': attribute,
    port: attribute,
    user: attribute,
    id: attribute,
    member: attributes,
    vars: z.union([attributes, z.record(z.string(), attribute)], {
      error: 'expected names of attributes, or a mapping of names to attributes',
    }),
  })
    .partial()
    .optional(),
  filters: z.record(groupName, filter).default({}),
  dangling: z.enum(['error', 'ignore']).default('error'),
})

/** One directory server. */
export interface Server {
  /** As messages tell it. */
  readonly url: string
  readonly endpoint: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly security: 'none' | 'tls' | 'starttls'
  /** What the server's certificate has to be for: a host name or an IP address. */
  readonly identity: string
}

export type Bind =
  | { readonly kind: 'anonymous' }
  /** As whoever the Unix socket or the client's certificate says. */
  | { readonly kind: 'external' }
  | { readonly kind: 'simple'; readonly dn: string; readonly passwordFile: string }

/** Where a kind of entry is looked for, and how it is known. */
export interface Part {
  readonly bases: readonly string[]
  readonly filter: Filter
}

export interface Settings {
  readonly warehouse: string
  /** In the order in which they are tried. */
  readonly servers: readonly Server[]
  readonly bind: Bind
  /** Paths of PEM files; `undefined` for `ca`: what this machine trusts. */
  readonly tls: { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined }
  /** Milliseconds for one question to all servers together. */
  readonly deadline: number
  /** Entries on a page; `undefined`: no pages, unless the server wants them. */
  readonly pageSize: number | undefined
  readonly nodes: Part
  /** `undefined`: there are no groups but `filters`. */
  readonly groups: Part | undefined
  /** `undefined`: there are none. */
  readonly networks: Part | undefined
  /** Entries whose statements are those of the nodes below them; `undefined`: there are none. */
  readonly scopes: Part | undefined
  readonly mapping: Mapping
  /** The groups which the configuration names. */
  readonly filters: ReadonlyMap<string, Filter>
  readonly dangling: 'error' | 'ignore'
}

type Given = z.output<typeof schema>

/** Throws `CONFIG` naming the option that is wrong. */
export const parseSettings = (options: Readonly<Record<string, unknown>>, context: WarehouseContext): Settings => {
  const given = parseOptions(schema, options)
  const { tls, base } = given
  const path = (file: string | undefined) => (file === undefined ? undefined : resolve(context.folder, file))
  if (given.url.length === 0) throw badOption('url', 'is an empty list')
  const isList = Array.isArray(options.url)
  const servers = given.url.map((url, i) => serverOf(url, tls, isList ? `url[${i}]` : 'url'))
  checkTls(tls, servers)
  const preset = presetOf(given.preset)
  const nodes = given.nodes?.filter ?? preset.nodes
  const groups = given.groups?.filter ?? preset.groups
  if (!nodes) throw badOption('nodes.filter', 'is missing: with preset none, say which entries are nodes')
  if (given.groups && !groups)
    throw badOption('groups.filter', 'is missing: with preset none, say which entries are groups')
  const networks = given.networks?.filter ?? preset.networks
  if (given.networks && !networks)
    throw badOption('networks.filter', 'is missing: with preset none, say which entries are networks')
  return {
    warehouse: context.name,
    servers,
    bind: bindOf(given, servers, context.folder),
    tls: { ca: path(tls?.ca), cert: path(tls?.cert), key: path(tls?.key) },
    deadline: given.deadline,
    pageSize: given['page-size'],
    nodes: { bases: given.nodes?.base ?? [base], filter: nodes },
    groups: groups && { bases: given.groups?.base ?? [base], filter: groups },
    networks: networks && { bases: given.networks?.base ?? [base], filter: networks },
    // A group of hosts may be above the base of the hosts.
    scopes: preset.scopes && { bases: [base], filter: preset.scopes },
    mapping: mappingOf(given, preset.mapping),
    filters: new Map(Object.entries(given.filters)),
    dangling: given.dangling,
  }
}

const SOCKET = '/run/slapd/ldapi'

const serverOf = (url: string, tls: Given['tls'], option: string): Server => {
  const bad = (problem: string) => badOption(option, problem)
  const local = /^ldapi:\/\/([^/]*)\/?$/i.exec(url)
  if (local) {
    if (tls?.starttls) throw badOption('tls.starttls', 'is not for ldapi://; a socket does not leave this machine')
    return { url, endpoint: { path: decoded(local[1] ?? '', bad) || SOCKET }, security: 'none', identity: 'localhost' }
  }
  const [, scheme = '', host = '', port] =
    /^(ldaps?):\/\/(\[[\da-f:.%]+\]|[\p{L}\p{N}_.-]+)(?::(\d+))?\/?$/iu.exec(url) ?? []
  if (host === '')
    throw bad('expected ldap://HOST[:PORT], ldaps://HOST[:PORT] or ldapi:///; the base is an option of its own')
  const isSecure = scheme.toLowerCase() === 'ldaps'
  if (isSecure && tls?.starttls) throw badOption('tls.starttls', 'is for ldap://; ldaps:// is TLS from the beginning')
  const number = port === undefined ? (isSecure ? 636 : 389) : Number(port)
  if (number < 1 || number > 65_535) throw bad('expected a port from 1 to 65535')
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  return {
    url,
    endpoint: { host: bare, port: number },
    security: isSecure ? 'tls' : tls?.starttls ? 'starttls' : 'none',
    identity: tls?.servername ?? bare,
  }
}

const decoded = (text: string, bad: (problem: string) => Error): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw bad('expected ldapi:// and the path of a socket with %2F for /')
  }
}

const checkTls = (tls: Given['tls'], servers: readonly Server[]): void => {
  if (!tls) return
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw badOption(tls.cert === undefined ? 'tls.cert' : 'tls.key', 'is missing: cert and key go together')
  const clear = servers.find(({ security }) => security === 'none')
  if (clear && Object.keys(tls).some(key => key !== 'starttls'))
    throw badOption('tls', `would not be used with ${clear.url}: write ldaps://, or starttls: true`)
}

const bindOf = ({ bind, tls }: Given, servers: readonly Server[], folder: string): Bind => {
  if (bind === 'anonymous') return { kind: 'anonymous' }
  if (bind === 'external') {
    const unknown = servers.find(({ endpoint }) => !('path' in endpoint) && tls?.cert === undefined)
    if (!unknown) return { kind: 'external' }
    throw badOption(
      'bind',
      `external needs ldapi:// or a certificate in tls.cert; ${unknown.url} could not tell who you are`,
    )
  }
  const exposed = servers.find(server => server.security === 'none' && !isHere(server))
  if (exposed && !bind['allow-plaintext'])
    throw badOption(
      'bind.password-file',
      `the password would go to ${exposed.url} unencrypted: write ldaps://, or tls: {starttls: true} (or bind.allow-plaintext: true)`,
    )
  return { kind: 'simple', dn: bind.dn, passwordFile: resolve(folder, bind['password-file']) }
}

/** Whether nothing leaves this machine. */
const isHere = ({ endpoint }: Server): boolean =>
  'path' in endpoint ||
  endpoint.host === 'localhost' ||
  endpoint.host === '::1' ||
  (isIP(endpoint.host) === 4 && endpoint.host.startsWith('127.'))

const mappingOf = ({ attributes: given = {} }: Given, usual: Mapping): Mapping => {
  const name = given.name ?? usual.name
  if (name === undefined)
    throw badOption('attributes.name', 'is missing: with preset none, say which attribute is the name')
  // A preset's way of reading goes with its attribute.
  const readers = (attribute: string | undefined, otherwise: readonly Reader[]) =>
    attribute === undefined ? otherwise : [{ attribute }]
  return {
    ...usual,
    name,
    addresses: readers(given.address, usual.addresses),
    macs: readers(given.mac, usual.macs),
    duids: readers(given.duid, usual.duids),
    bootFiles: readers(given['boot-file'], usual.bootFiles),
    nextServers: readers(given['next-server'], usual.nextServers),
    hostKeys: readers(given['host-key'], usual.hostKeys),
    port: given.port,
    user: given.user,
    id: given.id?.toLowerCase() === 'dn' ? undefined : given.id,
    members: given.member ?? usual.members,
    vars: Array.isArray(given.vars) ? given.vars.map(one => [one, one] as const) : Object.entries(given.vars ?? {}),
  }
}

function isGroupName(name: string): boolean {
  try {
    parseGroupName(name)
    return true
  } catch {
    return false // the schema says so, with the place
  }
}
