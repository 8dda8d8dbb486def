/** Keeps groups of accounts, with their numbers and members, or away. */
import * as z from 'zod'
import { truth, wordList } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Change } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence, userName } from '../common/options.ts'
import { CONVERGED } from '../files/text-file.ts'
import { idNumber, parseAccounts, probeAccounts } from './user/accounts.ts'

/** A list of names of users or groups, which may be empty: `members=` on a command line. */
export const nameList = z
  .union([z.literal('').transform((): string[] => []), z.array(z.string()).max(0), wordList])
  .pipe(z.array(userName))

const schema = mapping({
  name: userName.describe('The group: `www-admins`.'),
  gid: idNumber
    .optional()
    .describe('Its number. Default: the next free one; the number of a group which is there stays.'),
  system: truth
    .default(false)
    .describe(
      'Make it with a number from the range for the system’s own; without meaning for a group which is there. Default: false.',
    ),
  members: nameList
    .optional()
    .describe(
      'Whose supplementary group it is, exactly: `[alice, bob]`; an empty list means nobody. Default: left as it is.',
    ),
  append: truth.default(false).describe('Members which are not listed stay. Default: false.'),
  state: presence.describe(
    '`present` (default) or `absent`; the primary group of a user cannot be removed before the user is.',
  ),
})
type Options = z.output<typeof schema>

const run = (what: string, script: string): Change => ({ what, steps: [{ kind: 'run', script }] })

export const group = convergent<Options, Options>({
  name: 'group',
  summary: 'keep a group of accounts, or none',
  schema,
  subject: ({ name }) => name,
  desiredState: async options => options,
  probe: ({ name }) => probeAccounts('', [name]),
  plan({ name, gid, system, members, append, state }, result) {
    const { tools, groups } = parseAccounts(result)
    const found = groups.find(one => one.name === name)
    if (state === 'absent')
      return found ? { kind: 'change', changes: [run('remove', tools.removeGroup(name))] } : CONVERGED
    const present = found?.members ?? []
    const joining = (members ?? []).filter(member => !present.includes(member))
    const leaving = members && !append ? present.filter(member => !members.includes(member)) : []
    const changes = [
      ...(found ? [] : [run(gid === undefined ? 'add' : `add with number ${gid}`, tools.addGroup(name, gid, system))]),
      ...(found && gid !== undefined && found.gid !== gid
        ? [run(`number ${found.gid} -> ${gid}`, tools.changeGroup(name, gid))]
        : []),
      ...(joining.length > 0
        ? [run(`add ${joining.join(', ')}`, joining.map(member => tools.join(member, [name])).join(' && '))]
        : []),
      ...(leaving.length > 0
        ? [run(`remove ${leaving.join(', ')}`, leaving.map(member => tools.leave(member, [name])).join(' && '))]
        : []),
    ]
    return changes.length > 0 ? { kind: 'change', changes } : CONVERGED
  },
})
