/**
 * The options which a run leaves in the journal for the next one. A view is chosen anew each time, and a secret is asked for
 * again: neither is here.
 */
import * as z from 'zod'
import { StokerError } from '../../base/errors.ts'
import { parseShape } from '../../config/shape.ts'
import { BECOME_METHODS } from '../../connection/become/script.ts'
import { CONNECTION_KINDS } from '../../connection/choose.ts'

const amount = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('count'), count: z.number() }),
  z.object({ kind: z.literal('share'), percent: z.number() }),
])

const text = z.string().exactOptional()
const texts = z.array(z.string()).exactOptional()
const number = z.number().exactOptional()
const flag = z.boolean().exactOptional()

/** How targets are reached, and how many at a time. */
const reach = {
  ...{ config: text, user: text, identity: texts },
  ...{ fanout: number, connectTimeout: number, commandTimeout: number, connectRate: number, perBastion: number },
  hostKeys: z.enum(['strict', 'accept-new']).exactOptional(),
  connection: z.enum(CONNECTION_KINDS).exactOptional(),
  ...{ sshOptions: texts, sshConfig: text },
}

/** As whom it acts. */
const become = {
  become: z.union([z.boolean(), z.string()]).exactOptional(),
  becomeMethod: z.enum(BECOME_METHODS).exactOptional(),
  ...{ becomePasswordFile: text, askBecomePass: flag },
}

/** How it goes on from target to target. */
const rolling = { serial: z.array(amount).exactOptional(), maxFail: amount.exactOptional(), retry: number, lock: flag }

const schemas = {
  /** `run`: its targets are kept themselves. */
  run: z.object({ ...reach, ...become, ...rolling }),
  /** `apply`: the names in the policy are resolved again. */
  apply: z.object({
    ...reach,
    ...become,
    ...rolling,
    exclude: texts,
    allowUnknown: flag,
    tags: texts,
    skipTags: texts,
  }),
  /** A line of `shell`, which is run again by `run`. */
  shell: z.object({ ...reach, ...become }),
}

export type KeptFlags<C extends keyof typeof schemas> = z.output<(typeof schemas)[C]>

/** Of all options those which are kept. Throws `USAGE` for what a journal has which is no such option's value. */
export const keptFlags = <C extends keyof typeof schemas>(command: C, flags: object): KeptFlags<C> => {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
  return parseShape<unknown>(schemas[command], given, ({ path, message }) => {
    const option = path.join('.')
    return new StokerError('USAGE', option, `option ${option} of the earlier run: ${message}`)
  }) as KeptFlags<C>
}
