/** Keeps accounts of users, with all that belongs to them, or away. */
import * as z from 'zod'
import { quote } from '../../src/base/quote.ts'
import { absolutePath, accountName, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Change, Plan } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence, userName } from '../common/options.ts'
import { CONVERGED, impossible } from '../files/text-file.ts'
import { nameList } from './group.ts'
import { type ActualAccounts, idNumber, parseAccounts, probeAccounts } from './user/accounts.ts'
import type { Account } from './user/tools.ts'

const plainField = (text: string): boolean => !/[:\n\r\0]/.test(text)

const schema = mapping({
  name: userName.describe('The login name: `alice`.'),
  uid: idNumber.optional().describe('Its number. Default: the next free one; the number of a user who is there stays.'),
  group: accountName
    .optional()
    .describe(
      'The primary group, by name or number; it has to be there. Default: a group of the user’s own name where the target makes such groups.',
    ),
  groups: nameList
    .optional()
    .describe(
      'The supplementary groups, exactly: `[sudo, adm]`; an empty list means none. They have to be there. Default: left as they are.',
    ),
  append: truth.default(false).describe('Groups which are not listed stay. Default: false.'),
  home: absolutePath
    .refine(plainField, 'holds a colon or a line’s end')
    .optional()
    .describe(
      'The home folder. What is in an old one stays there. Default: /home/NAME; that of a user who is there stays.',
    ),
  'create-home': truth
    .optional()
    .describe(
      'Make the home folder, with the files of /etc/skel, when it is missing. Default: true, but false with `system`.',
    ),
  shell: absolutePath
    .refine(plainField, 'holds a colon or a line’s end')
    .optional()
    .describe('The login shell: `/bin/bash`. Default: the target’s own; that of a user who is there stays.'),
  comment: z
    .string()
    .refine(plainField, 'holds a colon or a line’s end')
    .optional()
    .describe('The person’s name, and what else stands in the fifth field. Default: left as it is.'),
  system: truth
    .default(false)
    .describe(
      'Make it with a number from the range for the system’s own; without meaning for a user who is there. Default: false.',
    ),
  password: z
    .string()
    .refine(
      text => /^[!*]*$|^!?\$[\w./$=,*+-]+$|^!?_[\w./]{19}$/.test(text) && text !== '',
      'expected a hash as crypt(5) makes it, such as "$6$..." (mkpasswd -m sha-512), or "*" for none',
    )
    .optional()
    .describe(
      'The hash of the password as it stands in /etc/shadow: `$6$...`, as `mkpasswd` and `openssl passwd -6` print it; `*`: no password fits. Never shown. Default: left as it is.',
    ),
  'keep-password': truth
    .default(false)
    .describe(
      'A password which somebody has set already stays: `password` is for accounts without one. Default: false.',
    ),
  locked: truth
    .optional()
    .describe(
      'Whether no password is accepted, for as long as it is so; keys may be. `false` for an account which never had a password makes it `*`. Default: left as it is; with `password`, false.',
    ),
  state: presence.describe('`present` (default) or `absent`.'),
  'remove-home': truth
    .default(false)
    .describe('With `state: absent`: remove the home folder and the mail as well. Default: false.'),
})
type Options = z.output<typeof schema>

const run = (what: string, script: string): Change => ({ what, steps: [{ kind: 'run', script }] })

export const user = convergent<Options, Options>({
  name: 'user',
  summary: 'keep an account of a user, or none',
  schema,
  subject: ({ name }) => name,
  desiredState: async options => options,
  probe: ({ name, group, groups = [], home }) =>
    probeAccounts(name, [name, ...groups, ...(group === undefined ? [] : [group])], home),
  plan(desired, result) {
    const found = parseAccounts(result)
    if (desired.state === 'absent') return planAbsent(desired, found)
    const plan = planPresent(desired, found)
    if (!found.isForeign || plan.kind !== 'change') return plan
    const what = plan.changes.map(change => change.what).join(', ')
    return impossible(`it is not in /etc/passwd but comes from elsewhere, a directory perhaps (wanted: ${what})`)
  },
})

const planAbsent = (desired: Options, { tools, user, isForeign }: ActualAccounts): Plan => {
  if (!user) return CONVERGED
  if (isForeign) return impossible('it is not in /etc/passwd but comes from elsewhere, a directory perhaps')
  const removesHome = desired['remove-home']
  const what = removesHome ? `remove, with its home ${user.home}` : 'remove'
  return { kind: 'change', changes: [run(what, tools.removeUser(desired.name, removesHome ? user.home : undefined))] }
}

