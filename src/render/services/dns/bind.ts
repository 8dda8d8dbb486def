/** `bind` and `nsd`: zone files of the site's domains and networks, and the part of the configuration which lists them. */
import { join } from 'node:path'
import * as z from 'zod'
import { StokerError } from '../../../base/errors.ts'
import type { Format } from '../../../template/template.ts'
import { parseHostName } from '../../data/host-name.ts'
import { NAMED } from '../../formats/named.ts'
import { ZONE } from '../../formats/zone.ts'
import { control } from '../commands.ts'
import { eachFromTemplate, fromTemplate } from '../from-template.ts'
import type { RenderedFile, Service } from '../service.ts'
import { address, commandsOf, hostName, parsedBy, parseSettings, path, seconds, several } from '../settings.ts'
import type { Zone } from './zone.ts'
import { settleSerial } from './zone-serial.ts'
import { zonesOf } from './zones.ts'

/** A mail address as a zone's SOA record has it: the dots of its first part with a backslash (RFC 1035 section 8). */
const contact = parsedBy(input => {
  const [local = '', domain, ...more] = input.split('@')
  if (domain === undefined || more.length > 0 || !/^[\w+.-]{1,64}$/.test(local))
    throw new TypeError('expected a mail address such as hostmaster@example.org')
  return `${local.replaceAll('.', '\\.')}.${parseHostName(domain)}.`
})

const settingsFor = ({ folder, list, pidFile }: Daemon) => ({
  /** Names of the zones' name servers, the primary one first; without a dot they are in `domain`. */
  nameservers: several(hostName).refine(names => names.length > 0, 'is empty; a zone has at least one name server'),
  contact: contact.optional(),
  ttl: seconds.default(3600),
  'negative-ttl': seconds.default(300),
  /** Servers which fetch the zones from this one. */
  secondaries: several(address).default([]),
  /** The forward zones; else the domain and those of the networks. */
  zones: z.array(hostName).optional(),
  /** The networks which get reverse zones, by name; else all. */
  networks: z.array(z.string()).optional(),
  classless: z.enum(['auto', 'child', 'both', 'whole']).default('auto'),
  'classless-separator': z.enum(['/', '-']).default('/'),
  /** Further lines of zones, as they stand in a zone file: `example.org: ["@ MX 10 mail"]`. */
  records: z.record(hostName, z.array(z.string())).default({}),
  /** Where the zone files go. */
  folder: path.default(folder),
  /** The file which lists the zones. */
  output: path.default(list),
  'pid-file': path.default(pidFile),
})

interface Daemon {
  readonly name: 'bind' | 'nsd'
  readonly summary: string
  readonly folder: string
  readonly list: string
  readonly listTemplate: string
  readonly program: string
  readonly pidFile: string
  readonly reload: readonly string[]
  readonly checkZone: (zone: string, candidate: string) => readonly string[]
  readonly checkList: (candidate: string) => readonly string[]
}

const dnsServer = (daemon: Daemon): Service => ({
  name: daemon.name,
  summary: daemon.summary,
  groups: false,
  configure(input) {
    const settings = parseSettings(settingsFor(daemon), input)
    const { domain, folder, records, classless: style, 'classless-separator': separator } = settings
    const nameservers = settings.nameservers.map(name => completed(name, domain))
    return {
      async files(site, templates) {
        const zones = zonesOf(site, { ...settings, nameservers, classless: { style, separator } })
        const stray = Object.keys(records).find(name => !zones.some(zone => zone.name === name))
        if (stray !== undefined) throw strayRecords(stray, zones)
        const zoneFile = await eachFromTemplate(templates, 'zone.hbs', ZONE as Format)
        const paths = zones.map(({ name }) => ({ name, path: join(folder, `db.${name.replaceAll('/', '-')}`) }))
        const listData = { service: daemon.name, zones: paths, settings, values: settings.values }
        const zoneData = (zone: Zone) => ({
          service: daemon.name,
          origin: `${zone.name}.`,
          primary: `${nameservers[0]}.`,
          contact: settings.contact ?? `hostmaster.${domain ?? nameservers[0]?.replace(/^[^.]+\./, '')}.`,
          serial: 0,
          nameservers,
          extra: records[zone.name] ?? [],
          records: zone.records,
          settings,
          values: settings.values,
        })
        return [
          ...zones.map(
            (zone, i): RenderedFile => ({
              ...zoneFile(zoneData(zone)),
              path: paths[i]?.path ?? '',
              mode: 0o644,
              onChange: 'reload',
              check: candidate => daemon.checkZone(zone.name, candidate),
              settle: settleSerial,
            }),
          ),
          {
            ...(await fromTemplate(templates, daemon.listTemplate, NAMED, listData)),
            path: settings.output,
            mode: 0o644,
            onChange: 'reload',
            check: daemon.checkList,
          },
        ]
      },
      ...commandsOf(settings, { reload: control(daemon.program, settings['pid-file'], daemon.reload) }),
    }
  },
})

const completed = (name: string, domain: string | undefined): string => {
  if (name.includes('.')) return name
  if (domain !== undefined) return `${name}.${domain}`
  throw new StokerError(
    'CONFIG',
    'nameservers',
    `nameservers: ${name} has no domain; write its full name, or give domain:`,
  )
}

const strayRecords = (name: string, zones: readonly Zone[]): StokerError =>
  new StokerError(
    'CONFIG',
    'records',
    `records: ${name} is no zone here (there are: ${zones.map(zone => zone.name).join(', ')})`,
  )

export const bind = dnsServer({
  name: 'bind',
  summary: 'zone files for BIND, forward and reverse, and a list of them for named.conf',
  folder: '/etc/bind',
  list: '/etc/bind/named.conf.stoker',
  listTemplate: 'named.conf.zones.hbs',
  program: 'named',
  pidFile: '/run/named/named.pid',
  reload: ['rndc', 'reload'],
  // Names in other people's zones are not looked up: at the machine's start there may be nobody to ask.
  checkZone: (zone, candidate) => ['named-checkzone', '-i', 'local', zone, candidate],
  checkList: candidate => ['named-checkconf', candidate],
})

export const nsd = dnsServer({
  name: 'nsd',
  summary: 'zone files for NSD, forward and reverse, and a list of them for nsd.conf',
  folder: '/etc/nsd',
  list: '/etc/nsd/nsd.conf.d/stoker.conf',
  listTemplate: 'nsd.conf.zones.hbs',
  program: 'nsd',
  pidFile: '/run/nsd/nsd.pid',
  reload: ['sh', '-c', 'nsd-control reconfig && nsd-control reload'],
  checkZone: (zone, candidate) => ['nsd-checkzone', zone, candidate],
  checkList: candidate => ['nsd-checkconf', candidate],
})
