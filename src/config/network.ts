/** A network as people write it in YAML. What its values mean is looked at where those of all networks are. */
import * as z from 'zod'
import { parseAge } from '../base/duration.ts'
import type { NetworkFacts } from '../inventory/warehouse.ts'
import { mapping, text, texts } from './shape.ts'

const leaseTime = z.union([z.number(), z.string()], { error: 'expected a time' }).transform((input, context) => {
  try {
    return Math.round(parseAge(input) / 1000)
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: (thrown as TypeError).message })
    return z.NEVER
  }
})

export const networkShape = mapping({
  name: text,
  address: text,
  routers: texts.optional(),
  dns: texts.optional(),
  domain: text.optional(),
  ranges: texts.optional(),
  'lease-time': leaseTime.optional(),
  boot: mapping({ file: text.optional(), 'next-server': text.optional() }).optional(),
  shared: text.optional(),
  options: texts.optional(),
})

/** `id`: the place in the file, so that messages say where to look. */
export const networkFacts = (
  { 'lease-time': seconds, boot, ...facts }: z.output<typeof networkShape>,
  id: string,
): NetworkFacts =>
  withoutAbsent({
    ...facts,
    id,
    leaseTime: seconds,
    boot: boot && withoutAbsent({ file: boot.file, nextServer: boot['next-server'] }),
  }) as unknown as NetworkFacts

const withoutAbsent = (object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
