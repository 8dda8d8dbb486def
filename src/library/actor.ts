/** `@stoker-pulley/stoker/actor`: all that the author of an actor needs beside `errors`. */
export type { Abortable } from '../base/abortable.ts'
export { quote, quoteForAnyShell } from '../base/quote.ts'
export type { Command, Connection, Exit, FileAttributes, Output } from '../connection/connection.ts'
export type { Content } from '../converge/content.ts'
export type { Materials } from '../converge/convergent.ts'
export type { Provenance, Target } from '../inventory/target.ts'
export type { Actor, Job } from '../run/actor.ts'
export { type Outcome, outcomeOfExit } from '../run/outcome.ts'
