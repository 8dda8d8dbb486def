/** `pdsh -q` and `-Q`: the settings and the hosts. Pure, but for who one is. */
import { userInfo } from 'node:os'
import { foldHosts } from './host-list.ts'
import type { PdshOptions } from './options.ts'

export const infoText = (options: PdshOptions, names: readonly string[], program: string): string => {
  const { username, uid } = userInfo()
  const yes = (is: boolean) => (is ? 'Yes' : 'No')
  return `${[
    '-- DSH-specific options --',
    'Separate stderr/stdout\tYes',
    `Path prepended to cmd\t${options.path === undefined ? 'none' : `PATH=${options.path};`}`,
    'Appended to cmd         none',
    `Command:\t\t${options.words.length === 0 ? 'none' : options.words.join(' ')}`,
    `Full program pathname\t${program}`,
    `Remote program path\t${program}`,
    '',
    '-- Generic options --',
    `Local username\t\t${username}`,
    `Local uid     \t\t${uid}`,
    `Remote username\t\t${options.user ?? username}`,
    `Rcmd type\t\t${options.rcmd}`,
    `one ^C will kill pdsh   ${yes(options.batch)}`,
    `Connect timeout (secs)\t${options.connectTimeout}`,
    `Command timeout (secs)\t${options.commandTimeout}`,
    `Fanout\t\t\t${options.fanout}`,
    `Display hostname labels\t${yes(options.labels)}`,
    `Debugging       \t${yes(options.debug)}`,
    '',
    '-- Target nodes --',
    options.info === 'expanded' ? names.join(',') : foldHosts(names),
  ].join('\n')}\n`
}
