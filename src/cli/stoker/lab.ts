/** The command which starts a lab. */
import type { Command } from 'commander'
import type { SetExitCode } from '../new-program.ts'
import { formerly, valueOption, withDefault } from '../options/option.ts'
import { wholeNumber } from '../options/values.ts'

export const addLab = (program: Command, setExitCode: SetExitCode): void => {
  const size = withDefault(valueOption('--size <n>', 'start this many targets, 1 to 1000', wholeNumber(1)), '16')
  program
    .command('lab')
    .description('start throw-away SSH targets on loopback, to try things on')
    .argument('[command...]', 'run this command with the lab as its configuration, then stop the lab')
    .addOption(size)
    .addOption(formerly('-c, --count <n>', size))
    .option('--dir <folder>', 'keep the files of the lab in this folder')
    .action(async (command: readonly string[], { size: count, ...options }) => {
      const { lab } = await import('../../commands/lab.ts')
      using end = onEnd(command.length === 0)
      const io = { signal: end.signal, stdout: process.stdout, entry: process.argv[1] ?? '' }
      setExitCode(await lab({ ...options, count, command }, io))
    })
}

/** Ends on SIGTERM, and on Ctrl-C unless that is for the command which runs in the foreground. */
const onEnd = (interruptible: boolean): Disposable & { readonly signal: AbortSignal } => {
  const abort = new AbortController()
  const stop = () => abort.abort()
  const leave = () => {}
  process.on('SIGTERM', stop).on('SIGINT', interruptible ? stop : leave)
  return {
    signal: abort.signal,
    [Symbol.dispose]: () => void process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGINT', leave),
  }
}
