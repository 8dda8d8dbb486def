/** Options as both programs declare them: with a parser, a default as people write it, and names they had before. */
import { Option } from 'commander'
import { remarked } from '../help/describe-option.ts'
import { collect, type ValueParser } from './values.ts'

/** An option with a value. */
export const valueOption = <T>(flags: string, description: string, parse: ValueParser<T> = String as never): Option =>
  new Option(flags, description).argParser(parse)

/** An option which may be given several times; its value is a list, empty when it is not given. */
export const listOption = <T>(
  flags: string,
  description: string,
  parse: ValueParser<T> = String as never,
  most?: number,
): Option => new Option(flags, remarked(description, ['may be repeated'])).argParser(collect(parse, most)).default([])

/** An option with one of these words. */
export const choiceOption = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices(choices)

/** A copy which has this value unless another is given; the text is what a person would type. */
export const withDefault = (option: Option, text: string): Option => {
  const copy = copyOf(option)
  return copy.default(copy.parseArg ? copy.parseArg(text, undefined as never) : text, text)
}

/** A copy which has to be given. */
export const required = (option: Option): Option => copyOf(option).default(undefined).makeOptionMandatory()

/** A copy whose help tells a default which is not the option's own: the command or the configuration decides. */
export const withDefaultText = (option: Option, text: string): Option => copyOf(option).default(undefined, text)

/** A copy with a remark about this command's use of the option, shown in parentheses. */
export const withRemark = (option: Option, remark: string): Option => {
  const copy = copyOf(option)
  copy.description = remarked(copy.description, [remark])
  return copy
}

/** A name which the option had before: it works, and is in no help. `value`: what the old spelling stood for, if it had none. */
export const formerly = (flags: string, option: Option, value?: string): Option => {
  const former = new Option(flags, option.description).hideHelp()
  former.attributeName = () => option.attributeName()
  if (option.parseArg) former.argParser(option.parseArg)
  return value === undefined ? former : former.preset(value)
}

const copyOf = (option: Option): Option => Object.assign(new Option(option.flags, option.description), option)
