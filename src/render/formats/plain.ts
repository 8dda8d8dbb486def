/** Files without a grammar of ours: a value stays on its line. Pure. */
import type { Format } from '../../template/template.ts'
import { oneLine, WORDS } from './words.ts'

export const LINES: Format = { escape: oneLine, helpers: WORDS }
