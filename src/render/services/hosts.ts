/** `hosts`, `ethers` and `known-hosts`: lines of files which a machine has anyway, beside those which are there already. */
import type { Format } from '../../template/template.ts'
import { HOSTS } from '../formats/hosts.ts'
import { KNOWN_HOSTS } from '../formats/known-hosts.ts'
import { settleBlock } from './block.ts'
import { fromTemplate } from './from-template.ts'
import type { Service } from './service.ts'
import { changeOf, commandsOf, parseSettings, path } from './settings.ts'
import { type HostView, viewOf } from './view.ts'

interface Shared {
  readonly name: 'hosts' | 'ethers' | 'known-hosts'
  readonly summary: string
  readonly output: string
  readonly template: string
  readonly format: Format
  /** What a file begins with which is not there yet. */
  readonly start: string
}

const sharedFile = ({ name, summary, output, template, format, start }: Shared): Service => ({
  name,
  summary,
  groups: false,
  configure(input) {
    const settings = parseSettings({ output: path.default(output) }, input)
    return {
      async files(site, templates) {
        const view = viewOf(site, settings)
        const hosts = view.hosts.map(host => ({ ...host, knownAs: knownAs(host) }))
        return [
          {
            ...(await fromTemplate(templates, template, format, { ...view, hosts, settings, values: settings.values })),
            path: settings.output,
            mode: 0o644,
            onChange: changeOf(settings),
            settle: settleBlock(name, settings.output, start),
          },
        ]
      },
      ...commandsOf(settings),
    }
  },
})

/** All that a person or a program may type for ssh: with a port of its own in the form which ssh looks for. */
const knownAs = ({ names, addresses, sshPort }: HostView): readonly string[] =>
  [...names, ...addresses.map(({ text }) => text)].map(name =>
    sshPort === undefined || sshPort === 22 ? name : `[${name}]:${sshPort}`,
  )

export const hosts = sharedFile({
  name: 'hosts',
  summary: 'lines of /etc/hosts',
  output: '/etc/hosts',
  template: 'hosts.hbs',
  format: HOSTS,
  // What a machine cannot be without.
  start: '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n\n',
})

export const ethers = sharedFile({
  name: 'ethers',
  summary: 'lines of /etc/ethers: Ethernet addresses and names',
  output: '/etc/ethers',
  template: 'ethers.hbs',
  format: HOSTS,
  start: '',
})

export const knownHosts = sharedFile({
  name: 'known-hosts',
  summary: 'lines of /etc/ssh/ssh_known_hosts, from the keys which the warehouses have',
  output: '/etc/ssh/ssh_known_hosts',
  template: 'ssh_known_hosts.hbs',
  format: KNOWN_HOSTS,
  start: '',
})
