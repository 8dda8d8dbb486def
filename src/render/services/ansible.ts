/** `ansible`: an inventory for Ansible, YAML. */
import * as z from 'zod'
import { text } from '../../config/shape.ts'
import { ANSIBLE } from '../formats/yaml.ts'
import { fromTemplate } from './from-template.ts'
import type { Service } from './service.ts'
import { changeOf, commandsOf, parseSettings, path } from './settings.ts'
import { type HostView, viewOf } from './view.ts'

export const ansible: Service = {
  name: 'ansible',
  summary: "an inventory for Ansible, with the warehouses' groups and vars",
  groups: true,
  configure(input) {
    const settings = parseSettings(
      {
        output: path.default('/etc/ansible/hosts.yaml'),
        /**
         * Which of the warehouses' vars are written. `true` leaves out those which tell Ansible what to run and how to connect
         * (`ansible_...`): a directory decides no such thing, unless they are named.
         */
        vars: z.union([z.boolean(), z.array(text)], { error: 'expected true, false or a list of names' }).default(true),
      },
      input,
    )
    return {
      async files(site, templates) {
        const view = viewOf(site, settings)
        const hosts = view.hosts.map(({ name, origin, ...host }) => ({
          name,
          origin,
          vars: { ...chosen(host.vars, settings.vars), ...connecting(host) },
        }))
        // Ansible has groups of these names, with a meaning.
        const groups = view.groups.filter(({ name }) => name !== 'all' && name !== 'ungrouped')
        const data = { ...view, hosts, groups, settings, values: settings.values }
        return [
          {
            ...(await fromTemplate(templates, 'ansible.yaml.hbs', ANSIBLE, data)),
            path: settings.output,
            mode: 0o644,
            onChange: changeOf(settings),
          },
        ]
      },
      ...commandsOf(settings),
    }
  },
}

const chosen = (vars: HostView['vars'], wanted: boolean | readonly string[]): object =>
  Object.fromEntries(
    Object.entries(vars).filter(([name]) =>
      typeof wanted === 'boolean' ? wanted && !name.startsWith('ansible_') : wanted.includes(name),
    ),
  )

const connecting = ({ addresses, sshPort, user }: Pick<HostView, 'addresses' | 'sshPort' | 'user'>): object => ({
  ...(addresses[0] && { ansible_host: addresses[0].text }),
  ...(sshPort !== undefined && { ansible_port: sshPort }),
  ...(user !== undefined && { ansible_user: user }),
})
