/**
 * `dnsmasq`: its configuration, and the files which it reads anew at a SIGHUP: hosts for DNS, and hosts and options for DHCP
 * where it is the DHCP server, too.
 */
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import * as z from 'zod'
import { parseAddress } from '../../data/address.ts'
import type { DhcpOption, Site } from '../../data/model.ts'
import { DNSMASQ } from '../../formats/dnsmasq.ts'
import { HOSTS } from '../../formats/hosts.ts'
import { hangUp, restartService } from '../commands.ts'
import { fromTemplate } from '../from-template.ts'
import type { RenderedFile, Service } from '../service.ts'
import { address, commandsOf, parsedBy, parseSettings, path, seconds, several } from '../settings.ts'
import { type BootView, viewOf } from '../view.ts'
import { type Client, DHCP_SETTINGS, type DhcpNetwork, type DhcpSettings, dhcpData } from './dhcp.ts'
import { optionCode, optionSize } from './option-codes.ts'

/** `10.0.0.1`, or with a port behind `#`. */
const server = parsedBy(input => {
  const [host = '', port, ...more] = input.split('#')
  if (more.length > 0 || (port !== undefined && !/^\d{1,5}$/.test(port)))
    throw new TypeError('expected the address of a name server, with #PORT behind it where it is not 53')
  const { text } = parseAddress(host)
  return port === undefined ? text : `${text}#${port}`
})

const SETTINGS = {
  ...DHCP_SETTINGS,
  /** Debian's dnsmasq reads all files of this folder. */
  output: path.default('/etc/dnsmasq.d/stoker.conf'),
  'hosts-file': path.default('/etc/dnsmasq.hosts'),
  'dhcp-hosts-file': path.default('/etc/dnsmasq.dhcp-hosts'),
  'dhcp-options-file': path.default('/etc/dnsmasq.dhcp-options'),
  'pid-file': path.default('/run/dnsmasq/dnsmasq.pid'),
  /** Files of the site's own which dnsmasq reads as well. */
  include: z.array(path).default([]),
  interfaces: several(z.string().regex(/^[\w.:@*-]{1,64}$/, 'expected the name of an interface')).default([]),
  listen: several(address).default([]),
  /** Binds these interfaces or addresses only, and leaves the others to other name servers. */
  'bind-interfaces': z.boolean().default(false),
  port: z.int().min(0).max(65_535).default(53),
  /** Who is asked about all other names; without any, whom resolv.conf names. */
  upstream: several(server).default([]),
  /** Names in the site's domains, and addresses in its networks, are known here or nowhere. */
  local: z.boolean().default(true),
  /** Answers from this machine's own /etc/hosts as well, which has its name as 127.0.1.1 more often than not. */
  'etc-hosts': z.boolean().default(false),
  ttl: seconds.optional(),
  'cache-size': z.int().min(0).default(1000),
  /** Whether it is the DHCP server. */
  dhcp: z.boolean().default(false),
  'router-advertisements': z.boolean().default(false),
}

export const dnsmasq: Service = {
  name: 'dnsmasq',
  summary: 'dnsmasq.conf and its hosts files: DNS, and DHCP if you say so',
  groups: false,
  configure(input) {
    const settings = parseSettings(SETTINGS, input)
    return {
      async files(site, templates) {
        const data = dnsmasqData(site, settings)
        const reread = async (file: string, name: string): Promise<RenderedFile> => ({
          ...(await fromTemplate(templates, name, name === 'dnsmasq.hosts.hbs' ? HOSTS : DNSMASQ, data)),
          path: file,
          mode: 0o644,
          // SIGHUP makes dnsmasq read these files anew, but not its configuration.
          onChange: 'reload',
        })
        const files: RenderedFile[] = [
          await reread(settings['hosts-file'], 'dnsmasq.hosts.hbs'),
          {
            ...(await fromTemplate(templates, 'dnsmasq.conf.hbs', DNSMASQ, data)),
            path: settings.output,
            mode: 0o644,
            onChange: 'restart',
            check: candidate => ['dnsmasq', '--test', `--conf-file=${candidate}`],
          },
        ]
        if (settings.dhcp)
          files.unshift(
            await reread(settings['dhcp-hosts-file'], 'dnsmasq.dhcp-hosts.hbs'),
            await reread(settings['dhcp-options-file'], 'dnsmasq.dhcp-options.hbs'),
          )
        return files
      },
      ...commandsOf(settings, {
        reload: hangUp('dnsmasq', settings['pid-file']),
        restart: restartService('dnsmasq'),
      }),
    }
  },
}

