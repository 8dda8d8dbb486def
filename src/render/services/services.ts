/** The services which can be rendered, by name; the code of one is loaded when it is used. */
import type { Service } from './service.ts'

export const SERVICES: Readonly<Record<string, () => Promise<Service>>> = {
  dhcpd: async () => (await import('./services/dhcpd.ts')).dhcpd,
  dhcpd6: async () => (await import('./services/dhcpd.ts')).dhcpd6,
  dnsmasq: async () => (await import('./services/dnsmasq.ts')).dnsmasq,
  kea4: async () => (await import('./services/kea.ts')).kea4,
  kea6: async () => (await import('./services/kea.ts')).kea6,
  bind: async () => (await import('./services/bind.ts')).bind,
  nsd: async () => (await import('./services/bind.ts')).nsd,
  hosts: async () => (await import('./services/hosts.ts')).hosts,
  ethers: async () => (await import('./services/hosts.ts')).ethers,
  'known-hosts': async () => (await import('./services/hosts.ts')).knownHosts,
  ansible: async () => (await import('./services/ansible.ts')).ansible,
  prometheus: async () => (await import('./services/prometheus.ts')).prometheus,
  template: async () => (await import('./services/template.ts')).template,
}
