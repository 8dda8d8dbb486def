/** `pulley token`: the token is made here, and written into a file; the server knows its checksum alone. */
import { createHash, randomBytes } from 'node:crypto'
import type { Abortable } from '../../base/abortable.ts'
import type { Administered } from '../client/admin.ts'
import { writeNew } from '../client/admin.ts'
import type { Token } from '../store/store.ts'
import { formatTime } from './format-time.ts'
import { table } from './table.ts'
import { tokensOf } from './vo-data.ts'

export interface TokenFlags {
  readonly uses: number
  /** Milliseconds from now. */
  readonly expires: number
  readonly names?: string
  readonly role: readonly string[]
  /** Where to write the token; standard output without it. */
  readonly out?: string
}

export const tokenCreate = async (vo: Administered, flags: TokenFlags, io: Abortable): Promise<number> => {
  const token = `${vo.vo}-${randomBytes(25).toString('base64url')}`
  const expires = Date.now() + flags.expires
  const hash = createHash('sha256').update(token).digest('hex')
  const body = {
    hash,
    uses: flags.uses,
    expires,
    roles: flags.role,
    ...(flags.names !== undefined && { names: flags.names }),
  }
  const made = (await vo.json('POST', '/tokens', body, io)) as Token
  if (flags.out === undefined) process.stdout.write(`${token}\n`)
  else await writeNew(flags.out, `${token}\n`)
  const file = flags.out === undefined ? '' : ` in ${flags.out}`
  process.stderr.write(`token ${made.id}${file}: ${flags.uses} uses until ${new Date(expires).toISOString()}\n`)
  return 0
}

export const tokenList = async (
  vo: Administered,
  { json }: { readonly json?: boolean },
  io: Abortable,
): Promise<number> => {
  const tokens = await tokensOf(vo, io)
  if (json) process.stdout.write(tokens.map(token => `${JSON.stringify(token)}\n`).join(''))
  else
    process.stdout.write(
      table(
        ['TOKEN', 'USES LEFT', 'EXPIRES', 'NAMES', 'ROLES', 'LAST USED'],
        tokens.map(({ id, usesLeft, expires, names, roles, lastUsed, revoked }) => [
          ...[id, String(usesLeft), revoked === undefined ? formatTime(expires) : `revoked ${formatTime(revoked)}`],
          ...[names ?? '*', roles.join(','), lastUsed === undefined ? 'never' : formatTime(lastUsed)],
        ]),
      ),
    )
  return 0
}

export const tokenRevoke = async (vo: Administered, id: string, io: Abortable): Promise<number> => {
  await vo.json('DELETE', `/tokens/${encodeURIComponent(id)}`, undefined, io)
  process.stderr.write(`token ${id} admits nobody any more\n`)
  return 0
}
