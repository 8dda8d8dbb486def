/** The shape of `stoker.yaml`, key by key. */
import * as z from 'zod'
import { parseAge, parseDuration } from '../base/duration.ts'
import { isBecomeUser, isLoginUser } from '../base/names.ts'
import { BECOME_METHODS } from '../connection/become/script.ts'
import { CONNECTION_KINDS } from '../connection/choose.ts'
import { PROBLEM_KINDS, type Verdict } from '../render/data/problem.ts'
import { mapping, text, texts } from './shape.ts'

const word = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'expected a plain word: letters, digits, _ . -')

const time = (parse: (input: string | number) => number) =>
  z.union([z.number(), z.string()], { error: 'expected a time' }).transform((input, context) => {
    try {
      return parse(input)
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as TypeError).message })
      return z.NEVER
    }
  })

const duration = time(parseDuration)
const age = time(parseAge)

const user = z.string().refine(isLoginUser, 'expected a user name')

/** Warehouse entries keep all further keys: they are the options of that kind. */
const warehouse = z.looseObject({
  kind: text,
  name: word.optional(),
  cache: age.optional(),
  keep: age.optional(),
})

const argument = z.union([z.string(), z.record(z.string(), z.unknown())], {
  error: 'expected text, or a mapping of options',
})

/** `20%`, or the same as a number from 0 to 1; as a fraction. */
const share = z
  .union([z.number(), z.string()], { error: 'expected a share such as 20%' })
  .transform(input => (/^\d+(\.\d+)?%$/.test(String(input)) ? Number.parseFloat(String(input)) / 100 : Number(input)))
  .refine(fraction => fraction >= 0 && fraction <= 1, 'expected a share from 0% to 100%')

const verdict = z.enum(['error', 'skip', 'warn'] satisfies readonly Verdict[])

/** Entries keep all further keys: they are the settings of that service. */
const render = z.looseObject({
  service: word.optional(),
  warehouses: texts.optional(),
  deadline: duration.refine(time => time > 0, 'expected a time above 0').optional(),
  'max-shrink': share.optional(),
  // Only `false` is ours; some services have commands there.
  check: z.unknown().optional(),
  templates: z.record(z.string(), text).optional(),
  problems: mapping(Object.fromEntries(PROBLEM_KINDS.map(kind => [kind, verdict.optional()]))).optional(),
})

/** A network as warehouses give it; what its values mean is looked at where theirs is. */
const network = mapping({
  name: text,
  address: text,
  routers: texts.optional(),
  dns: texts.optional(),
  domain: text.optional(),
  ranges: texts.optional(),
  'lease-time': duration.optional(),
  boot: mapping({ file: text.optional(), 'next-server': text.optional() }).optional(),
  shared: text.optional(),
  options: texts.optional(),
})

/** A part of which all is commented out counts as left out. */
export const configSchema = mapping({
  warehouses: z.array(warehouse).min(1, 'is empty; leave it out to take host names as they are').nullish(),
  actors: z.record(word, text).nullish(),
  actions: z.record(word, mapping({ actor: word, argument: argument.optional() })).nullish(),
  defaults: mapping({
    fanout: z.int().min(1, 'expected 1 or more').optional(),
    'connect-timeout': duration.optional(),
    'command-timeout': duration.optional(),
    'connect-rate': z.number().min(0, 'expected 0 (no limit) or more').optional(),
    'per-bastion': z.int().min(0, 'expected 0 (no limit) or more').optional(),
    confirm: z.int().min(0, 'expected 0 (always asked) or more').optional(),
    user: user.optional(),
  }).nullish(),
  become: mapping({
    user: z.string().refine(isBecomeUser, 'expected a user name').optional(),
    method: z.enum(BECOME_METHODS).optional(),
    'password-file': text.optional(),
    'password-command': z.array(text).min(1, 'is empty').optional(),
  })
    .refine(
      entry => entry['password-file'] === undefined || entry['password-command'] === undefined,
      'has both password-file and password-command; one of them is enough',
    )
    .nullish(),
  networks: z.array(network).nullish(),
  // A service with nothing to set is named alone: `hosts:`.
  render: z.record(word, render.nullable()).nullish(),
  ssh: mapping({
    connection: z.enum(CONNECTION_KINDS).optional(),
    openssh: texts.optional(),
    'host-keys': z.enum(['strict', 'accept-new']).optional(),
    config: text.optional(),
    'known-hosts': texts.optional(),
    identity: texts.optional(),
  }).nullish(),
})
