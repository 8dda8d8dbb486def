/** Errors as dshbak(1) tells them. */
import { type ErrorCode, StokerError } from '../../../base/errors.ts'

/** In whole lines, without the last line feed. */
export const dshbakError = (code: ErrorCode & ('USAGE' | 'CONFIG'), text: string, cause?: unknown): StokerError =>
  new StokerError(code, 'dshbak', text, { cause })

/** What standard error gets, without a line feed, and the exit code: a wrong flag shows the help, and is no failure to dshbak. */
export const dshbakComplaint = ({
  code,
  subject,
  message,
}: StokerError): { readonly text: string; readonly code: number } => ({
  text: subject === 'dshbak' ? message : `dshbak: Fatal: ${message}`,
  code: code === 'USAGE' && subject === 'dshbak' ? 0 : 1,
})
