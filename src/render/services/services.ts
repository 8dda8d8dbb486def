/** The services which can be rendered, by name; the code of one is loaded when it is used. */
import type { Service } from './service.ts'

export const SERVICES: Readonly<Record<string, () => Promise<Service>>> = {
  dhcpd: async () => (await import('./dhcp/dhcpd.ts')).dhcpd,
  dhcpd6: async () => (await import('./dhcp/dhcpd.ts')).dhcpd6,
  dnsmasq: async () => (await import('./dhcp/dnsmasq.ts')).dnsmasq,
  kea4: async () => (await import('./dhcp/kea.ts')).kea4,
  kea6: async () => (await import('./dhcp/kea.ts')).kea6,
  bind: async () => (await import('./dns/bind.ts')).bind,
  nsd: async () => (await import('./dns/bind.ts')).nsd,
  hosts: async () => (await import('./hosts.ts')).hosts,
  ethers: async () => (await import('./hosts.ts')).ethers,
  'known-hosts': async () => (await import('./hosts.ts')).knownHosts,
  ansible: async () => (await import('./ansible.ts')).ansible,
  prometheus: async () => (await import('./prometheus.ts')).prometheus,
  template: async () => (await import('./template.ts')).template,
}
