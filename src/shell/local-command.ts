/** A command of the shell which runs on this machine, with the shell's own terminal. */
import { spawn } from 'node:child_process'
import { StokerError } from '../base/errors.ts'

/**
 * Runs the line with the user's own shell; returns the exit code, 1 for one that was ended by a signal. Ctrl-C reaches it
 * from the terminal. With `terminal` it has our standard input, else none: in a script, that is the script.
 */
export const runLocally = (line: string, { terminal }: { readonly terminal: boolean }): Promise<number> =>
  new Promise((resolve, reject) => {
    const shell = process.env.SHELL || '/bin/sh'
    const child = spawn(shell, ['-c', line], { stdio: [terminal ? 'inherit' : 'ignore', 'inherit', 'inherit'] })
    child.once('exit', code => resolve(code ?? 1))
    child.once('error', cause =>
      reject(new StokerError('USAGE', shell, `cannot run it with ${shell}: ${cause.message}`, { cause })),
    )
  })
