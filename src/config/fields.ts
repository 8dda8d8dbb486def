/** Values which many schemas have in common: options of actors, settings of renders. Texts of a command line fit, too. */
import * as z from 'zod'
import { type Mode, parseModeChanges } from './file-mode.ts'

/** `true`, `yes`, `on`, `1` and their opposites, or the boolean itself. */
export const truth = z.union(
  [
    z.boolean(),
    z
      .enum(['true', 'yes', 'on', '1', 'false', 'no', 'off', '0'])
      .transform(word => ['true', 'yes', 'on', '1'].includes(word)),
  ],
  { error: 'expected true or false' },
)

/** A list of texts, or one text with commas. */
export const wordList = z
  .union([z.array(z.string()), z.string().transform(text => text.split(',').map(word => word.trim()))], {
    error: 'expected a text, or a list of texts',
  })
  .refine(list => list.length > 0 && list.every(word => word !== ''), 'holds an empty text')

/** Permission bits as three or four octal digits, in quotes or not: `0644`. YAML reads 0644 as 644, and so do we. */
export const fileMode = z
  .union([z.int().nonnegative().transform(String), z.string()], { error: 'expected permission bits such as "0644"' })
  .refine(text => /^[0-7]{3,4}$/.test(text), 'expected permission bits: three or four octal digits, such as "0644"')
  .transform(text => Number.parseInt(text, 8))

/** The same, or how to change those which are there: `u+x`, `go-w,a+rX`. */
export const fileModeOrChange = z
  .union([z.int().nonnegative().transform(String), z.string()], { error: 'expected permission bits such as "0644"' })
  .transform((text, context): Mode => {
    const mode = /^[0-7]{3,4}$/.test(text) ? Number.parseInt(text, 8) : parseModeChanges(text)
    if (mode !== undefined) return mode
    const message =
      'expected permission bits: three or four octal digits, such as "0644", or changes as chmod takes them, such as u+x,go-w'
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

/** An absolute path of the target; slashes at its end and double ones go. */
export const absolutePath = z
  .string()
  .refine(text => text.startsWith('/'), 'expected an absolute path, such as /etc/motd')
  .refine(text => !text.includes('\0'), 'a path cannot hold a NUL byte')
  .transform(text => text.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1'))

/** A user or group of the target, by name or by number. */
export const accountName = z
  .union([z.int().nonnegative().transform(String), z.string()], { error: 'expected a name or a number' })
  .refine(text => /^[^\s:/-][^:/\p{Cc}]*$/u.test(text), 'expected the name of a user or group, or a number')

/** A whole number, or its digits. */
export const wholeNumber = (least: number, most: number) => {
  const error = `expected a whole number from ${least} to ${most}`
  return z
    .union([z.number(), z.string().regex(/^\d+$/, error).transform(Number)], { error })
    .pipe(z.int(error).min(least, error).max(most, error))
}
