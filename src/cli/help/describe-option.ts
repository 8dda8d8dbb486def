/** What help, manual and completion say of options and arguments. Pure. */

/** As much of commander's `Argument` as is looked at. */
export interface ArgumentLike {
  readonly description: string
  readonly argChoices?: readonly string[]
}

/** As much of commander's `Option` as is looked at. */
export interface OptionLike extends ArgumentLike {
  readonly flags: string
  readonly short?: string | undefined
  readonly long?: string | undefined
  readonly required: boolean
  readonly optional: boolean
  readonly defaultValue?: unknown
  readonly defaultValueDescription?: string
}

/** The description with the words to choose from and the default: `show this (a, b; default: a)`. */
export const describeOption = ({ description, argChoices = [], ...option }: OptionLike): string => {
  const fallback = defaultText(option)
  return remarked(description, [
    ...choicesText(argChoices),
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
  ])
}

/** The description with the words to choose from. */
export const describeArgument = ({ description, argChoices = [] }: ArgumentLike): string =>
  remarked(description, choicesText(argChoices))

/** The text with remarks in the parentheses at its end: `this (a; b)`. */
export const remarked = (text: string, remarks: readonly string[]): string => {
  if (remarks.length === 0) return text
  return text.endsWith(')') ? `${text.slice(0, -1)}; ${remarks.join('; ')})` : `${text} (${remarks.join('; ')})`
}

const choicesText = (choices: readonly string[]): readonly string[] => (choices.length > 0 ? [choices.join(', ')] : [])

/** What counts without the option, as a person would type it; `undefined` where that goes without saying. */
const defaultText = ({
  defaultValue,
  defaultValueDescription,
}: Pick<OptionLike, 'defaultValue' | 'defaultValueDescription'>): string | undefined => {
  if (defaultValueDescription !== undefined) return defaultValueDescription
  const isNothing = defaultValue === undefined || defaultValue === '' || typeof defaultValue === 'boolean'
  return isNothing || (Array.isArray(defaultValue) && defaultValue.length === 0) ? undefined : String(defaultValue)
}
