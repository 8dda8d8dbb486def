/** VOs, tokens and nodes. */
import { StokerError } from '../../base/errors.ts'
import type { Database, Value } from './database.ts'
import { nodeOf, number, text, tokenOf, voOf } from './rows.ts'
import type { Refused, Store, Token } from './store.ts'

type Identities = Pick<
  Store,
  | 'revisions'
  | 'secret'
  | 'createVo'
  | 'vo'
  | 'vos'
  | 'succeed'
  | 'createToken'
  | 'tokens'
  | 'revokeToken'
  | 'enrol'
  | 'node'
  | 'nodeById'
  | 'nodes'
  | 'setRoles'
  | 'revokeNode'
  | 'hello'
  | 'cloneSeen'
  | 'contacts'
  | 'useNonce'
  | 'forgetNonces'
>

type Inside = Pick<Database, 'all' | 'run' | 'dialect'>

export const refused = (why: string): Refused => ({ kind: 'refused', why })

/** Told to nodes: something of their VO has changed. */
export const touch = (inside: Inside, vo: string): Promise<number> =>
  inside.run('UPDATE vos SET revision = revision + 1 WHERE name = ?', [vo])

export const identities = (database: Database): Identities => {
  const one = async <T>(inside: Inside, sql: string, values: readonly Value[], read: (row: never) => T) => {
    const [row] = await inside.all(sql, values)
    return row && read(row as never)
  }
  const vo = (inside: Inside, name: string) => one(inside, 'SELECT * FROM vos WHERE name = ?', [name], voOf)

  return {
    async revisions() {
      const rows = await database.all('SELECT name, revision FROM vos')
      return new Map(rows.map(row => [text(row, 'name'), number(row, 'revision')]))
    },

    secret: (name, fresh) =>
      database.transaction(async inside => {
        await inside.run(`${inside.dialect.insertNew} INTO secrets (name, value) VALUES (?, ?)`, [name, fresh()])
        const [row] = await inside.all('SELECT value FROM secrets WHERE name = ?', [name])
        return text(row ?? {}, 'value')
      }),

    createVo: ({ name, publicKey }, now) =>
      database.transaction(async inside => {
        const sql = `${inside.dialect.insertNew} INTO vos (name, public_key, created, successions) VALUES (?, ?, ?, '[]')`
        const made = await inside.run(sql, [name, publicKey, now])
        const row = await vo(inside, name)
        // The same request again, because its answer was lost, is no second VO.
        if (made === 0 && row?.publicKey !== publicKey)
          return refused(`there is a VO ${name} already, with another key`)
        return row as NonNullable<typeof row>
      }),
    vo: name => vo(database, name),
    vos: async () => (await database.all('SELECT * FROM vos ORDER BY name')).map(voOf),

    succeed: (name, from, to, document) =>
      database.transaction(async inside => {
        const before = await one(inside, `SELECT * FROM vos WHERE name = ?${inside.dialect.forUpdate}`, [name], voOf)
        if (before?.publicKey !== from) return refused(`the key of VO ${name} is another one by now`)
        const successions = JSON.stringify([...before.successions, document])
        await inside.run('UPDATE vos SET public_key = ?, successions = ? WHERE name = ?', [to, successions, name])
        await touch(inside, name)
        return (await vo(inside, name)) as typeof before
      }),

    async createToken({ id, vo, usesLeft, expires, names, roles, created }, hash) {
      const sql =
        'INSERT INTO tokens (id, vo, hash, uses_left, expires, name_pattern, roles, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
      await database.run(sql, [id, vo, hash, usesLeft, expires, names ?? null, JSON.stringify(roles), created])
    },
    tokens: async name =>
      (await database.all('SELECT * FROM tokens WHERE vo = ? ORDER BY created, id', [name])).map(tokenOf),
    async revokeToken(name, id, now) {
      const sql = 'UPDATE tokens SET revoked = ? WHERE vo = ? AND id = ? AND revoked IS NULL'
      return (await database.run(sql, [now, name, id])) === 1
    },

    enrol: (name, hash, node, now) =>
      database.transaction(async inside => {
        const known = await one(inside, 'SELECT * FROM nodes WHERE public_key = ?', [node.publicKey], nodeOf)
        if (known) return known.vo === name && !known.revoked ? known : refused('this key has been enrolled before')
        const lock = `SELECT * FROM tokens WHERE vo = ? AND hash = ?${inside.dialect.forUpdate}`
        const token = await one(inside, lock, [name, hash], tokenOf)
        const why = token ? unfit(token, node.name, now) : 'there is no such token'
        if (!token || why) return refused(why ?? '')
        await inside.run('UPDATE tokens SET uses_left = uses_left - 1, last_used = ? WHERE id = ?', [now, token.id])
        const sql = `${inside.dialect.insertNew} INTO nodes (id, vo, name, held_name, roles, public_key, seal_key, fingerprint,
          token, enrolled, clone_of, version, last_contact) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
        let made = 0
        // Another server may have taken the name meanwhile.
        for (let tries = 0; made === 0 && tries < TRIES; tries++) {
          const own = await freeName(inside, name, node.name)
          made = await inside.run(sql, [
            ...[node.id, name, own, own, JSON.stringify(token.roles), node.publicKey, node.sealKey],
            ...[JSON.stringify(node.fingerprint), token.id, now, node.cloneOf ?? null, node.version, now],
          ])
        }
        if (made === 0) throw new StokerError('STORE_FAILED', node.name, `no free name like ${node.name} in VO ${name}`)
        const entered = await one(inside, 'SELECT * FROM nodes WHERE id = ?', [node.id], nodeOf)
        return entered as NonNullable<typeof entered>
      }),
    node: (name, id) => one(database, 'SELECT * FROM nodes WHERE vo = ? AND id = ?', [name, id], nodeOf),
    nodeById: id => one(database, 'SELECT * FROM nodes WHERE id = ?', [id], nodeOf),
    nodes: async name => (await database.all('SELECT * FROM nodes WHERE vo = ? ORDER BY name, id', [name])).map(nodeOf),
    setRoles: (name, id, roles) =>
      database.transaction(async inside => {
        const sql = 'UPDATE nodes SET roles = ? WHERE vo = ? AND id = ?'
        const changed = await inside.run(sql, [JSON.stringify(roles), name, id])
        await touch(inside, name)
        return changed === 1
      }),
    revokeNode: (name, id, now) =>
      database.transaction(async inside => {
        const sql = 'UPDATE nodes SET revoked = ?, held_name = NULL WHERE vo = ? AND id = ? AND revoked IS NULL'
        const changed = await inside.run(sql, [now, name, id])
        await inside.run(
          "UPDATE actions SET state = 'cancelled', finished = ? WHERE vo = ? AND node = ? AND state IN ('queued', 'fetched')",
          [now, name, id],
        )
        await leaveUnknown(inside, id, 'the node was put out while it ran', now)
        await touch(inside, name)
        return changed === 1
      }),

    hello: (id, { turn, bootId, version, addresses, serial }, now) =>
      database.transaction(async inside => {
        const node = await one(inside, `SELECT * FROM nodes WHERE id = ?${inside.dialect.forUpdate}`, [id], nodeOf)
        const rolledBack = node !== undefined && turn <= node.turn
        const sql = `UPDATE nodes SET turn = ?, boot_id = ?, version = ?, addresses = ?, serial_applied = ?, last_contact = ?, rolled_back = ?
          WHERE id = ?`
        const turned = Math.max(turn, node?.turn ?? 0)
        await inside.run(sql, [
          turned,
          bootId,
          version,
          JSON.stringify(addresses),
          serial,
          now,
          rolledBack ? now : (node?.rolledBack ?? null),
          id,
        ])
        // It has forgotten what it had begun.
        if (rolledBack) await leaveUnknown(inside, id, "the node's state was put back to an earlier one", now)
        return { rolledBack }
      }),
    async cloneSeen(id) {
      await database.run('UPDATE nodes SET clones_seen = clones_seen + 1 WHERE id = ?', [id])
    },
    contacts: list =>
      database.transaction(async inside => {
        for (const { id, at, interval } of list)
          await inside.run('UPDATE nodes SET last_contact = ?, poll_interval = ? WHERE id = ?', [at, interval, id])
      }),

    async useNonce(nonce, expires) {
      const sql = `${database.dialect.insertNew} INTO nonces (nonce, expires) VALUES (?, ?)`
      return (await database.run(sql, [nonce, expires])) === 1
    },
    async forgetNonces(now) {
      await database.run('DELETE FROM nonces WHERE expires < ?', [now])
    },
  }
}

/** What a node has begun, and will perhaps never tell the end of. If it does, that counts. */
const leaveUnknown = async (inside: Inside, node: string, message: string, now: number): Promise<void> => {
  const result = JSON.stringify({ state: 'unknown', at: now, message })
  const sql = "UPDATE actions SET state = 'unknown', finished = ?, result = ? WHERE node = ? AND state = 'started'"
  await inside.run(sql, [now, result, node])
}

/** Servers which look for a free name at the same time. */
const TRIES = 100

/** `wn.example.org`, else `wn-2.example.org` and so on: thousands come of one image, so that no number is tried in turn. */
const freeName = async (inside: Inside, vo: string, name: string): Promise<string> => {
  const isFree = async (number: number) => {
    // As it is now, and not as it was when the transaction began.
    const sql = `SELECT id FROM nodes WHERE vo = ? AND held_name = ?${inside.dialect.forUpdate}`
    return (await inside.all(sql, [vo, numbered(name, number)])).length === 0
  }
  if (await isFree(1)) return name
  let [taken, free] = [1, 2]
  while (!(await isFree(free))) [taken, free] = [free, 2 * free]
  while (free - taken > 1) {
    const between = (taken + free) >> 1
    if (await isFree(between)) free = between
    else taken = between
  }
  return numbered(name, free)
}

const numbered = (name: string, number: number): string =>
  number === 1 ? name : name.replace(/^[^.]*/, first => `${first}-${number}`)

const unfit = (token: Token, name: string, now: number): string | undefined => {
  if (token.revoked !== undefined) return 'the token has been revoked'
  if (token.expires <= now) return 'the token has expired'
  if (token.usesLeft < 1) return 'the token has been used as often as it may be'
  if (token.names !== undefined && !fits(token.names, name)) return `the token is not for the name ${name}`
  return undefined
}

/** Each part as early as it can be, which takes no time that grows with the number of stars. */
const fits = (pattern: string, name: string): boolean => {
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