const dnsmasqData = (site: Site, settings: DhcpSettings & { readonly dhcp: boolean }): object => {
  const view = viewOf(site, settings)
  const domains = new Set([
    ...(settings.domain === undefined ? [] : [settings.domain]),
    ...view.networks.flatMap(({ domain }) => domain ?? []),
  ])
  const data = { ...view, domains: [...domains], settings, values: settings.values }
  if (!settings.dhcp) return data
  const families = [dhcpData(view, 4, settings), dhcpData(view, 6, settings)]
  const served = families.flatMap(({ networks }) => networks)
  const clientOptions = new Map<string, readonly OptionLine[]>()
  const tags = new Map<string, string>()
  const reservations = families.flatMap(({ networks }) => networks.flatMap(network => network.reservations))
  // To dnsmasq a client is one for both families: a line without an address would stand in the way of one with it.
  const reserved = new Set(reservations.map(({ host }) => host))
  const others = families.flatMap(({ clients }) => clients.filter(({ host }) => !reserved.has(host)))
  const clients = [...reservations, ...others.map(bare)]
  return {
    ...data,
    ranges: served.map(network => ({ ...network, tag: tagOf(network) })),
    leases: clients.map(({ host, identifiers, address, clientOptions: options }) => {
      const family = address !== undefined && isIPv6(address) ? 6 : 4
      const own = lastOfEach([
        ...bootOptions(host.boot, family),
        ...options.filter(({ name }) => name !== 'host-name').map(optionLine),
      ])
      const key = JSON.stringify(own)
      // Most hosts get the same options as others.
      const tag = own.length === 0 ? undefined : (tags.get(key) ?? `opts-${digest(key)}`)
      if (tag !== undefined) {
        tags.set(key, tag)
        clientOptions.set(tag, own)
      }
      return {
        name: host.name,
        origin: host.origin,
        identifiers,
        address,
        tag,
        called: leaseName(host.short, host.fqdn),
      }
    }),
    // Of two lines which fit a client, dnsmasq takes the later one: a host's own come behind those of its network.
    clientOptions: [
      ...served.flatMap(network =>
        lastOfEach([...bootOptions(network.boot, network.family), ...network.clientOptions.map(optionLine)]).map(
          one => ({
            tag: tagOf(network),
            ...one,
          }),
        ),
      ),
      ...[...clientOptions]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([tag, own]) => own.map(one => ({ tag, ...one }))),
    ],
  }
}

/** The last one of those with one number: what the site states comes last. */
const lastOfEach = (lines: readonly OptionLine[]): readonly OptionLine[] =>
  lines.length < 2 ? lines : [...new Map(lines.map(one => [one.option, one])).values()]

const bare = ({ host, identifier, clientOptions }: Client) => ({
  host,
  identifiers: [identifier],
  address: undefined,
  clientOptions,
})

/** A tag may not have commas and the like; names of networks may. */
const tagOf = ({ name, cidr }: DhcpNetwork): string => `net-${/^[\w.-]{1,60}$/.test(name) ? name : cidr}`

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12)

/** dnsmasq would take some names for a lease time, or for orders: `12h`, `infinite`, `ignore`. */
const leaseName = (short: string, fqdn: string): string | undefined => {
  const isWord = (name: string) => /^(?:\d+[smhdw]?|infinite|ignore)$/i.test(name)
  return [short, fqdn].find(name => !isWord(name))
}

/** An option as dnsmasq writes it: `option6:23`, and the words behind the comma. */
interface OptionLine {
  readonly option: string
  readonly texts: readonly string[]
  readonly words: readonly string[]
}

const optionLine = ({ name, value }: DhcpOption): OptionLine => {
  const code = optionCode(name)
  const option = name.startsWith('dhcp6.') ? `option6:${code}` : String(code)
  switch (value.kind) {
    case 'text':
      return { option, texts: [value.text], words: [] }
    case 'number':
      return { option, texts: [], words: [`${value.number}${optionSize(name)}`] }
    case 'flag':
      return { option, texts: [], words: [value.flag ? '1b' : '0b'] }
    case 'addresses':
      return { option, texts: [], words: value.addresses.map(one => (isIPv6(one) ? `[${one}]` : one)) }
    case 'names':
      return { option, texts: [], words: value.names }
    default:
      throw new Error(`unknown kind of option: ${value satisfies never}`)
  }
}

/** What dhcp-boot says, as options: those may stand in a file which is read anew. Only IPv4 has them. */
const bootOptions = ({ file, nextServer, nextAddress }: BootView, family: 4 | 6): readonly OptionLine[] =>
  family === 6
    ? []
    : [
        ...(file === undefined ? [] : [{ option: BOOT_FILE, texts: [file], words: [] }]),
        ...(nextServer === undefined ? [] : [{ option: TFTP_SERVER, texts: [nextServer], words: [] }]),
        ...(nextAddress === undefined || isIPv6(nextAddress)
          ? []
          : [{ option: SERVER_ADDRESS, texts: [], words: [nextAddress] }]),
      ]

const BOOT_FILE = String(optionCode('bootfile-name'))
const TFTP_SERVER = String(optionCode('tftp-server-name'))
/** No option of the protocol: dnsmasq's number for the address which stands in a reply's header. */
const SERVER_ADDRESS = '255'
