/** `@stoker-pulley/stoker/convergent`: all that the author of an actor for policies needs beside `errors`. */
export type { Abortable } from '../base/abortable.ts'
export { quote } from '../base/quote.ts'
export type { OptionsSchema } from '../config/options-schema.ts'
export type { FileAttributes } from '../connection/connection.ts'
export { bytesOf, type Content, contentOf } from '../converge/content.ts'
export type {
  Change,
  Convergent,
  Materials,
  Plan,
  ProbeOptions,
  ProbeResult,
  Step,
  TextChange,
} from '../converge/convergent.ts'
export { convergent } from '../converge/convergent-actor.ts'
export type { Actor } from '../run/actor.ts'
export { type Option, option, options } from '../run/option.ts'
