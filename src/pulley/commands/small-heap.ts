/** A server which answers small requests all day: its heap shall not wait for garbage by the hundred megabytes. */
import process from 'node:process'

/**
 * By itself V8 lets the young part of a heap grow to about 100 MB before it looks through it. With this much, ten thousand
 * agents fit into some 230 MB instead of 370, and a poll costs a tenth more of CPU.
 */
const SEMI_SPACE = '--max-semi-space-size=8'

/** Begins this process anew with a small heap, where it has none: that can be said only at its start. */
export const withSmallHeap = (): void => {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  if (options.includes('--max-semi-space-size') || process.execve === undefined) return
  process.execve(process.execPath, [process.execPath, SEMI_SPACE, ...process.execArgv, ...process.argv.slice(1)])
}
