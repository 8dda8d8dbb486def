/** Options which many convergent actors have in common. */
import * as z from 'zod'

/** A JavaScript regular expression, in its Unicode mode: an escape which means nothing is an error. */
export const pattern = z.string().transform((source, context) => {
  try {
    return new RegExp(source, 'u')
  } catch (cause) {
    context.addIssue({
      code: 'custom',
      message: (cause as Error).message.replace(/^Invalid regular expression: /, 'is no regular expression: '),
    })
    return z.NEVER
  }
})

/** The same, or a word which stands for an end of the file. */
export const anchor = <W extends string>(word: W) =>
  z.string().transform((text, context) => {
    if (text === word) return word
    const parsed = pattern.safeParse(text)
    if (parsed.success) return parsed.data
    context.addIssue({ code: 'custom', message: parsed.error.issues[0]?.message ?? 'is no regular expression' })
    return z.NEVER
  })

export const presence = z.enum(['present', 'absent']).default('present')

/** A user's or group's name, as useradd(8) takes it and a little more; never a number, a path or an option. */
export const userName = z
  .string()
  .regex(/^[A-Za-z_][\w.-]*\$?$/, 'expected a name of letters, digits, dots, dashes and underscores, such as alice')
  .max(256, 'is too long')
