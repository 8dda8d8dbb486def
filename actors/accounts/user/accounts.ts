/** How accounts and groups are probed, and what the probe found. */
import { quote } from '../../../src/base/quote.ts'
import { wholeNumber } from '../../../src/config/fields.ts'
import { withLibrary } from '../../../src/converge/batch.ts'
import type { ProbeResult } from '../../../src/converge/convergent.ts'
import { busybox, shadow, type Tools } from './tools.ts'

/** The number of a user or group; the largest stands for nobody: credentials(7). */
export const idNumber = wholeNumber(0, 2 ** 32 - 2)

/** A line of /etc/passwd. */
export interface PasswdEntry {
  readonly uid: number
  readonly gid: number
  readonly comment: string
  readonly home: string
  readonly shell: string
}

export interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

export interface ActualAccounts {
  readonly tools: Tools
  readonly user: PasswdEntry | undefined
  /** It is known, but not from /etc/passwd: from a directory service, perhaps. */
  readonly isForeign: boolean
  /** The second field of /etc/shadow; `undefined` when it could not be read, or there is no such line. */
  readonly password: string | undefined
  /** Whether the home folder is there: the wanted one, else the user's own. */
  readonly hasHome: boolean
  /** Those which were asked for, the user's own, and those which it is a member of. */
  readonly groups: readonly GroupEntry[]
}

const LIBRARY = `probe_accounts() {
if command -v useradd >/dev/null 2>&1; then echo 'tools shadow'; else echo 'tools busybox'; fi
u=$1 g=$2 h=$3 p=
if [ "$u" ]; then
l=$(awk -F: -v n="$u" '$1==n{print;exit}' /etc/passwd)
if [ "$l" ]; then printf 'passwd %s\\n' "$l"
elif l=$(getent passwd "$u" 2>/dev/null); then printf 'foreign %s\\n' "$l"
fi
p=$(printf '%s' "$l" | cut -d: -f4)
h=\${h:-$(printf '%s' "$l" | cut -d: -f6)}
[ "$h" ] && [ -d "$h" ] && echo home
[ -r /etc/shadow ] && awk -F: -v n="$u" '$1==n{print "shadow " $2;exit}' /etc/shadow
fi
u=$u w=" $g $p " awk -F: 'BEGIN{u=ENVIRON["u"];w=ENVIRON["w"]} index(w," " $1 " ")||index(w," " $3 " ")||(u!=""&&index("," $4 ",","," u ",")){print "group " $0}' /etc/group
}
`

/** The probe which `parseAccounts` reads; `user` may be empty. */
export const probeAccounts = (user: string, groups: readonly string[], home = ''): string =>
  withLibrary(LIBRARY, `probe_accounts ${[user, groups.join(' '), home].map(quote).join(' ')}`)

/** What `probeAccounts` printed. */
export const parseAccounts = ({ stdout }: ProbeResult): ActualAccounts => {
  const lines = Buffer.from(stdout).toString().split('\n')
  const all = (word: string) =>
    lines.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1).split(':'))
  const [local] = all('passwd')
  const [foreign] = all('foreign')
  const [, , uid, gid, comment = '', home = '', shell = ''] = local ?? foreign ?? []
  return {
    tools: lines.includes('tools busybox') ? busybox : shadow,
    user: uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid), comment, home, shell },
    isForeign: local === undefined && foreign !== undefined,
    password: all('shadow')[0]?.join(':'),
    hasHome: lines.includes('home'),
    groups: all('group').map(([name = '', , id, members = '']) => ({
      name,
      gid: Number(id),
      members: members.split(',').filter(member => member !== ''),
    })),
  }
}
