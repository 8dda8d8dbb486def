/** `kea4` and `kea6`: the configurations of Kea's two DHCP servers, JSON. */
import * as z from 'zod'
import { StokerError } from '../../../base/errors.ts'
import { shown } from '../../../base/names.ts'
import type { DhcpOption, Site } from '../../data/model.ts'
import { JSON_WITH_COMMENTS } from '../../formats/json.ts'
import { restartService } from '../commands.ts'
import { fromTemplate } from '../from-template.ts'
import type { Service } from '../service.ts'
import { commandsOf, parseSettings, path, several } from '../settings.ts'
import { type BootView, type HostView, viewOf } from '../view.ts'
import { type Client, DHCP_SETTINGS, type DhcpNetwork, type DhcpSettings, dhcpData, type Reservation } from './dhcp.ts'
import { optionCode } from './option-codes.ts'

const keaServer = (family: 4 | 6): Service => ({
  name: `kea${family}`,
  summary: `kea-dhcp${family}.conf: Kea's DHCP server for IPv${family}`,
  groups: false,
  configure(input) {
    const settings = parseSettings(
      {
        ...DHCP_SETTINGS,
        output: path.default(`/etc/kea/kea-dhcp${family}.conf`),
        /** The interfaces which it listens on; `*`: all. */
        interfaces: several(z.string().regex(/^[\w.:@/*-]{1,64}$/, 'expected the name of an interface')).default(['*']),
      },
      input,
    )
    return {
      async files(site, templates) {
        return [
          {
            ...(await fromTemplate(
              templates,
              `kea-dhcp${family}.conf.hbs`,
              JSON_WITH_COMMENTS,
              keaData(site, family, settings),
            )),
            path: settings.output,
            mode: 0o644,
            onChange: 'restart',
            check: candidate => [`kea-dhcp${family}`, '-t', candidate],
          },
        ]
      },
      ...commandsOf(settings, { restart: restartService(`kea-dhcp${family}-server`) }),
    }
  },
})

export const kea4 = keaServer(4)
export const kea6 = keaServer(6)

/** What the template has beyond the data of all DHCP servers: Kea's own objects. */
const keaData = (site: Site, family: 4 | 6, settings: DhcpSettings): object => {
  const data = dhcpData(viewOf(site, settings), family, settings)
  const ids = subnetIds(data.networks)
  const subnetOf = (network: DhcpNetwork) => subnet(network, ids.get(network) ?? 0, family, settings)
  const reservations = data.networks.flatMap(network => network.reservations)
  return {
    ...data,
    sharedNetworks: data.wires.flatMap(({ shared, networks }) =>
      shared === undefined ? [] : [{ name: shared, [`subnet${family}`]: networks.map(subnetOf) }],
    ),
    subnets: data.wires.flatMap(({ shared, networks }) => (shared === undefined ? networks.map(subnetOf) : [])),
    // What has no address in any network is known by its identifier everywhere.
    anywhere: data.clients.filter(({ addresses }) => addresses.length === 0).map(client => anywhere(client, family)),
    sharedAddresses: reservations.some(({ identifiers }) => identifiers.length > 1),
  }
}

const subnet = (network: DhcpNetwork, id: number, family: 4 | 6, settings: DhcpSettings): object => {
  const { cidr, ranges, leaseTime, clientOptions, boot, name, reservations } = network
  return {
    id,
    subnet: cidr,
    ...(leaseTime !== undefined && { 'valid-lifetime': leaseTime }),
    ...(family === 4 && bootKeys(boot, name)),
    pools: ranges.map(({ from, to }) => ({
      pool: `${from} - ${to}`,
      ...(settings['unknown-clients'] === 'deny' && { 'client-class': 'KNOWN' }),
    })),
    'option-data': clientOptions.map(optionData),
    reservations: reservations.flatMap(reservation => reserved(reservation, family)),
  }
}

const reserved = ({ host, identifiers, address, clientOptions }: Reservation, family: 4 | 6): readonly object[] =>
  identifiers.map(identifier => ({
    ...identifierKey(identifier),
    ...(family === 4 ? { 'ip-address': address } : { 'ip-addresses': [address] }),
    ...hostKeys(host, clientOptions, family),
  }))

const anywhere = ({ identifier, host, clientOptions }: Client, family: 4 | 6): object => ({
  ...identifierKey(identifier),
  ...hostKeys(host, clientOptions, family),
})

const hostKeys = (host: HostView, clientOptions: readonly DhcpOption[], family: 4 | 6): object => {
  // Kea sends a client its name by itself.
  const options = clientOptions.filter(({ name }) => name !== 'host-name').map(optionData)
  return {
    hostname: host.short,
    ...(family === 4 && bootKeys(host.boot, host.name)),
    ...(options.length > 0 && { 'option-data': options }),
  }
}

const identifierKey = ({ kind, text }: Client['identifier']): object =>
  kind === 'mac' ? { 'hw-address': text } : { duid: text }

const bootKeys = ({ file, nextServer, nextAddress }: BootView, whose: string): object => {
  if (nextServer !== undefined && nextAddress === undefined)
    throw new StokerError(
      'CONFIG',
      whose,
      `${shown(whose)} boots from ${shown(nextServer)}, which is no host of this site, and Kea takes only an address; enter that host, or give its address`,
    )
  return {
    ...(nextAddress !== undefined && { 'next-server': nextAddress }),
    ...(file !== undefined && { 'boot-file-name': file }),
  }
}

const optionData = ({ name, value }: DhcpOption): object => {
  const code = optionCode(name)
  // Kea cuts blanks off, and takes commas and backslashes for its own; as bytes a text stays what it is.
  return value.kind === 'text' && /[,\\]|[^ -~]|^ | $/.test(value.text)
    ? { code, 'csv-format': false, data: Buffer.from(value.text).toString('hex') }
    : { code, data: dataOf(value) }
}

const dataOf = (value: DhcpOption['value']): string => {
  switch (value.kind) {
    case 'text':
      return value.text
    case 'number':
      return String(value.number)
    case 'flag':
      return String(value.flag)
    case 'addresses':
      return value.addresses.join(', ')
    case 'names':
      return value.names.join(', ')
    default:
      throw new Error(`unknown kind of option: ${value satisfies never}`)
  }
}

/**
 * Leases on disk point at their subnet by its number, so that follows from the network's address and stays whatever else comes
 * or goes: FNV-1a of its text; of two with the same number the later one gets the next which is free.
 */
const subnetIds = (networks: readonly DhcpNetwork[]): ReadonlyMap<DhcpNetwork, number> => {
  const taken = new Set<number>()
  return new Map(
    networks.map(network => {
      let id = hash(network.cidr) % MAX_ID || 1
      while (taken.has(id)) id = (id % MAX_ID) + 1
      taken.add(id)
      return [network, id]
    }),
  )
}

/** The greatest number which a subnet may have (2^32 - 1 stands for none). */
const MAX_ID = 2 ** 32 - 2

const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0
  return value
}
