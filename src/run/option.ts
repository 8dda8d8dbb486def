/** Options of convergent actors for authors who bring no schema library: what the built-in actors have, by names. */
import * as z from 'zod'
import { absolutePath, accountName, fileMode, truth, wholeNumber, wordList } from '../config/fields.ts'
import type { OptionsSchema } from '../config/options-schema.ts'
import { mapping } from '../config/shape.ts'

/** One option: what it may be, and as which `T` the actor gets it. Each method gives a new one. */
export interface Option<T> extends OptionsSchema<T> {
  /** It may be left out. */
  optional(): Option<T | undefined>
  /** What it is where it is left out. */
  default(value: T & {}): Option<T>
  /** One sentence for documentation. */
  describe(text: string): Option<T>
  /** Refuses what `fits` says no to, with this message. */
  refine(fits: (value: T) => boolean, message: string): Option<T>
}

/** The kinds of options. All but `list` take a text as a command line gives it, and what YAML has in its place. */
export const option = {
  /** Text which is not empty. */
  text: z.string().min(1, 'is empty') as Option<string>,
  /** An absolute path of the target. */
  path: absolutePath as Option<string>,
  /** Permission bits: `"0644"`. */
  mode: fileMode as Option<number>,
  /** A user or group of the target, by name or number. */
  account: accountName as Option<string>,
  /** `true`, `yes`, `on`, `1`, or their opposites. */
  truth: truth as Option<boolean>,
  /** A list of texts, or one text with commas. */
  list: wordList as Option<readonly string[]>,
  /** A whole number. */
  integer: (least: number, most: number): Option<number> => wholeNumber(least, most),
  /** One of these words. */
  oneOf: <W extends string>(...words: readonly [W, ...W[]]): Option<W> => z.enum(words),
} as const

/** Options by their names; a name which is not among them is refused, with the nearest that is. */
export const options = <S extends Readonly<Record<string, Option<unknown>>>>(
  shape: S,
): OptionsSchema<{ readonly [K in keyof S]: S[K] extends Option<infer T> ? T : never }> =>
  mapping(shape as unknown as z.core.$ZodShape) as never
