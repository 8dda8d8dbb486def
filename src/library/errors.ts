/** `@stoker-pulley/stoker/errors`: what went wrong, with a code. */
export { type ErrorCode, StokerError } from '../base/errors.ts'
