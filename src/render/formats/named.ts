/** named.conf of BIND and nsd.conf of NSD: keywords of the template's author, texts in quotes. Pure. */
import { shown } from '../../base/names.ts'
import type { Format } from '../../template/template.ts'
import { oneLine, textOf, token, WORDS } from './words.ts'

const bare = token(/^[A-Za-z0-9:][\w.:-]{0,254}$/, 'this file; write {{quoted ...}}')

/** A text in quotes. The two readers agree on no way to write a quote or a backslash in it, so there is none. */
const quoted = (value: unknown): string => {
  const text = oneLine(textOf(value))
  if (/["\\]/.test(text)) throw new Error(`${shown(text)} has a quote or a backslash`)
  return `"${text}"`
}

export const NAMED: Format = { escape: bare, helpers: { ...WORDS, quoted } }
