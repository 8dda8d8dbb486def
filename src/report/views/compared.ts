/** One variant of output as it differs from what most targets say. */
import { isUtf8 } from 'node:buffer'
import { unifiedDiff } from '../../base/diff.ts'
import type { Gathered } from './gather.ts'

/** What some targets said, in order: standard output, standard error. */
export interface Variant {
  /** The targets' folded names. */
  readonly name: string
  readonly bodies: readonly Gathered[]
  /** The kind of outcome, with exit code or signal. */
  readonly end: string
}

/** What is compared; longer outputs are told apart by their names alone. */
const MAX_BYTES = 4 * 1024 * 1024

/** The differences as `diff -u` prints them, under the names of both; ends with a line feed. */
export const compared = async (most: Variant, variant: Variant): Promise<string> => {
  const header = `--- ${most.name}\n+++ ${variant.name}\n`
  const end =
    most.end === variant.end ? '' : `@@ ended otherwise: ${describeEnd(most.end)} -> ${describeEnd(variant.end)} @@\n`
  const [before, after] = [await textOf(most), await textOf(variant)]
  if (before === undefined || after === undefined) return `${header}${end}@@ too long to compare, or not text @@\n`
  // Its own header says the same name twice.
  return header + end + unifiedDiff('output', before, after).replace(/^.*\n.*\n/, '')
}

const describeEnd = (end: string): string => {
  const [kind, ...more] = end.split(' ').filter(word => word !== '')
  return more.length === 0 ? `${kind}` : `${kind} (${more.join(' ')})`
}

const textOf = async ({ bodies }: Variant): Promise<string | undefined> => {
  const parts: Uint8Array[] = []
  let size = 0
  for (const body of bodies) {
    for await (const bytes of body.read()) {
      size += bytes.length
      if (size > MAX_BYTES) return undefined
      parts.push(bytes)
    }
  }
  const whole = Buffer.concat(parts)
  return isUtf8(whole) ? whole.toString() : undefined
}
