/**
 * Pending handlers: resources which have been notified and have not succeeded since. They are kept on the target, one file for
 * each, from before the change that notifies until they have succeeded: no lost connection, killed tool or reboot loses one.
 */
import { createHash } from 'node:crypto'
import { quote } from '../../base/quote.ts'
import type { ProbeResult, Step } from '../../converge/convergent.ts'

export interface PendingHandlers {
  /** The folder on the target, for messages. */
  readonly folder: string
  /** The ids of the resources, with the names of their files. */
  readonly ids: ReadonlyMap<string, string>
}

/** The records of one policy on a target. The scripts are POSIX sh, and run as the login user. */
export interface PendingHandlerStore {
  /** Prints the pending handlers; see `parsePendingHandlers`. Changes nothing. */
  readonly list: string
  /** Removes the records of these. */
  acknowledge(ids: readonly string[]): string
  /**
   * The steps, with a record of `calls` before them, safe from a crash of the target before anything is done; and with `acknowledged`
   * removed after them. A script and its record are one script: whoever ends it has ended both, or neither.
   */
  wrap(steps: readonly Step[], calls: readonly string[], acknowledged: readonly string[]): readonly Step[]
}

/** root's is where the system keeps its state; others have a place of their own (XDG Base Directory Specification). */
const FOLDER = (policy: string): string =>
  `stoker_d=$HOME/.local/state; case \${XDG_STATE_HOME-} in /*) stoker_d=$XDG_STATE_HOME ;; esac; ` +
  `[ "$(id -u)" != 0 ] || stoker_d=/var/lib; ` +
  `stoker_d=$stoker_d/stoker/pending/${quote(policy)}`

const SYNC = 'stoker_s() { sync "$1" 2>/dev/null || sync; }'

export const pendingHandlers = (policy: string): PendingHandlerStore => {
  const folder = FOLDER(policy)
  const record = (ids: readonly string[]): string =>
    [
      folder,
      SYNC,
      // It is soon done; what ends the script's processes would leave half a record lying about.
      "trap '' HUP INT TERM",
      'umask 077; mkdir -p "$stoker_d" || exit',
      // Written beside and renamed: half a record would be none. Two tools at once do not get in each other's way.
      ...ids.map(id => {
        const file = `"$stoker_d/"${fileOf(id)}`
        const beside = `"$stoker_d/.$$."${fileOf(id)}`
        return `[ -f ${file} ] || { printf '%s\\n' ${quote(id)} >${beside} && stoker_s ${beside} && mv -f ${beside} ${file}; } || exit`
      }),
      'stoker_s "$stoker_d"',
    ].join('\n')
  const remove = (ids: readonly string[]): string => `rm -f ${ids.map(id => `"$stoker_d/"${fileOf(id)}`).join(' ')}`
  const sync = '[ ! -d "$stoker_d" ] || stoker_s "$stoker_d"'
  const acknowledge = (ids: readonly string[]): string => [folder, SYNC, `${remove(ids)} || exit`, sync].join('\n')

  /** What ends the script's processes must not come between the action and its acknowledgement. */
  const thenAcknowledge = (script: string, ids: readonly string[]): string =>
    [
      folder,
      SYNC,
      "trap '' HUP INT TERM",
      `( trap - HUP INT TERM; unset stoker_d; unset -f stoker_s\n${script}\n) || exit`,
      `${remove(ids)} || exit`,
      sync,
    ].join('\n')

  return {
    list: `${folder}\nprintf '%s\\n' "$stoker_d"\nfor f in "$stoker_d"/*; do [ -f "$f" ] || continue; printf '%s ' "\${f##*/}"; cat "$f" || exit; done`,
    acknowledge,
    wrap(steps, calls, acknowledged) {
      const all = [...steps]
      const last = all.at(-1)
      if (acknowledged.length > 0) {
        if (last?.kind === 'run') all[all.length - 1] = { ...last, script: thenAcknowledge(last.script, acknowledged) }
        else all.push({ kind: 'run', script: acknowledge(acknowledged) })
      }
      const [first] = all
      if (calls.length > 0) {
        if (first?.kind === 'run') all[0] = { ...first, script: `(\n${record(calls)}\n) || exit\n${first.script}` }
        else all.unshift({ kind: 'run', script: record(calls) })
      }
      return all
    },
  }
}

/** What `list` printed. */
export const parsePendingHandlers = ({ stdout }: ProbeResult): PendingHandlers => {
  const [folder = '', ...lines] = Buffer.from(stdout).toString().split('\n')
  const ids = lines.flatMap(line => {
    const at = line.indexOf(' ')
    return at > 0 ? [[line.slice(at + 1), line.slice(0, at)] as const] : []
  })
  return { folder, ids: new Map(ids) }
}

/** A name which every file system takes, whatever the resource is called. */
const fileOf = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 32)
