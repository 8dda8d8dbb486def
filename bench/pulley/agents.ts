/** Agents with real keys: as many as are wanted, enrolled in a store, with sessions of a running server. */
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { makeSigningKey, type SigningKey } from '../../src/pulley/protocol/keys.ts'
import { newId } from '../../src/pulley/protocol/names.ts'
import { signRequest } from '../../src/pulley/protocol/signature.ts'
import { openStore } from '../../src/pulley/store/open-store.ts'
import { openSqlite } from '../../src/pulley/store/sqlite.ts'
import { Connection, requestOf } from './exchange.ts'

export interface Agent {
  readonly id: string
  readonly key: SigningKey
}

export const VO = 'blue'

/** A token of the VO, for the machines which come. */
export const TOKEN = 'a-token-of-the-bench'

/** Makes a VO with a token, and so many nodes which it admitted, in the data folder of a server which does not run yet. */
export const enrolled = async (folder: string, count: number): Promise<readonly Agent[]> => {
  await using store = await openStore(openSqlite(join(folder, 'pulley.db')))
  const now = Date.now()
  await store.createVo({ name: VO, publicKey: makeSigningKey().publicKey }, now)
  const hash = createHash('sha256').update(TOKEN).digest('hex')
  const made = { id: newId('t'), vo: VO, expires: now + 3_600_000, names: undefined, roles: ['worker'], created: now }
  await store.createToken({ ...made, usesLeft: 100_000 }, hash)
  const agents: Agent[] = []
  for (let number = 0; number < count; number++) {
    const key = makeSigningKey()
    const id = newId('n')
    const node = { id, name: `node${number}`, publicKey: key.publicKey, sealKey: key.publicKey, version: '1' }
    await store.enrol(VO, hash, { ...node, fingerprint: fingerprintOf(number), cloneOf: undefined }, now)
    agents.push({ id, key })
  }
  return agents
}

export const fingerprintOf = (number: number) => ({ machineId: `machine${number}`, macs: [macOf(number)] })

const macOf = (number: number): string =>
  `52:54:00:${number
    .toString(16)
    .padStart(6, '0')
    .replaceAll(/(..)(?=.)/g, '$1:')}`

/** A signed hello, whose answer holds the session. */
export const helloOf = ({ id, key }: Agent, number: number): Buffer => {
  const said = { fingerprint: fingerprintOf(number), bootId: randomBytes(8).toString('hex'), version: '1' }
  const body = JSON.stringify({ ...said, addresses: [], turn: Date.now(), serial: 0 })
  const signed = { method: 'POST', target: '/v1/session', body: Buffer.from(body) }
  return requestOf('POST', '/v1/session', { ...signRequest(signed, key, id, Date.now()) }, body)
}

/** The request of an agent which knows everything already. */
export const pollOf = (session: string, etag: string): Buffer =>
  requestOf('GET', '/v1/poll', { authorization: `Bearer ${session}`, 'if-none-match': etag })

/** Says hello for all and polls once; returns the next poll of each. */
export const greetAll = async (port: number, agents: readonly Agent[]): Promise<readonly Buffer[]> => {
  const polls: Buffer[] = []
  const waiting = agents.entries()
  const work = async () => {
    using connection = await Connection.open(port)
    for (const [number, agent] of waiting) {
      const hello = await connection.ask(helloOf(agent, number))
      const { session } = JSON.parse(hello.body) as { readonly session?: string }
      if (session === undefined) throw new Error(`a hello is answered with ${hello.status}: ${hello.body}`)
      const first = await connection.ask(requestOf('GET', '/v1/poll', { authorization: `Bearer ${session}` }))
      polls[number] = pollOf(session, first.headers.get('etag') ?? '')
    }
  }
  await Promise.all(Array.from({ length: 32 }, work))
  return polls
}
