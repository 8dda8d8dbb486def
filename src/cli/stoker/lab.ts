/** The command which starts a lab. */
import type { Command } from 'commander'
import type { Done } from '../options/shared.ts'
import { wholeNumber } from '../options/values.ts'

export const addLab = (program: Command, done: Done): void => {
  program
    .command('lab')
    .description('start throw-away SSH targets on loopback, to try things on')
    .argument('[command...]', 'run this command with the lab as its configuration, then stop the lab')
    .option('-c, --count <n>', 'how many targets', wholeNumber, 16)
    .option('--dir <folder>', 'keep the files of the lab there')
    .action(async (command: readonly string[], flags) => {
      const { lab } = await import('../../commands/lab.ts')
      using end = onEnd(command.length === 0)
      done(
        await lab({ ...flags, command }, { signal: end.signal, stdout: process.stdout, entry: process.argv[1] ?? '' }),
      )
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
