/**
 * What the user's ssh_config says about a host. The parts of ssh_config(5) which set where to connect, as whom, with which
 * keys and which host keys; `ssh -G` gives the same answers. Nothing in a configuration is ever executed.
 */
import { join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { evaluate } from './evaluate.ts'
import { linesBlock, readBlocks } from './files.ts'
import type { SourceLocation } from './line.ts'
import { localUser } from './local-user.ts'
import { type HostSettings, settle } from './settings.ts'

export type { AlgorithmList, Jump, NotFollowed } from './draft.ts'
export type { HostSettings } from './settings.ts'

export interface SshConfig {
  /** The settings of a host; `user` comes before what the files say. Throws `CONFIG` when a value cannot be expanded. */
  lookup(name: string, user?: string): HostSettings
}

export interface SshConfigOptions {
  /** Lines which come before those of the files, for every host: what a command line says. */
  readonly lines?: readonly string[]
  /** Default: `~/.ssh/config`. */
  readonly userFile?: string
  /** Default: `/etc/ssh/ssh_config`. */
  readonly systemFile?: string
  /** Where `~` points. Default: the home folder in the password database; like ssh, `$HOME` does not count. */
  readonly home?: string
  /** For `${NAME}` and `SSH_AUTH_SOCK`. Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Told once about each thing in the files which is taken for something else than what it says. */
  readonly warn: (text: string) => void
}

/** Reads the user's configuration, then the system's. Absent files are empty ones; throws `CONFIG` with file and line. */
export const loadSshConfig = async (options: SshConfigOptions, io: Abortable): Promise<SshConfig> => {
  io.signal.throwIfAborted()
  const user = localUser()
  const local = { ...user, home: options.home ?? user.home }
  const folder = join(local.home, '.ssh')
  const { userFile = join(folder, 'config'), systemFile = '/etc/ssh/ssh_config', env = process.env, warn } = options
  const { home } = local
  const blocks = [
    linesBlock(options.lines ?? []),
    ...(await readBlocks(userFile, { kind: 'user', folder, home, warn }, io)),
    ...(await readBlocks(systemFile, { kind: 'system', folder: '/etc/ssh', home, warn }, io)),
  ]
  const told = new Set<string>()
  const warnOnce = ({ file, line }: SourceLocation, text: string): void => {
    const whole = `${file}:${line}: ${text}`
    if (told.has(whole)) return
    told.add(whole)
    warn(whole)
  }
  return {
    lookup: (name, user) => settle(evaluate(blocks, name, user, local.user), name, { ...local, env }, warnOnce),
  }
}
