/** Errors as clush(1) tells them. */
import { StokerError } from '../../../base/errors.ts'

const SUBJECT = 'clush'

/** A wrong command line, as optparse tells it; exit code 2. */
export const usageError = (problem: string): StokerError =>
  new StokerError('USAGE', SUBJECT, `Usage: clush [options] command\n\nclush: error: ${problem}`)

/** A setting or a file which cannot be; exit code 1. */
export const settingError = (problem: string, options?: { readonly cause?: unknown }): StokerError =>
  new StokerError('CONFIG', SUBJECT, `ERROR: ${problem}`, options)

/** What standard error gets, without a line feed, and the exit code. */
export const clushComplaint = (error: StokerError): { readonly text: string; readonly code: number } => {
  const { code, subject, message, detail } = error
  const told = `${message}${detail === undefined ? '' : ` (${detail})`}`
  if (subject === SUBJECT) return { text: told, code: code === 'USAGE' ? 2 : 1 }
  const kind = code === 'EXPRESSION' ? 'Parse error: ' : ''
  return { text: `clush: ${kind}${told}`, code: code === 'USAGE' ? 2 : 1 }
}
