/** Errors as pdsh(1) tells them. */
import { hostname } from 'node:os'
import { StokerError } from '../../../base/errors.ts'

/** What stands in front of all that pdsh says: `pdsh@here`. */
export const self = (): string => `pdsh@${hostname().replace(/\..*/, '')}`

const SUBJECT = 'pdsh'

/** What is wrong with the command line or a file, in whole lines without the last line feed; exit code 1. */
export const pdshError = (text: string, options?: { readonly cause?: unknown }): StokerError =>
  new StokerError('CONFIG', SUBJECT, text, options)

/** What standard error gets, without a line feed, and the exit code. */
export const pdshComplaint = (error: StokerError): { readonly text: string; readonly code: number } => {
  const { code, subject, message, detail } = error
  if (subject === SUBJECT) return { text: message, code: code === 'USAGE' ? 2 : 1 }
  return {
    text: `${self()}: ${message}${detail === undefined ? '' : ` (${detail})`}`,
    code: code === 'USAGE' ? 2 : 1,
  }
}
