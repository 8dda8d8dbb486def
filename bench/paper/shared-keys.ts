/** Public keys which stand in one place for all targets, and are handed out one at a time: each login has to wait. */
import { chmod, chown, copyFile, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { account } from '../../test/fixtures/servers/account.ts'
import { type Fleet, startTargets } from '../push/fleet.ts'

/** A fleet whose logins wait for each other. */
export interface SharedKeys extends AsyncDisposable {
  readonly fleet: Fleet
  /** How often a server has asked for keys so far. */
  asked(): Promise<number>
}

/** `hold`: seconds for which each question keeps the lock. */
export const startSharedKeys = async (count: number, hold: number): Promise<SharedKeys> => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'stoker-keys-'))).path
  const user = await account()
  await chmod(folder, 0o755)
  await chown(folder, user.uid, user.gid)
  const [script, keys] = [join(folder, 'keys.sh'), join(folder, 'authorized_keys')]
  await writeFile(script, SCRIPT)
  const fleet = stack.use(
    await startTargets({
      count,
      config: [
        'AuthorizedKeysFile none',
        // sshd wants a command which only root can change, all the way up; the shell is one.
        `AuthorizedKeysCommand /bin/sh ${script} ${folder} ${hold}`,
        `AuthorizedKeysCommandUser ${user.name}`,
        'LoginGraceTime 600',
      ],
    }),
  )
  await copyFile(join(fleet.folder, 'authorized_keys'), keys)
  await chmod(keys, 0o644)
  const all = stack.move()
  return {
    fleet,
    asked: async () => (await readFile(join(folder, 'asked'), 'utf8').catch(() => '')).length,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Arguments: the folder, and for how many seconds to keep the lock, which its end gives back. */
const SCRIPT = `exec 9>>"$1/lock"
flock 9
printf . >>"$1/asked"
sleep "$2"
cat "$1/authorized_keys"
`
