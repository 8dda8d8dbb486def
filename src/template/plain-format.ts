/** Templates for files without a grammar of ours: values stand as they are. Pure. */
import { quote } from '../base/quote.ts'
import { compileTemplate, PLAIN, type Template } from './template.ts'

/** A template for files of any kind: values stand as they are, or with `{{quote value}}` as one word of a shell's line. */
export const compileSource = (name: string, text: string): Template => compileTemplate(name, text, FORMAT)

const FORMAT = { ...PLAIN, helpers: { quote: (value: unknown) => quote(String(value)) } }
