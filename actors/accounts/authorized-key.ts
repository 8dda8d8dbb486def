/**
 * Keeps SSH keys in a user's ~/.ssh/authorized_keys. Everything below the home is probed and changed as the user: what is
 * there belongs to the user, who may put a symbolic link in the way at any moment, and a link can lead no further than the
 * user may go. So it works in homes where root may not write (NFS), too.
 */
import * as z from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { shown } from '../../src/base/names.ts'
import { quote } from '../../src/base/quote.ts'
import { truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { writeScript } from '../../src/connection/files.ts'
import { bytesOf } from '../../src/converge/content.ts'
import type { Change, Plan } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { printfCommand } from '../../src/converge/send-content.ts'
import { presence, userName } from '../common/options.ts'
import { joinLines, raw, readable, splitLines } from '../files/lines.ts'
import { CONVERGED, impossible, missingPrerequisite } from '../files/text-file.ts'
import { type AuthorizedKey, areOptions, fingerprint, parseKey, withKeys, withoutKeys } from './authorized-keys-file.ts'
import { inHome, userScript } from './user-files.ts'

const schema = mapping({
  user: userName.describe('Whose keys: a user of the target; the home is the one of the user database.'),
  keys: z
    .union([z.array(z.string()), z.string().transform(text => [text])], { error: 'expected a key, or a list of keys' })
    .optional()
    .describe(
      'The keys, as in a `.pub` file: `ssh-ed25519 AAAA... alice@laptop`; one, a list, or text with a line for each. Options may stand in front of a key.',
    ),
  source: z.string().optional().describe('A file with keys on this side, such as `alice.pub`, in the place of `keys`.'),
  options: z
    .string()
    .refine(
      text => areOptions(raw(text)),
      'expected options as in authorized_keys(5), such as no-pty,from="10.0.0.0/8"',
    )
    .optional()
    .describe('What stands in front of every key: `no-pty,from="10.0.0.0/8"`. Default: nothing.'),
  exclusive: truth.default(false).describe('Whether all other keys of the file go. Default: false.'),
  state: presence.describe(
    '`present` (default): the keys are there, with these options; the folder has mode 0700 and the file 0600. `absent`: they are not there, whatever their options.',
  ),
})
  .refine(({ keys, source }) => (keys === undefined) !== (source === undefined), {
    path: ['keys'],
    error: 'give either keys, or a source',
  })
  .refine(({ exclusive, state }) => !exclusive || state === 'present', {
    path: ['exclusive'],
    error: 'makes no sense with `state: absent`',
  })
  .superRefine(({ keys, options }, context) => {
    const parsed = keys === undefined ? [] : parseKeys(keys.join('\n'), options)
    if (typeof parsed === 'string') context.addIssue({ code: 'custom', path: ['keys'], message: parsed })
  })
type Options = z.output<typeof schema>

interface DesiredKeys extends Options {
  readonly wanted: readonly AuthorizedKey[]
}

const FOLDER = '.ssh'
const FILE = '.ssh/authorized_keys'

/** The lines of a text as keys, or what is wrong with it. Nothing of it is shown: it may be a private key. */
const parseKeys = (text: string, options: string | undefined): readonly AuthorizedKey[] | string => {
  const keys: AuthorizedKey[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const key = parseKey(raw(line.trim()))
    const at = `line ${index + 1}`
    if (!key) return `${at} is no public key as in a .pub file, or a part of it is missing`
    if (options !== undefined && key.options !== '')
      return `${at}: options stand in front of the key, and in "options" too`
    keys.push(options === undefined ? key : { ...key, options: raw(options) })
  }
  return keys.length === 0 ? 'there is no key in it' : keys
}

/** Prints `nouser`, or `user UID HOME`; then `nohome`, or what the folder and the file are, and the file's content. */
const probe = (user: string): string =>
  userScript(`find_user ${quote(user)} || { echo nouser; exit 0; }
printf "user %s %s\\n" "$uid" "$STOKER_HOME"
as_user ${quote(`[ -d "$STOKER_HOME" ] || { echo nohome; exit 0; }
cd "$STOKER_HOME" || exit
kind() {
if [ -L "$1" ]; then echo link
elif [ -d "$1" ]; then stat -c "folder %a %u" "$1"
elif [ -f "$1" ]; then stat -c "file %a %u" "$1"
elif [ -e "$1" ]; then echo other
else echo absent
fi
}
kind ${FOLDER} && kind ${FILE} || exit
[ -L ${FILE} ] || [ ! -f ${FILE} ] || cat ${FILE}`)}`)

interface Thing {
  readonly kind: string
  readonly mode: string
  readonly uid: string
}

/** Why the thing cannot be used; `undefined` when it is fine, or not there. */
const obstacle = (name: string, wanted: string, thing: Thing, user: string, uid: string): string | undefined => {
  if (thing.kind === 'absent') return undefined
  if (thing.kind === 'link')
    return `${name} is a symbolic link; it has to be a real ${wanted} for keys to be kept in it`
  if (thing.kind !== wanted) return `${name} is no ${wanted}`
  if (thing.uid !== uid)
    return `${name} belongs to the user with number ${thing.uid}, not to ${user}; change that first, with chown`
  return undefined
}

const plan = ({ user, state, exclusive, wanted }: DesiredKeys, stdout: Uint8Array): Plan => {
  const output = Buffer.from(stdout).toString('latin1')
  const [first = '', folderLine = '', fileLine = ''] = output.split('\n', 3)
  const [known, uid = ''] = first.split(' ')
  const home = readable(first.split(' ').slice(2).join(' '))
  const keys = wanted.length === 1 ? 'the key' : `${wanted.length} keys`
  if (known === 'nouser')
    return state === 'absent'
      ? CONVERGED
      : missingPrerequisite(`add ${keys}, once there is the user`, `there is no user ${user}`)
  if (folderLine === 'nohome')
    return state === 'absent'
      ? CONVERGED
      : missingPrerequisite(
          `add ${keys}, once there is a home`,
          `there is no folder ${home}, the home of ${user}, or ${user} may not enter it`,
        )
  const folder = thing(folderLine)
  const file = thing(fileLine)
  const reason =
    obstacle(`${home}/${FOLDER}`, 'folder', folder, user, uid) ?? obstacle(`${home}/${FILE}`, 'file', file, user, uid)
  if (reason !== undefined) return impossible(reason)
  const before =
    file.kind === 'absent'
      ? undefined
      : Buffer.from(output.slice(first.length + folderLine.length + fileLine.length + 3), 'latin1')
  const lines = splitLines(before ?? new Uint8Array())
  const edit = state === 'absent' ? withoutKeys(lines, wanted) : withKeys(lines, wanted, exclusive)
  const after = joinLines(edit.lines)
  const changes: Change[] = []
  const run = (what: string, script: string) =>
    changes.push({ what, steps: [{ kind: 'run', script: inHome(user, script) }] })
  if (state === 'present') {
    if (folder.kind === 'absent') run(`make ${home}/${FOLDER}`, `umask 077; mkdir ${FOLDER}`)
    else if (folder.mode !== '700') run(`mode of ${home}/${FOLDER}: 0${folder.mode} -> 0700`, `chmod 700 ${FOLDER}`)
    if (before && file.mode !== '600') run(`mode of ${home}/${FILE}: 0${file.mode} -> 0600`, `chmod 600 ${FILE}`)
  }
  if (Buffer.compare(before ?? new Uint8Array(), after) !== 0)
    changes.push({
      what: [
        ...edit.added.map(key => `add ${label(key)}`),
        ...edit.changed.map(key => `change ${label(key)}`),
        ...(edit.removed > 0 ? [`remove ${edit.removed} line${edit.removed > 1 ? 's' : ''}`] : []),
      ].join(', '),
      diff: { path: `${home}/${FILE}`, before, after, secret: true },
      steps: [
        {
          kind: 'run',
          script: inHome(user, writeScript(FILE, RECEIVE(after.length), { mode: 0o600 }), `{ ${pieces(after)}; } | `),
        },
      ],
    })
  return changes.length === 0 ? CONVERGED : { kind: 'change', changes }
}

const thing = (line: string): Thing => {
  const [kind = '', mode = '', uid = ''] = line.split(' ')
  return { kind, mode, uid }
}

const label = (key: AuthorizedKey): string =>
  `${key.type} ${key.comment === '' ? fingerprint(key) : shown(readable(key.comment))}`

/** A pipe's end looks like the end of the content: the size tells whether it was. */
const RECEIVE = (size: number): string =>
  `cat >"$t" || exit; [ "$(wc -c <"$t")" -eq ${size} ] || { echo "the content is incomplete" >&2; exit 1; }`

/** Commands which print the bytes; no word of them is too long for a printf which is a program. */
const pieces = (bytes: Uint8Array): string => {
  const commands: string[] = []
  for (let at = 0; at < bytes.length; at += 16_384)
    commands.push(printfCommand(Buffer.from(bytes.subarray(at, at + 16_384))))
  return commands.join('; ') || ':'
}

export const authorizedKey = convergent<Options, DesiredKeys>({
  name: 'authorized-key',
  summary: "keep SSH keys in a user's authorized_keys, or out of it",
  schema,
  subject: ({ user }) => user,
  sources: ({ source }) => (source === undefined ? [] : [source]),
  async desiredState(options, materials) {
    const { source, keys = [] } = options
    const text =
      source === undefined ? keys.join('\n') : Buffer.from(await bytesOf(await materials.file(source))).toString()
    const wanted = parseKeys(text, options.options)
    if (typeof wanted !== 'string') return { ...options, wanted }
    throw new StokerError('CONFIG', source ?? 'keys', `actor authorized-key, source ${shown(source ?? '')}: ${wanted}`)
  },
  probe: ({ user }) => probe(user),
  plan: (desired, { stdout }) => plan(desired, stdout),
})
