/** Tokens, by which machines become nodes. */
import type { Database } from './database.ts'
import { tokenOf } from './rows.ts'
import { sql } from './sql.ts'
import type { Store, Token } from './store.ts'

export const tokens = (database: Database): Pick<Store, 'createToken' | 'tokens' | 'revokeToken'> => ({
  async createToken({ id, vo, usesLeft, expires, names, roles, created }, hash) {
    await database.run(sql`INSERT INTO tokens (id, vo, hash, uses_left, expires, name_pattern, roles, created)
      VALUES (${id}, ${vo}, ${hash}, ${usesLeft}, ${expires}, ${names}, ${JSON.stringify(roles)}, ${created})`)
  },
  tokens: async vo =>
    (await database.all(sql`SELECT * FROM tokens WHERE vo = ${vo} ORDER BY created, id`)).map(tokenOf),
  async revokeToken(vo, id, now) {
    const changed = await database.run(
      sql`UPDATE tokens SET revoked = ${now} WHERE vo = ${vo} AND id = ${id} AND revoked IS NULL`,
    )
    return changed === 1
  },
})

/** Why the token does not admit a machine of this name; `undefined`: it does. Pure. */
export const whyNotAdmitted = (token: Token, name: string, now: number): string | undefined => {
  if (token.revoked !== undefined) return 'the token has been revoked'
  if (token.expires <= now) return 'the token has expired'
  if (token.usesLeft < 1) return 'the token has been used as often as it may be'
  if (token.names !== undefined && !matches(token.names, name)) return `the token is not for the name ${name}`
  return undefined
}

/** Each part of the pattern as early as it can be, which takes no time that grows with the number of stars. */
const matches = (pattern: string, name: string): boolean => {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return name === pattern
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return name.startsWith(first) && name.endsWith(last) && name.length - last.length >= at
}