const planPresent = (desired: Options, actual: ActualAccounts): Plan => {
  const changes = [
    ...(actual.user ? changedFields(desired, actual, actual.user) : [added(desired, actual)]),
    ...memberships(desired, actual),
    ...missingHome(desired, actual),
  ]
  const password = wantedPassword(desired, actual)
  if (password !== undefined && actual.user && actual.password === undefined && !actual.isForeign)
    return impossible('its password cannot be seen: /etc/shadow is for root')
  if (password !== undefined && password.field !== actual.password)
    changes.push(run(password.what, `printf '%s\\n' ${quote(`${desired.name}:${password.field}`)} | chpasswd -e`))
  return changes.length > 0 ? { kind: 'change', changes } : CONVERGED
}

const createsHome = (desired: Options): boolean => desired['create-home'] ?? !desired.system

const added = (desired: Options, { tools, groups }: ActualAccounts): Change => {
  const { name, uid, home, shell, comment, system } = desired
  // A group of the user's name may be there already; useradd needs an option then to take it.
  const group = desired.group ?? (groups.some(one => one.name === name) ? name : undefined)
  const script = tools.addUser(name, { uid, group, home, shell, comment }, { system, createHome: createsHome(desired) })
  return run(uid === undefined ? 'add' : `add with number ${uid}`, script)
}

const changedFields = (
  { name, uid, group, home, shell, comment }: Options,
  { tools, groups }: ActualAccounts,
  is: { uid: number; gid: number; home: string; shell: string; comment: string },
): readonly Change[] => {
  const account: Account = {
    uid: uid === is.uid ? undefined : uid,
    group: group === undefined || gidOf(group, groups) === is.gid ? undefined : group,
    home: home === is.home ? undefined : home,
    shell: shell === is.shell ? undefined : shell,
    comment: comment === is.comment ? undefined : comment,
  }
  const own = groups.find(one => one.gid === is.gid)?.name ?? is.gid
  const before = { ...is, group: own }
  const words = { uid: 'number', group: 'group', home: 'home', shell: 'shell', comment: 'comment' }
  const what = Object.entries(words).flatMap(([key, word]) => {
    const wanted = account[key as keyof Account]
    return wanted === undefined ? [] : [`${word} ${before[key as keyof Account] || '(none)'} -> ${wanted || '(none)'}`]
  })
  return what.length === 0 ? [] : [run(what.join(', '), tools.changeUser(name, account))]
}

const gidOf = (group: string, groups: ActualAccounts['groups']): number | undefined =>
  /^\d+$/.test(group) ? Number(group) : groups.find(one => one.name === group)?.gid

const memberships = ({ name, group, groups, append }: Options, actual: ActualAccounts): readonly Change[] => {
  if (!groups) return []
  const present = actual.groups.filter(({ members }) => members.includes(name)).map(one => one.name)
  const primary = group ?? actual.groups.find(one => one.gid === actual.user?.gid)?.name
  const joining = groups.filter(one => !present.includes(one) && one !== primary)
  const leaving = append ? [] : present.filter(one => !groups.includes(one))
  return [
    ...(joining.length > 0 ? [run(`join ${joining.join(', ')}`, actual.tools.join(name, joining))] : []),
    ...(leaving.length > 0 ? [run(`leave ${leaving.join(', ')}`, actual.tools.leave(name, leaving))] : []),
  ]
}

/** For a user who is there; a new one's is made with the account. */
const missingHome = (desired: Options, { user, hasHome }: ActualAccounts): readonly Change[] => {
  if (!user || hasHome || !createsHome(desired)) return []
  const home = desired.home ?? user.home
  const [folder, owner] = [quote(home), quote(desired.name)]
  const script = `[ -d ${folder} ] || { mkdir -p ${folder} && { ! [ -d /etc/skel ] || cp -R /etc/skel/. ${folder}; } && chown -R "$(id -u ${owner}):$(id -g ${owner})" ${folder}; }`
  return [run(`make the home ${home}`, script)]
}

/** What the second field of /etc/shadow is to be: a leading `!` locks what follows it. */
const wantedPassword = (
  { password, locked, 'keep-password': keep }: Options,
  actual: ActualAccounts,
): { readonly field: string; readonly what: string } | undefined => {
  const is = actual.password ?? '!'
  const hasOne = /^!*[^!*]/.test(is)
  const wanted = password !== undefined && !(keep && hasOne) ? password : undefined
  if (wanted === undefined && locked === undefined) return undefined
  const isLocked = is.startsWith('!')
  const base = wanted ?? is.replace(/^!+/, '')
  const lock = locked ?? (wanted === undefined ? isLocked : false)
  const field = lock ? (base.startsWith('!') ? base : `!${base}`) : base.replace(/^!+/, '') || (isLocked ? '*' : base)
  const what = [
    ...(wanted === undefined || wanted.replace(/^!+/, '') === is.replace(/^!+/, '') ? [] : ['set the password']),
    ...(lock === isLocked ? [] : [lock ? 'lock' : 'unlock']),
  ]
  return { field, what: what.join(', ') || 'set the password' }
}
