/** How a machine becomes a node: a token's use and the node, both or neither. */
import { StokerError } from '../../base/errors.ts'
import { numberedName } from '../protocol/names.ts'
import type { Database, Queries } from './database.ts'
import { nodeOf, tokenOf } from './rows.ts'
import { type Sql, sql } from './sql.ts'
import { type NewNode, type Node, refused, type Store, type Token } from './store.ts'
import { whyNotAdmitted } from './tokens.ts'

export const enrolment = (database: Database): Pick<Store, 'enrol'> => ({
  enrol: (vo, hash, node, now) =>
    database.transaction(async inside => {
      const known = await findNode(inside, sql`SELECT * FROM nodes WHERE public_key = ${node.publicKey}`)
      if (known) return known.vo === vo && !known.revoked ? known : refused('this key has been enrolled before')
      const { forUpdate } = inside.dialect
      const [row] = await inside.all(sql`SELECT * FROM tokens WHERE vo = ${vo} AND hash = ${hash}${forUpdate}`)
      const token = row && tokenOf(row)
      const why = token ? whyNotAdmitted(token, node.name, now) : 'there is no such token'
      if (!token || why) return refused(why ?? '')
      await inside.run(sql`UPDATE tokens SET uses_left = uses_left - 1, last_used = ${now} WHERE id = ${token.id}`)
      await insertNode(inside, vo, node, token, now)
      return (await findNode(inside, sql`SELECT * FROM nodes WHERE id = ${node.id}`)) as Node
    }),
})

const findNode = async (inside: Queries, query: Sql): Promise<Node | undefined> => {
  const [row] = await inside.all(query)
  return row && nodeOf(row)
}

/** Servers which look for a free name at the same time. */
const MAX_TRIES = 100

const insertNode = async (inside: Queries, vo: string, node: NewNode, token: Token, now: number): Promise<void> => {
  const { id, publicKey, sealKey, cloneOf, version } = node
  const [roles, fingerprint] = [JSON.stringify(token.roles), JSON.stringify(node.fingerprint)]
  // Another server may have taken the name meanwhile.
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const name = await freeName(inside, vo, node.name)
    const made =
      await inside.run(sql`${inside.dialect.insertNew} INTO nodes (id, vo, name, held_name, roles, public_key,
        seal_key, fingerprint, token, enrolled, clone_of, version, last_contact)
      VALUES (${id}, ${vo}, ${name}, ${name}, ${roles}, ${publicKey},
        ${sealKey}, ${fingerprint}, ${token.id}, ${now}, ${cloneOf}, ${version}, ${now})`)
    if (made === 1) return
  }
  throw new StokerError('STORE_FAILED', node.name, `no free name like ${node.name} in VO ${vo}`)
}

/** `wn.example.org`, else `wn-2.example.org` and so on: thousands come of one image, so that no number is tried in turn. */
const freeName = async (inside: Queries, vo: string, name: string): Promise<string> => {
  const isFree = async (number: number) => {
    // As it is now, and not as it was when the transaction began.
    const { forUpdate } = inside.dialect
    const held = numberedName(name, number)
    return (
      (await inside.all(sql`SELECT id FROM nodes WHERE vo = ${vo} AND held_name = ${held}${forUpdate}`)).length === 0
    )
  }
  if (await isFree(1)) return name
  let [taken, free] = [1, 2]
  while (!(await isFree(free))) [taken, free] = [free, 2 * free]
  while (free - taken > 1) {
    const between = (taken + free) >> 1
    if (await isFree(between)) free = between
    else taken = between
  }
  return numberedName(name, free)
}
