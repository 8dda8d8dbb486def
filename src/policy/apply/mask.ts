/** Keeps secrets out of everything that is shown, kept or sent on. Pure. */

import { StokerError } from '../../base/errors.ts'
import { quote } from '../../base/quote.ts'
import type { Output } from '../../connection/connection.ts'
import type { ResourceResult } from '../../run/event.ts'

/** What stands where a secret was. */
export const MASK = '********'

export interface Mask {
  text(text: string): string
  error(error: StokerError): StokerError
  resource(result: ResourceResult): ResourceResult
  /** For one target's output: a secret may arrive in two pieces. */
  stream(): MaskStream
}

export interface MaskStream {
  /** What can be shown by now; `undefined` when all of it may be the beginning of a secret. */
  push(output: Output): Output | undefined
  /** What was held back. */
  end(): readonly Output[]
}

/** Lines of a long secret which are hidden by themselves, as in a diff; shorter ones are in every text. */
const SHORTEST_LINE = 8

/** Hides these values, as they are and as quoting for JSON or a shell writes them; of those with several lines also each line. */
export const maskOf = (secrets: Iterable<string>): Mask => {
  const hidden = new Set<string>()
  for (const secret of secrets) {
    const lines = secret.split(/\r?\n/).filter(line => line.length >= SHORTEST_LINE)
    for (const value of [secret, ...lines])
      for (const form of [value, JSON.stringify(value).slice(1, -1), shellForm(value)])
        if (form !== '') hidden.add(form)
  }
  // The longest first: what is part of another must not leave the other's rest.
  const forms = [...hidden].sort((a, b) => b.length - a.length)
  const pattern = patternOf(forms)
  const text: Mask['text'] = pattern ? text => text.replaceAll(pattern, MASK) : text => text
  const mask: Mask = {
    text,
    error: error => {
      const { code, subject, message, detail } = error
      const [maskedSubject, maskedMessage, maskedDetail] = [subject, message, detail ?? ''].map(text)
      if (maskedSubject === subject && maskedMessage === message && maskedDetail === (detail ?? '')) return error
      // Without the cause, whose message says the same unmasked.
      return new StokerError(code, maskedSubject ?? '', maskedMessage ?? '', {
        detail: detail === undefined ? undefined : maskedDetail,
      })
    },
    resource: result => ({
      ...result,
      resource: text(result.resource),
      changes: result.changes.map(change => ({
        what: text(change.what),
        ...(change.diff !== undefined && { diff: text(change.diff) }),
      })),
      ...(result.detail !== undefined && { detail: text(result.detail) }),
      ...(result.error !== undefined && { error: mask.error(result.error) }),
    }),
    stream: () => streamOf(forms.map(form => Buffer.from(form).toString('latin1'))),
  }
  return mask
}

const patternOf = (forms: readonly string[]): RegExp | undefined =>
  forms.length === 0
    ? undefined
    : new RegExp(forms.map(form => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')

const shellForm = (value: string): string => (value.includes('\0') ? '' : quote(value).replace(/^'(.*)'$/s, '$1'))

/** Bytes are handled as latin1, one character each: output need not be UTF-8. */
const streamOf = (forms: readonly string[]): MaskStream => {
  const pattern = patternOf(forms)
  const held = { stdout: '', stderr: '' }
  return {
    push(output) {
      if (!pattern) return output
      const { stream, data } = output
      const text = held[stream] + Buffer.from(data).toString('latin1')
      const end = certain(text, forms, pattern)
      held[stream] = text.slice(end)
      return end === 0 ? undefined : outputOf(stream, text.slice(0, end).replaceAll(pattern, MASK))
    },
    end: () =>
      (['stdout', 'stderr'] as const).flatMap(stream => {
        const rest = held[stream]
        held[stream] = ''
        return pattern && rest !== '' ? [outputOf(stream, rest.replaceAll(pattern, MASK))] : []
      }),
  }
}

const outputOf = (stream: Output['stream'], text: string): Output => ({ stream, data: Buffer.from(text, 'latin1') })

/** How much of the text can be shown: not its end which could begin a secret, and no secret which reaches into that end. */
const certain = (text: string, forms: readonly string[], pattern: RegExp): number => {
  let most = 0
  for (const form of forms)
    for (let length = Math.min(form.length - 1, text.length); length > most; length--)
      if (text.endsWith(form.slice(0, length))) most = length
  const end = text.length - most
  if (most === 0) return end
  for (const { index, 0: found } of text.matchAll(pattern)) if (index < end && index + found.length > end) return index
  return end
}
