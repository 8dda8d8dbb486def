/** Who writes a journal: one without an end may be of a run which still goes on. */
import { fateOf, pidOf, processId, startOf } from '../base/process-identity.ts'

/** This process; empty where there is no /proc, and it could not be told from a later one. */
export const currentAuthor = (): string => (startOf(process.pid) === undefined ? '' : processId())

/** The number of the process when that one still lives; `undefined` also when it belongs to another machine. */
export const isAlive = (author = ''): number | undefined => (fateOf(author) === 'running' ? pidOf(author) : undefined)
