/**
 * Ansible, told to do the least: its `raw` module runs the command through ssh and nothing else, while its other modules
 * start a Python on each target. Connections are not shared, as there is one command only, and what a shared one costs would
 * not be counted: it goes on when Ansible has ended.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { placeOf, sshOptions, type Tool, type Work } from './work.ts'

export const ansible: Tool = {
  name: 'ansible',
  program: 'ansible',
  debianPackage: 'ansible-core',
  exchanges: ['curve25519'],
  limit: { targets: 200, why: 'it forks a Python process for each target of the window' },
  run: work => ({
    argv: [
      ...(['ansible', 'all', '-i', inventory(work), '-f', `${work.fanout}`] as const),
      ...['-m', 'raw', '-a', work.command, '--one-line', '-T', '120'],
    ],
    env: {
      LC_ALL: 'C.UTF-8',
      ANSIBLE_CONFIG: settings(work),
      ANSIBLE_HOME: join(work.fleet.folder, 'ansible'),
      ANSIBLE_SSH_ARGS: '-o ControlMaster=no',
    },
    lines: work.targets,
  }),
}

const inventory = (work: Work): string => {
  const { fleet, targets, exchange } = work
  const { port, user } = placeOf(fleet)
  const lines = [
    '[all]',
    ...fleet.targets.slice(0, targets).map(({ address }) => address),
    '[all:vars]',
    `ansible_port=${port}`,
    `ansible_user=${user}`,
    `ansible_ssh_common_args='${sshOptions(work)}'`,
    '',
  ]
  return written(work, `ansible-${targets}-${exchange}.ini`, lines.join('\n'))
}

/** Nobody's settings. */
const settings = (work: Work): string => written(work, 'ansible.cfg', '')

const written = ({ fleet }: Work, name: string, text: string): string => {
  const file = join(fleet.folder, name)
  writeFileSync(file, text)
  return file
}
