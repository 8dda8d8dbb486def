/** What the options of several warehouse kinds have in common. */
import * as z from 'zod'
import { parseDuration } from '../../src/base/duration.ts'
import { StokerError } from '../../src/base/errors.ts'

/** A span of time above zero (`0.5`, `5`, `2m`), in milliseconds. */
export const duration = z.union([z.number(), z.string()], { error: 'expected a time' }).transform((input, context) => {
  try {
    const time = parseDuration(input)
    if (time > 0) return time
    context.addIssue({ code: 'custom', message: 'expected a time above zero' })
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: thrown instanceof Error ? thrown.message : String(thrown) })
  }
  return z.NEVER
})

/** The error for an option, for what a schema cannot tell. */
export const badOption = (option: string, problem: string): StokerError =>
  new StokerError('CONFIG', option, `${option}: ${problem}`)

/** The error for an option which proves to be wrong when the warehouse is asked. */
export const unusableOption = (warehouse: string, option: string, problem: string, cause?: unknown): StokerError =>
  new StokerError('CONFIG', option, `warehouse ${warehouse}, option ${option}: ${problem}`, { cause })
