/** YAML, 1.1 as well as 1.2: `{{name}}` is one scalar, `{{flow x}}` any value on one line. Pure. */
import type { Format } from '../../template/template.ts'
import { WORDS } from './words.ts'

/** What is text without quotes, whoever reads it: no number, no date, no truth value. */
const PLAIN = /^[A-Za-z_][\w.-]*$/
const RESERVED = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i

/** One text as a scalar: plain where that is safe, else in double quotes as JSON has them, which YAML reads the same. */
const scalar = (value: string): string => {
  if (PLAIN.test(value) && !RESERVED.test(value)) return value
  return inQuotes(value)
}

/** What YAML does not call printable (1.2 section 5.1) has to be written as an escape. */
const inQuotes = (value: string): string =>
  JSON.stringify(value.toWellFormed()).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const flow =
  (text: (value: string) => string) =>
  (value: unknown): string => {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return `[${value.map(flow(text)).join(', ')}]`
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).filter(([, one]) => one !== undefined)
      return `{${entries.map(([key, one]) => `${scalar(key)}: ${flow(text)(one)}`).join(', ')}}`
    }
    return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  }

export const YAML: Format = { escape: scalar, helpers: { ...WORDS, flow: flow(scalar) } }

/** Jinja, which Ansible runs on the values of an inventory, on the machine which reads it. */
const JINJA = /\{[{%#]/

const unsafe = (value: string): string => (JINJA.test(value) ? `!unsafe ${inQuotes(value)}` : scalar(value))

/** YAML for Ansible: a value which Jinja would run is marked as `!unsafe`, and is text. */
export const ANSIBLE: Format = { escape: unsafe, helpers: { ...WORDS, flow: flow(unsafe) } }
