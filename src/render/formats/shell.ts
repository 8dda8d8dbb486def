/** POSIX shell: `{{name}}` is one word, whatever is in it. Pure. */
import { quote } from '../../base/quote.ts'
import type { Format } from '../../template/template.ts'
import { WORDS } from './words.ts'

export const SHELL: Format = { escape: quote, helpers: WORDS }
