/** What the commands of `pulley` work with. */
import type { Command } from 'commander'
import type { Abortable } from '../../base/abortable.ts'
import type { Administered } from '../../pulley/client/admin.ts'
import type { SetExitCode } from '../new-program.ts'
import { valueOption, withDefaultText } from '../options/option.ts'

export interface PulleyContext {
  readonly program: Command
  readonly io: Abortable
  readonly setExitCode: SetExitCode
  /** The folder with the keys of VOs. */
  keysFolder(): Promise<string>
  /** Runs a command on one VO, with its key. */
  administer(options: VoOptions, command: (vo: Administered) => Promise<number>): Promise<void>
}

/** Which VO, and by which key. */
export interface VoOptions {
  readonly vo?: string
  readonly key?: string
}

/** The virtual organisation of a command. */
export const VO = valueOption('--vo <name>', 'name the virtual organisation')

/** A command on one VO. */
export const withVo = (command: Command): Command =>
  command
    .addOption(withDefaultText(VO, 'the only one whose key is here'))
    .option('--key <file>', 'use this private key of the VO, where it is not in the folder of keys')

export const pulleyContext = (program: Command, setExitCode: SetExitCode, io: Abortable): PulleyContext => {
  const keysFolder = async (): Promise<string> => {
    const { keysFolder } = await import('../../pulley/client/admin.ts')
    return keysFolder(program.opts().keys, process.env)
  }
  return {
    ...{ program, io, setExitCode, keysFolder },
    async administer({ vo, key }, command) {
      const { administer, onlyVo } = await import('../../pulley/client/admin.ts')
      const folder = await keysFolder()
      await using administered = await administer(vo ?? (await onlyVo(folder)), folder, key)
      setExitCode(await command(administered))
    },
  }
}
