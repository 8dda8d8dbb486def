/** The formats which a site's own template can name. */
import type { Format } from '../../template/template.ts'
import { DHCPD } from './dhcpd.ts'
import { DNSMASQ } from './dnsmasq.ts'
import { HOSTS } from './hosts.ts'
import { JSON_TEXT } from './json.ts'
import { KNOWN_HOSTS } from './known-hosts.ts'
import { NAMED } from './named.ts'
import { LINES } from './plain.ts'
import { SHELL } from './shell.ts'
import { ANSIBLE, YAML } from './yaml.ts'
import { ZONE } from './zone.ts'

export const FORMATS = {
  plain: LINES,
  dhcpd: DHCPD,
  dnsmasq: DNSMASQ,
  hosts: HOSTS,
  'known-hosts': KNOWN_HOSTS,
  zone: ZONE,
  named: NAMED,
  json: JSON_TEXT,
  yaml: YAML,
  ansible: ANSIBLE,
  shell: SHELL,
} as const satisfies Readonly<Record<string, Format>>
