/** One policy in two languages: what stoker and ansible-playbook are given to do on the same targets. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fleet } from '../../test/fixtures/servers/sshd.ts'

/** One resource; `~/` is the home of each target. The key of a task is the name of its module. */
interface Resource {
  readonly stoker: object
  readonly ansible: object
}

/** Absolute paths of what was written. */
export interface PolicyPair {
  readonly policy: string
  readonly playbook: string
  /** For ansible-playbook, with what ssh has to know. */
  readonly inventory: string
  /** For ansible-playbook: nobody's settings. */
  readonly settings: string
}

const many = (count: number, make: (n: number) => Resource): readonly Resource[] =>
  Array.from({ length: count }, (_, n) => make(n))

/** What machines are set up with, as far as an account can do it without being root: thirty, and each needs no other tool. */
const RESOURCES: readonly Resource[] = [
  ...many(4, n => {
    const options = { path: `~/folder${n}`, state: 'directory', mode: '0750' }
    return { stoker: { file: options }, ansible: { file: options } }
  }),
  ...many(12, n => {
    const [path, content] = [`~/folder0/file${n}`, `setting = ${n}\n`.repeat(20)]
    return {
      stoker: { file: { path, content, mode: '0644' } },
      ansible: { copy: { dest: path, content, mode: '0644' } },
    }
  }),
  ...many(6, n => {
    const path = `~/folder1/settings${n}`
    return {
      stoker: { template: { path, source: 'settings.hbs', mode: '0640' } },
      ansible: { template: { dest: path, src: 'settings.j2', mode: '0640' } },
    }
  }),
  ...many(6, n => {
    const [options, pattern] = [{ path: '~/folder2/lines', line: `key${n} = yes`, create: true }, `^key${n} =`]
    return {
      stoker: { line: { ...options, match: pattern } },
      ansible: { lineinfile: { ...options, regexp: pattern, mode: '0644' } },
    }
  }),
  ...many(2, n => {
    const path = `~/folder3/done${n}`
    return {
      stoker: { command: { command: `touch ${path}`, creates: path } },
      ansible: { command: { cmd: `touch ${path}`, creates: path } },
    }
  }),
]

export const COUNT = RESOURCES.length

const template = (name: string): string => `# ${name}\nname = ${name}\nlisten = 80\n`

/** Writes it into the fleet's folder. JSON is YAML. */
export const writePair = async (fleet: Fleet): Promise<PolicyPair> => {
  const folder = join(fleet.folder, 'policy')
  await mkdir(join(folder, 'templates'), { recursive: true })
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  const withHomes = (value: object, address: string) =>
    JSON.stringify(value).replaceAll('~/', `${fleet.folder}/targets/${address}/home/`)
  const tasks = RESOURCES.map(({ ansible }) =>
    Object.fromEntries(Object.entries(ansible).map(([module, options]) => [`ansible.builtin.${module}`, options])),
  )
  await write('templates/settings.hbs', template('{{node.name}}'))
  await write('templates/settings.j2', template('{{inventory_hostname}}'))
  await write('policy.yaml', withHomes({ resources: RESOURCES.map(({ stoker }) => stoker) }, '{{node.address}}'))
  return {
    policy: folder,
    playbook: await write(
      'playbook.yaml',
      withHomes([{ hosts: 'all', gather_facts: false, tasks }], '{{ansible_host}}'),
    ),
    inventory: await write('hosts.ini', hosts(fleet)),
    settings: await write('ansible.cfg', ''),
  }
}

/** The same key exchange for both, and nothing that has to be found out on the way. */
const hosts = ({ folder, targets, identity, knownHosts }: Fleet): string =>
  [
    '[all]',
    ...targets.map(
      ({ name, address, port, user }) => `${name} ansible_host=${address} ansible_port=${port} ansible_user=${user}`,
    ),
    '[all:vars]',
    `ansible_ssh_private_key_file=${identity}`,
    'ansible_python_interpreter=/usr/bin/python3',
    // It would take the home from /etc/passwd, which all targets share here.
    `ansible_remote_tmp=${folder}/targets/{{ansible_host}}/home/.ansible/tmp`,
    `ansible_ssh_common_args='-F /dev/null -o IdentitiesOnly=yes -o UserKnownHostsFile=${knownHosts} -o KexAlgorithms=curve25519-sha256'`,
    '',
  ].join('\n')
