/**
 * What accounts are made with on the target: useradd and its kin of the shadow suite, or the commands of BusyBox where those
 * are missing. Each function returns a line of shell; values are quoted here.
 */
import { quote } from '../../../src/base/quote.ts'

/** What an account is to have. What is `undefined` is left to the tool, or as it is. */
export interface Account {
  readonly uid?: number | undefined
  /** The primary group: its name, or its number as text. */
  readonly group?: string | undefined
  readonly home?: string | undefined
  readonly shell?: string | undefined
  readonly comment?: string | undefined
}

export interface Tools {
  addUser(name: string, account: Account, options: { readonly system: boolean; readonly createHome: boolean }): string
  changeUser(name: string, account: Account): string
  /** `home`: where it is now, to be removed as well. */
  removeUser(name: string, home: string | undefined): string
  join(name: string, groups: readonly string[]): string
  leave(name: string, groups: readonly string[]): string
  addGroup(name: string, gid: number | undefined, system: boolean): string
  changeGroup(name: string, gid: number): string
  removeGroup(name: string): string
}

const option = (flag: string, value: string | number | undefined): string =>
  value === undefined ? '' : ` ${flag} ${quote(String(value))}`

const each = (names: readonly string[], line: (name: string) => string): string =>
  names.map(name => line(quote(name))).join(' && ')

/** useradd(8) and the others of its suite. */
export const shadow: Tools = {
  addUser: (name, { uid, group, home, shell, comment }, { system, createHome }) =>
    `useradd${system ? ' -r' : ''} ${createHome ? '-m' : '-M'}${option('-u', uid)}${option('-g', group)}${option('-d', home)}${option('-s', shell)}${option('-c', comment)} -- ${quote(name)}`,
  changeUser: (name, { uid, group, home, shell, comment }) =>
    `usermod${option('-u', uid)}${option('-g', group)}${option('-d', home)}${option('-s', shell)}${option('-c', comment)} -- ${quote(name)}`,
  // Exit code 12: the home could not be removed; when it is gone anyway, all is well.
  removeUser: (name, home) =>
    home === undefined
      ? `userdel -- ${quote(name)}`
      : `{ userdel -r -- ${quote(name)} || { [ $? -eq 12 ] && ! [ -e ${quote(home)} ]; }; }`,
  join: (name, groups) => `usermod -a -G ${quote(groups.join(','))} -- ${quote(name)}`,
  leave: (name, groups) => each(groups, group => `gpasswd -d ${quote(name)} ${group}`),
  addGroup: (name, gid, system) => `groupadd${system ? ' -r' : ''}${option('-g', gid)} -- ${quote(name)}`,
  changeGroup: (name, gid) => `groupmod -g ${gid} -- ${quote(name)}`,
  removeGroup: name => `groupdel -- ${quote(name)}`,
}

/**
 * adduser and the others of BusyBox, which has nothing to change an account with: then a field of the file is replaced, in a
 * copy beside it which is renamed over it. Files keep the owner's number when it changes, but for those in the home.
 */
const FIELD = `field() {
t=$(mktemp /etc/.stoker.XXXXXXXX) && n=$2 f=$3 v=$4 awk -F: -v OFS=: '$1==ENVIRON["n"]{$ENVIRON["f"]=ENVIRON["v"]}1' "/etc/$1" >"$t" && chmod 644 "$t" && mv -f "$t" "/etc/$1"
}
`
const field = (file: 'passwd' | 'group', name: string, number: number, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [`field ${file} ${quote(name)} ${number} ${quote(value)}`]

export const busybox: Tools = {
  addUser: (name, { uid, group, home, shell, comment }, { system, createHome }) =>
    `adduser -D${system ? ' -S' : ''}${createHome ? '' : ' -H'}${option('-u', uid)}${option('-G', group)}${option('-h', home)}${option('-s', shell)}${option('-g', comment)} ${quote(name)}`,
  changeUser(name, { uid, group, home, shell, comment }) {
    const owner = `old=$(id -u ${quote(name)}) && h=$(awk -F: -v n=${quote(name)} '$1==n{print $6}' /etc/passwd)`
    const chown = `{ ! [ -d "$h" ] || find "$h" -xdev -user "$old" -exec chown -h ${uid} {} +; }`
    return FIELD.concat(
      [
        ...(uid === undefined ? [] : [owner, ...field('passwd', name, 3, String(uid)), chown]),
        ...(group === undefined
          ? []
          : [
              `w=${quote(group)} && g=$w && { case $w in *[!0-9]*) g=$(n=$w awk -F: '$1==ENVIRON["n"]{print $3}' /etc/group) ;; esac; } && { [ "$g" ] || { echo "group '$w' does not exist" >&2; false; }; }`,
              `field passwd ${quote(name)} 4 "$g"`,
            ]),
        ...field('passwd', name, 5, comment),
        ...field('passwd', name, 6, home),
        ...field('passwd', name, 7, shell),
      ].join(' && '),
    )
  },
  removeUser: (name, home) => `deluser${home === undefined ? '' : ' --remove-home'} ${quote(name)}`,
  join: (name, groups) => each(groups, group => `addgroup ${quote(name)} ${group}`),
  leave: (name, groups) => each(groups, group => `delgroup ${quote(name)} ${group}`),
  addGroup: (name, gid, system) => `addgroup${system ? ' -S' : ''}${option('-g', gid)} ${quote(name)}`,
  changeGroup: (name, gid) => `${FIELD}${field('group', name, 3, String(gid)).join('')}`,
  removeGroup: name => `delgroup ${quote(name)}`,
}
